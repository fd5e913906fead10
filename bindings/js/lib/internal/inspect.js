// `inspect` and `format`, from npm.

'use strict';

const { format, formatWithOptions, inspect, stripVTControlCharacters } = require('npm/inspect');

module.exports = { format, formatWithOptions, inspect, stripVTControlCharacters };
