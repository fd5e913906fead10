// Node's errors: classes that have a code, with Node's messages.

'use strict';

const messages = {
  ERR_AMBIGUOUS_ARGUMENT: [TypeError, (name, reason) => `The "${name}" argument is ambiguous. ${reason}`],
  ERR_ARG_NOT_ITERABLE: [TypeError, (what) => `${what} must be iterable`],
  ERR_ASYNC_CALLBACK: [TypeError, (what) => `${what} must be a function`],
  ERR_ASYNC_TYPE: [TypeError, (type) => `Invalid name for async "type": ${type}`],
  ERR_BUFFER_OUT_OF_BOUNDS: [RangeError, (name) =>
    name ? `"${name}" is outside of buffer bounds` : 'Attempt to access memory outside buffer bounds'],
  ERR_BUFFER_TOO_LARGE: [RangeError, (size) => `Cannot create a Buffer larger than ${size} bytes`],
  ERR_CONSTRUCT_CALL_REQUIRED: [TypeError, (name) => `Class constructor ${name} cannot be invoked without \`new\``],
  ERR_CRYPTO_HASH_FINALIZED: [Error, () => 'Digest already called'],
  ERR_CRYPTO_INVALID_DIGEST: [TypeError, (name) => `Invalid digest: ${name}`],
  ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH: [RangeError, () => 'Input buffers must have the same byte length'],
  ERR_ENCODING_INVALID_ENCODED_DATA: [TypeError, (encoding) => `The encoded data was not valid for encoding ${encoding}`],
  ERR_ENCODING_NOT_SUPPORTED: [RangeError, (encoding) => `The "${encoding}" encoding is not supported`],
  ERR_EVENT_RECURSION: [Error, (name) => `The event "${name}" is already being dispatched`],
  ERR_FEATURE_UNAVAILABLE_ON_PLATFORM: [TypeError, (what) =>
    `The feature ${what} is unavailable on the current platform, which is being used to run Node.js`],
  ERR_FS_FILE_TOO_LARGE: [RangeError, (size) => `File size (${size}) is greater than 2 GiB`],
  ERR_ILLEGAL_CONSTRUCTOR: [TypeError, () => 'Illegal constructor'],
  ERR_INVALID_ADDRESS: [Error, () => 'Invalid address'],
  ERR_INVALID_ADDRESS_FAMILY: [RangeError, (family, host, port) =>
    `Invalid address family: ${family} ${host}:${port}`],
  ERR_INVALID_ARG_TYPE: [TypeError, wrongType],
  ERR_INVALID_ARG_VALUE: [TypeError, (name, value, reason = 'is invalid') => {
    let text = inspect(value);
    if (text.length > 128) text = `${text.slice(0, 128)}...`;
    const kind = name.includes('.') ? 'property' : 'argument';
    return `The ${kind} '${name}' ${reason}. Received ${text}`;
  }, RangeError],
  ERR_INVALID_BUFFER_SIZE: [RangeError, (size) => `Buffer size must be a multiple of ${size}`],
  ERR_INVALID_CALLBACK: [TypeError, (value) => `Callback must be a function. Received ${inspect(value)}`],
  ERR_INVALID_FD_TYPE: [TypeError, (type) => `Unsupported fd type: ${type}`],
  ERR_INVALID_FILE_URL_HOST: [TypeError, (platform) => `File URL host must be "localhost" or empty on ${platform}`],
  ERR_INVALID_FILE_URL_PATH: [TypeError, (why) => `File URL path ${why}`],
  ERR_INVALID_HANDLE_TYPE: [TypeError, () => 'This handle type cannot be sent'],
  ERR_INVALID_IP_ADDRESS: [TypeError, (address) => `Invalid IP address: ${address}`],
  ERR_INVALID_MIME_SYNTAX: [TypeError, (kind, text) => `The MIME syntax for a ${kind} in ${text} is invalid`],
  ERR_INVALID_RETURN_VALUE: [TypeError, (expected, name, value) =>
    `Expected ${expected} to be returned from the "${name}" function but got ${received(value)}.`],
  ERR_INVALID_STATE: [Error, (what) => `Invalid state: ${what}`, TypeError, RangeError],
  ERR_INVALID_THIS: [TypeError, (name) => `Value of "this" must be of type ${name}`],
  ERR_INVALID_URI: [URIError, () => 'URI malformed'],
  ERR_INVALID_URL: [TypeError, () => 'Invalid URL'],
  ERR_INVALID_URL_SCHEME: [TypeError, (expected) => `The URL must be of scheme ${expected}`],
  ERR_IP_BLOCKED: [Error, (ip) => `IP(${ip}) is blocked by net.BlockList`],
  ERR_METHOD_NOT_IMPLEMENTED: [Error, (name) => `The ${name} method is not implemented`],
  ERR_MISSING_ARGS: [TypeError, missingArguments],
  ERR_MULTIPLE_CALLBACK: [Error, () => 'Callback called multiple times'],
  ERR_OUT_OF_RANGE: [RangeError, (name, range, value, message) => {
    let text;
    if (Number.isInteger(value) && Math.abs(value) > 2 ** 32) text = separated(String(value));
    else if (typeof value === 'bigint') {
      text = String(value);
      if (value > 2n ** 32n || value < -(2n ** 32n)) text = separated(text);
      text += 'n';
    } else text = inspect(value);
    return `${message ? name : `The value of "${name}" is out of range.`} It must be ${range}. Received ${text}`;
  }],
  ERR_SERVER_ALREADY_LISTEN: [Error, () => 'Listen method has been called more than once without closing.'],
  ERR_SERVER_NOT_RUNNING: [Error, () => 'Server is not running.'],
  ERR_SOCKET_BAD_PORT: [RangeError, (name, port, zero = true) =>
    `${name} should be ${zero ? '>=' : '>'} 0 and < 65536. Received ${received(port)}.`],
  ERR_SOCKET_CLOSED: [Error, () => 'Socket is closed'],
  ERR_SOCKET_CLOSED_BEFORE_CONNECTION: [Error, () => 'Socket closed before the connection was established'],
  ERR_STREAM_DESTROYED: [Error, (name) => `Cannot call ${name} after a stream was destroyed`],
  ERR_STREAM_NULL_VALUES: [TypeError, () => 'May not write null values to stream'],
  ERR_STREAM_PREMATURE_CLOSE: [Error, () => 'Premature close'],
  ERR_UNAVAILABLE: [Error, (what) => `${what} is not available in this runtime`],
  ERR_UNHANDLED_ERROR: [Error, (error) => error === undefined ? 'Unhandled error.' : `Unhandled error. (${error})`],
  ERR_UNKNOWN_ENCODING: [TypeError, (encoding) => `Unknown encoding: ${encoding}`],
  ERR_UNKNOWN_SIGNAL: [TypeError, (signal) => `Unknown signal: ${signal}`],
};

