// Node's `constants`: those of `os` and `fs` together.

'use strict';

const { constants: { errno, priority, signals } } = require('os');

module.exports = Object.freeze({ ...errno, ...priority, ...signals, ...require('internal/fs_constants') });
