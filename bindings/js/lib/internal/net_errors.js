// The errors of the contract as Node's: their class, and the properties in Node's order.

'use strict';

const { errno } = require('internal/errno');

const typeErrors = new Set([
  'ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE', 'ERR_INVALID_FD_TYPE', 'ERR_INVALID_HANDLE_TYPE',
  'ERR_INVALID_IP_ADDRESS', 'ERR_MISSING_ARGS', 'ERR_UNKNOWN_ENCODING',
]);
const rangeErrors = new Set(['ERR_INVALID_ADDRESS_FAMILY', 'ERR_OUT_OF_RANGE', 'ERR_SOCKET_BAD_PORT']);

function classOf(code) {
  if (typeErrors.has(code)) return TypeError;
  return rangeErrors.has(code) ? RangeError : Error;
}

/** The Error of a record `{ code, message, syscall, address, port, hostname, errors }`. */
function makeError(record) {
  const { code, message, syscall, address, port, hostname, errors } = record;
  if (errors?.length > 0) {
    const error = new AggregateError(errors.map(makeError), message);
    error.code = code;
    return error;
  }
  const Base = classOf(code);
  const error = new Base(message);
  if (code.startsWith('ERR_')) {
    // The stack says the code, the property `name` does not.
    Object.defineProperty(error, 'name', { value: `${Base.name} [${code}]`, configurable: true });
    Error.captureStackTrace?.(error, makeError);
    void error.stack;
    delete error.name;
  } else if (errno[code] !== undefined && syscall !== undefined) error.errno = -errno[code];
  error.code = code;
  if (syscall !== undefined) error.syscall = syscall;
  if (address !== undefined) error.address = address;
  if (port !== undefined) error.port = port;
  // Node says -1 of a server at a path.
  else if (syscall === 'listen' && address !== undefined) error.port = -1;
  if (hostname !== undefined) error.hostname = hostname;
  return error;
}

module.exports = { makeError };
