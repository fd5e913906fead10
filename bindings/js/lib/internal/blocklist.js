// `net.BlockList`: a list of addresses to keep away from. The rules are the contract's.

'use strict';

const { codes: { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE } } = require('internal/errors');
const { validateArray, validateInt32, validateString } = require('internal/validators');
const { SocketAddress, familyOf } = require('internal/socketaddress');

const kInspect = Symbol.for('nodejs.util.inspect.custom');

/** `{ address, family }` of an address, or of a text and its family. */
function checked(address, family, name) {
  if (!SocketAddress.isSocketAddress(address)) {
    validateString(address, name);
    validateString(family, 'family');
    address = new SocketAddress({ address, family });
  }
  return { address: address.address, family: familyOf(address.family) };
}

function checkedSubnet(network, prefix, family) {
  const subnet = checked(network, family, 'network');
  validateInt32(prefix, 'prefix', 0, subnet.family === 'IPv4' ? 32 : 128);
  return subnet;
}

function checkedCidr(cidr, name = 'cidr') {
  validateString(cidr, name);
  const slash = cidr.lastIndexOf('/');
  if (slash === -1) {
    throw new ERR_INVALID_ARG_VALUE('cidr', cidr, 'must contain a prefix length (e.g. "10.0.0.0/8")');
  }
  const text = cidr.slice(slash + 1);
  const prefix = Number.parseInt(text, 10);
  if (`${prefix}` !== text) throw new ERR_INVALID_ARG_VALUE('cidr', cidr, 'prefix length must be a valid integer');
  const address = cidr.slice(0, slash);
  return [address, prefix, address.includes(':') ? 'ipv6' : 'ipv4'];
}

class BlockList {
  #native = new binding.net.BlockList();

  static PRIVATE_RANGES = Object.freeze(binding.net.BlockList.privateRanges());

  static isBlockList(value) {
    return typeof value === 'object' && value !== null && #native in value;
  }

  /** The contract's list: an empty one if there is none. */
  static native(list) {
    return list == null ? new binding.net.BlockList() : list.#native;
  }

  addAddress(address, family = 'ipv4') {
    const one = checked(address, family, 'address');
    this.#native.addAddress(one.address, one.family);
  }

  addAddresses(addresses, family = 'ipv4') {
    validateArray(addresses, 'addresses');
    validateString(family, 'family');
    const all = addresses.map((address, index) => checked(address, family, `addresses[${index}]`));
    for (const one of all) this.#native.addAddress(one.address, one.family);
  }

  addRange(start, end, family = 'ipv4') {
    const first = checked(start, family, 'start');
    const last = checked(end, family, 'end');
    try {
      this.#native.addRange(first.address, last.address, first.family);
    } catch (error) {
      if (error.code !== 'ERR_INVALID_ARG_VALUE') throw error;
      const shown = SocketAddress.isSocketAddress(start) ? start : new SocketAddress({ address: start, family });
      throw new ERR_INVALID_ARG_VALUE('start', shown, 'must come before end');
    }
  }

  addSubnet(network, prefix, family = 'ipv4') {
    const subnet = checkedSubnet(network, prefix, family);
    this.#native.addSubnet(subnet.address, prefix, subnet.family);
  }

  addCIDR(cidr) {
    this.addSubnet(...checkedCidr(cidr));
  }

  addCIDRs(cidrs) {
    validateArray(cidrs, 'cidrs');
    for (const subnet of cidrs.map((cidr, index) => checkedCidr(cidr, `cidrs[${index}]`))) this.addSubnet(...subnet);
  }

  removeAddress(address, family = 'ipv4') {
    const one = checked(address, family, 'address');
    this.#native.removeAddress(one.address, one.family);
  }

  removeRange(start, end, family = 'ipv4') {
    const first = checked(start, family, 'start');
    const last = checked(end, family, 'end');
    this.#native.removeRange(first.address, last.address, first.family);
  }

  removeSubnet(network, prefix, family = 'ipv4') {
    const subnet = checkedSubnet(network, prefix, family);
    this.#native.removeSubnet(subnet.address, prefix, subnet.family);
  }

  removeCIDR(cidr) {
    this.removeSubnet(...checkedCidr(cidr));
  }

  check(address, family = 'ipv4') {
    if (SocketAddress.isSocketAddress(address)) ({ address, family } = address);
    validateString(address, 'address');
    validateString(family, 'family');
    return this.#native.check(address, family.toLowerCase() === 'ipv4' ? 'IPv4' : 'IPv6');
  }

  clear() {
    this.#native.clear();
  }

  get size() {
    return this.#native.size();
  }

  get rules() {
    return this.#native.rules();
  }

  toJSON() {
    return this.rules;
  }

  fromJSON(data) {
    const rules = typeof data === 'string' ? JSON.parse(data) : data;
    if (!Array.isArray(rules) || !rules.every((rule) => typeof rule === 'string')) {
      throw new ERR_INVALID_ARG_TYPE('data', ['string', 'string[]'], rules);
    }
    this.#native.fromJson(rules);
  }

  [kInspect](depth, options, inspect) {
    if (depth < 0) return this;
    const inner = { ...options, depth: options.depth == null ? null : options.depth - 1 };
    return `BlockList ${inspect({ rules: this.rules }, inner)}`;
  }
}

module.exports = { BlockList };
