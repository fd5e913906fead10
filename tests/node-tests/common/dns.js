// What Node's tests of lookups take from `../common/dns`.

'use strict';

const assert = require('assert');

const kMockCode = 'ENOTFOUND';
const kMockSyscall = 'getaddrinfo';
const kMockErrno = 'ENOTFOUND';

/** A lookup that fails, as the system's does for a name that nobody has. */
function errorLookupMock(code = kMockCode, syscall = kMockSyscall) {
  return function lookup(hostname, options, callback) {
    const error = new Error(`${syscall} ${code} ${hostname}`);
    Object.assign(error, { errno: kMockErrno, code, syscall, hostname });
    process.nextTick(callback, error);
  };
}

function createMockedLookup(...addresses) {
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  return function lookup(hostname, options, callback) {
    if (options.all === true) {
      process.nextTick(callback, null, found);
      return;
    }
    const [{ address, family }] = found;
    assert(address);
    process.nextTick(callback, null, address, family);
  };
}

module.exports = {
  createMockedLookup,
  errorLookupMock,
  mockedErrorCode: kMockCode,
  mockedSysCall: kMockSyscall,
};