/** Node's `inspect`, which is loaded by the first error that shows a value. */
function inspect(value, options) {
  return require('internal/inspect').inspect(value, options);
}

function separated(digits) {
  return digits.replace(/\B(?=(\d{3})+$)/g, '_');
}

/** What a message says was received. */
function received(value) {
  switch (typeof value) {
    case 'undefined': return 'undefined';
    case 'function': return `function ${value.name}`;
    case 'bigint': return `type bigint (${value}n)`;
    case 'number': return `type number (${Object.is(value, -0) ? '-0' : value})`;
    case 'string': {
      const text = value.length > 28 ? `${value.slice(0, 25)}...` : value;
      return `type string (${text.includes("'") ? JSON.stringify(text) : `'${text}'`})`;
    }
    case 'object': {
      if (value === null) return 'null';
      const name = value.constructor?.name;
      return typeof name === 'string' && name !== '' ? `an instance of ${name}` : inspect(value, { depth: -1 });
    }
    default: return `type ${typeof value} (${String(value)})`;
  }
}

const kinds = ['string', 'function', 'number', 'object', 'Function', 'Object', 'boolean', 'bigint', 'symbol'];

function list(words, last) {
  if (words.length <= 2) return words.join(` ${last} `);
  return `${words.slice(0, -1).join(', ')}, ${last} ${words.at(-1)}`;
}

