// The older name of `stream.Transform`.

'use strict';

module.exports = require('stream').Transform;
