// Node's `dns`: `lookup`, which asks the host's resolver under the policy. Queries of records are not there.

'use strict';

const { codes: { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE }, unavailable } = require('internal/errors');
const {
  validateBoolean, validateFunction, validateNumber, validateOneOf, validateString,
} = require('internal/validators');

const { isIP } = binding.net;

const ADDRCONFIG = 32;
const ALL = 16;
const V4MAPPED = 8;

let defaultOrder = 'verbatim';

/** The checked options of a lookup. */
function optionsOf(options) {
  let family = 0;
  let all = false;
  let order = defaultOrder;
  if (typeof options === 'number') {
    validateOneOf(options, 'family', [0, 4, 6]);
    family = options;
  } else if (options !== undefined && options !== null && typeof options === 'object') {
    if (options.hints != null) {
      validateNumber(options.hints, 'options.hints');
      if (((options.hints >>> 0) & ~(ADDRCONFIG | ALL | V4MAPPED)) !== 0) {
        throw new ERR_INVALID_ARG_VALUE('hints', options.hints >>> 0);
      }
    }
    if (options.family != null) {
      family = { IPv4: 4, IPv6: 6 }[options.family] ?? options.family;
      validateOneOf(family, 'options.family', [0, 4, 6]);
    }
    if (options.all != null) {
      validateBoolean(options.all, 'options.all');
      all = options.all;
    }
    if (options.verbatim != null) {
      validateBoolean(options.verbatim, 'options.verbatim');
      order = options.verbatim ? 'verbatim' : 'ipv4first';
    }
    if (options.order != null) {
      validateOneOf(options.order, 'options.order', ['ipv4first', 'ipv6first', 'verbatim']);
      order = options.order;
    }
  } else if (options !== undefined && options !== null) {
    throw new ERR_INVALID_ARG_TYPE('options', ['integer', 'object'], options);
  }
  return { family, all, order };
}

function sorted(addresses, order) {
  if (order === 'verbatim') return addresses;
  const first = order === 'ipv4first' ? 4 : 6;
  return [...addresses.filter((one) => one.family === first), ...addresses.filter((one) => one.family !== first)];
}

function lookup(hostname, options, callback) {
  if (hostname) validateString(hostname, 'hostname');
  if (typeof options === 'function') [options, callback] = [undefined, options];
  else validateFunction(callback, 'callback');
  const { family, all, order } = optionsOf(options);
  const answer = (error, addresses) => {
    if (error) callback(error);
    else if (all) callback(null, addresses);
    else callback(null, addresses[0].address, addresses[0].family);
  };
  if (!hostname) {
    process.nextTick(() => {
      if (all) callback(null, []);
      else callback(null, null, family === 6 ? 6 : 4);
    });
    return {};
  }
  const matched = isIP(hostname);
  if (matched) {
    process.nextTick(answer, null, [{ address: hostname, family: matched }]);
    return {};
  }
  if (binding.net.lookup === undefined) throw unavailable('dns.lookup');
  binding.net.lookup(hostname, family, (code, addresses) => {
    if (!code) {
      answer(null, sorted(addresses.map((address) => ({ address, family: isIP(address) })), order));
      return;
    }
    const error = new Error(`getaddrinfo ${code} ${hostname}`);
    const { errno } = require('internal/errno');
    answer(Object.assign(error, { errno: -errno[code], code, syscall: 'getaddrinfo', hostname }));
  });
  return {};
}
const customArgs = Symbol.for('nodejs.util.promisify.customArgs');
Object.defineProperty(lookup, customArgs, { value: ['address', 'family'] });

function setDefaultResultOrder(order) {
  validateOneOf(order, 'dnsOrder', ['verbatim', 'ipv4first', 'ipv6first']);
  defaultOrder = order;
}

const queries = [
  'lookupService', 'resolve', 'resolve4', 'resolve6', 'resolveAny', 'resolveCaa', 'resolveCname', 'resolveMx',
  'resolveNaptr', 'resolveNs', 'resolvePtr', 'resolveSoa', 'resolveSrv', 'resolveTlsa', 'resolveTxt', 'reverse',
  'getServers', 'setServers',
];

const errors = Object.fromEntries([
  'NODATA', 'FORMERR', 'SERVFAIL', 'NOTFOUND', 'NOTIMP', 'REFUSED', 'BADQUERY', 'BADNAME', 'BADFAMILY', 'BADRESP',
  'CONNREFUSED', 'TIMEOUT', 'EOF', 'FILE', 'NOMEM', 'DESTRUCTION', 'BADSTR', 'BADFLAGS', 'NONAME', 'BADHINTS',
  'NOTINITIALIZED', 'LOADIPHLPAPI', 'ADDRGETNETWORKPARAMS', 'CANCELLED',
].map((name) => [name, name === 'EOF' ? 'EOF' : `E${name}`]));

class Resolver {
  constructor() {
    throw unavailable('dns.Resolver');
  }
}

module.exports = {
  ADDRCONFIG,
  ALL,
  V4MAPPED,
  ...errors,
  Resolver,
  getDefaultResultOrder: () => defaultOrder,
  lookup,
  setDefaultResultOrder,
  get promises() { return require('dns/promises'); },
};
for (const name of queries) module.exports[name] = () => { throw unavailable(`dns.${name}`); };