function wrongType(name, expected, value) {
  if (!Array.isArray(expected)) expected = [expected];
  let subject;
  if (name.endsWith(' argument')) subject = name;
  else subject = `"${name}" ${name.includes('.') ? 'property' : 'argument'}`;

  const types = [];
  const instances = [];
  const others = [];
  for (const word of expected) {
    if (kinds.includes(word)) types.push(word.toLowerCase());
    else if (/^([A-Z][a-z0-9]*)+$/.test(word)) instances.push(word);
    else others.push(word);
  }
  // "object" is an instance where there are classes, too.
  if (instances.length > 0 && types.includes('object')) {
    types.splice(types.indexOf('object'), 1);
    instances.push('Object');
  }
  const parts = [];
  if (types.length > 0) parts.push(`${types.length > 1 ? 'one of type' : 'of type'} ${list(types, 'or')}`);
  if (instances.length > 0) parts.push(`an instance of ${list(instances, 'or')}`);
  if (others.length > 1) parts.push(`one of ${list(others, 'or')}`);
  else if (others.length === 1) parts.push(others[0].toLowerCase() === others[0] ? others[0] : `an ${others[0]}`);
  return `The ${subject} must be ${parts.join(' or ')}. Received ${received(value)}`;
}

function missingArguments(...names) {
  const quoted = names.map((name) =>
    Array.isArray(name) ? name.map((one) => `"${one}"`).join(' or ') : `"${name}"`);
  return `The ${list(quoted, 'and')} argument${names.length > 1 ? 's' : ''} must be specified`;
}

/** The class of the errors of a code. */
function classOf(code, Base, message) {
  class NodeError extends Base {
    constructor(...args) {
      super(message(...args));
      // The stack says the code, the property `name` does not.
      Object.defineProperty(this, 'name', { value: `${Base.name} [${code}]`, configurable: true, writable: true });
      Error.captureStackTrace?.(this, new.target);
      void this.stack;
      delete this.name;
      this.code = code;
    }

    toString() {
      return `${this.name} [${code}]: ${this.message}`;
    }
  }
  Object.defineProperty(NodeError, 'name', { value: Base.name });
  Object.defineProperty(NodeError.prototype, 'constructor', { value: Base, writable: true, configurable: true });
  return NodeError;
}

const codes = {};
for (const [code, [Base, message, ...more]] of Object.entries(messages)) {
  let Class;
  Object.defineProperty(codes, code, {
    configurable: true,
    enumerable: true,
    get() {
      if (Class === undefined) {
        Class = classOf(code, Base, message);
        for (const Other of more) Class[Other.name] = classOf(code, Other, message);
      }
      return Class;
    },
  });
}

/** What a call fails with whose operation was aborted. */
class AbortError extends Error {
  constructor(message = 'The operation was aborted', options = undefined) {
    if (options !== undefined && typeof options !== 'object') {
      throw new codes.ERR_INVALID_ARG_TYPE('options', 'Object', options);
    }
    super(message, options);
    this.code = 'ABORT_ERR';
    this.name = 'AbortError';
  }
}

/** An error of Node that has other properties, besides its code. */
function nodeError(message, properties) {
  return Object.assign(new Error(message), properties);
}

/** An error of `what`, which this runtime does not have. */
function unavailable(what) {
  return new codes.ERR_UNAVAILABLE(what);
}

/** A module whose functions and classes throw when they are called, never at import. */
function unavailableModule(module, functions, constants = {}) {
  const exported = { ...constants };
  for (const name of functions) {
    const fail = function () {
      throw unavailable(`${module}.${name}`);
    };
    Object.defineProperty(fail, 'name', { value: name });
    exported[name] = fail;
  }
  return exported;
}

module.exports = { AbortError, codes, hideStackFrames: (fn) => fn, nodeError, received, unavailable, unavailableModule };
