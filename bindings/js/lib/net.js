// Node's `net`.

'use strict';

const { validateBoolean, validateInt32 } = require('internal/validators');
const { normalizeArgs } = require('internal/net_arguments');
const { BlockList } = require('internal/blocklist');
const { SocketAddress } = require('internal/socketaddress');
const { Socket } = require('internal/net_socket');
const { Server } = require('internal/net_server');
const { unavailable } = require('internal/errors');

const native = binding.net;

function connect(...args) {
  const normalized = normalizeArgs(args);
  const [options] = normalized;
  const socket = new Socket(options);
  if (options.timeout) socket.setTimeout(options.timeout);
  return socket.connect(normalized);
}

function isIP(input) {
  return native.isIP(`${input}`);
}

/** Binds before it connects or listens: the contract has no such step. */
class BoundSocket {
  constructor() {
    throw unavailable('net.BoundSocket');
  }
}

module.exports = {
  _normalizeArgs: normalizeArgs,
  BlockList,
  BoundSocket,
  Server,
  Socket,
  SocketAddress,
  Stream: Socket,
  connect,
  createConnection: connect,
  createServer: (options, listener) => new Server(options, listener),
  getDefaultAutoSelectFamily: () => native.getDefaultAutoSelectFamily(),
  getDefaultAutoSelectFamilyAttemptTimeout: () => native.getDefaultAutoSelectFamilyAttemptTimeout(),
  isIP,
  isIPv4: (input) => isIP(input) === 4,
  isIPv6: (input) => isIP(input) === 6,
  setDefaultAutoSelectFamily(value) {
    validateBoolean(value, 'value');
    native.setDefaultAutoSelectFamily(value);
  },
  setDefaultAutoSelectFamilyAttemptTimeout(value) {
    validateInt32(value, 'value', 1);
    native.setDefaultAutoSelectFamilyAttemptTimeout(value);
  },
};
