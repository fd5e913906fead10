// `net.SocketAddress`: an address and a port, which the contract checks.

'use strict';

const { codes: { ERR_INVALID_ARG_VALUE } } = require('internal/errors');
const { validateObject, validatePort, validateString, validateUint32 } = require('internal/validators');

const kInspect = Symbol.for('nodejs.util.inspect.custom');

/** The contract's family of one of Node's names, in upper or lower case. */
function familyOf(name) {
  const family = typeof name === 'string' ? name.toLowerCase() : name;
  if (family === 'ipv4') return 'IPv4';
  if (family === 'ipv6') return 'IPv6';
  throw new ERR_INVALID_ARG_VALUE('options.family', name);
}

class SocketAddress {
  #native;

  static isSocketAddress(value) {
    return typeof value === 'object' && value !== null && #native in value;
  }

  static parse(input) {
    validateString(input, 'input');
    const native = binding.net.SocketAddress.parse(input);
    if (native === undefined) return undefined;
    return new SocketAddress({ address: native.address(), port: native.port(), family: native.family() });
  }

  constructor(options = {}) {
    validateObject(options, 'options');
    const family = familyOf(options.family ?? 'ipv4');
    const { address = family === 'IPv4' ? '127.0.0.1' : '::', port = 0, flowlabel = 0 } = options;
    validateString(address, 'options.address');
    validatePort(port, 'options.port');
    validateUint32(flowlabel, 'options.flowlabel', false);
    this.#native = new binding.net.SocketAddress(address, family, port | 0, flowlabel);
  }

  get address() {
    return this.#native.address();
  }

  get port() {
    return this.#native.port();
  }

  get family() {
    return this.#native.family().toLowerCase();
  }

  get flowlabel() {
    return this.#native.flowlabel();
  }

  toJSON() {
    const { address, port, family, flowlabel } = this;
    return { address, port, family, flowlabel };
  }

  [kInspect](depth, options, inspect) {
    if (depth < 0) return this;
    const inner = { ...options, depth: options.depth == null ? null : options.depth - 1 };
    return `SocketAddress ${inspect(this.toJSON(), inner)}`;
  }
}

module.exports = { SocketAddress, familyOf };
