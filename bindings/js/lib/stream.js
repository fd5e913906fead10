// Node's `stream`, from npm, with Node 26's marks.

'use strict';

const stream = require('npm/stream');

/** Node's since 22: readable-stream has 16 KiB. */
stream.setDefaultHighWaterMark(false, 64 * 1024);

module.exports = stream;
