// Node's `stream/promises`.

'use strict';

const { finished, pipeline } = require('npm/stream').promises;

module.exports = { finished, pipeline };
