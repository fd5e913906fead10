// Node's `assert`, from npm.

'use strict';

module.exports = require('npm/assert');
