// Node's `tty`. The standard streams are made by the runtime; others there are none.

'use strict';

const net = require('net');
const { unavailable } = require('internal/errors');

function ReadStream() {
  throw unavailable('tty.ReadStream');
}
Object.setPrototypeOf(ReadStream.prototype, net.Socket.prototype);

function WriteStream() {
  throw unavailable('tty.WriteStream');
}
Object.setPrototypeOf(WriteStream.prototype, net.Socket.prototype);

module.exports = {
  ReadStream,
  WriteStream,
  isatty: (fd) => Number.isInteger(fd) && fd >= 0 && fd <= 2 &&
    Boolean([process.stdin, process.stdout, process.stderr][fd]?.isTTY),
};
