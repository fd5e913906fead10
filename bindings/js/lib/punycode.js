// Node's `punycode`: there is none here; `url` converts names. It loads, and says so when it is called.

'use strict';

const { unavailableModule } = require('internal/errors');

module.exports = unavailableModule('punycode', ['decode', 'encode', 'toASCII', 'toUnicode'], { version: '2.1.0' });
