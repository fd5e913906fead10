// Node's `buffer`: npm's, with what it lacks.

'use strict';

const npm = require('npm/buffer');
const { codes: {
  ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE, ERR_UNKNOWN_ENCODING,
}, unavailable } = require('internal/errors');
const { validateInteger } = require('internal/validators');
const { DOMException } = require('internal/dom_exception');

const { Buffer } = npm;

/** Of QuickJS: a string has fewer than 2^30 units. */
const constants = Object.freeze({ MAX_LENGTH: 2 ** 31 - 1, MAX_STRING_LENGTH: 2 ** 30 - 1 });
const kInspect = Symbol.for('nodejs.util.inspect.custom');

let maxInspected = 50;

Buffer.poolSize = 8192;

Buffer.copyBytesFrom = function copyBytesFrom(view, offset = 0, length = undefined) {
  if (!ArrayBuffer.isView(view) || view instanceof DataView) throw new ERR_INVALID_ARG_TYPE('view', ['TypedArray'], view);
  validateInteger(offset, 'offset', 0);
  if (length !== undefined) validateInteger(length, 'length', 0);
  const part = view.slice(offset, length === undefined ? undefined : offset + length);
  return Buffer.from(part.buffer, part.byteOffset, part.byteLength);
};

/** Sizes, with Node's errors. */
function checkSize(size) {
  if (typeof size !== 'number') throw new ERR_INVALID_ARG_TYPE('size', 'number', size);
  if (!(size >= 0 && size <= constants.MAX_LENGTH)) {
    throw new ERR_OUT_OF_RANGE('size', `>= 0 && <= ${constants.MAX_LENGTH}`, size);
  }
}

const { alloc, allocUnsafe, byteLength, concat, from } = Buffer;

Buffer.alloc = function (size, fill, encoding) {
  checkSize(size);
  if (typeof encoding === 'string' && typeof fill === 'string' && !Buffer.isEncoding(encoding)) {
    throw new ERR_UNKNOWN_ENCODING(encoding);
  }
  if (fill !== undefined && fill !== 0 && size > 0 && (typeof fill === 'string' || ArrayBuffer.isView(fill))) {
    const before = Buffer.from(fill, encoding);
    if (fill.length > 0 && before.length === 0) throw new ERR_INVALID_ARG_VALUE('value', fill);
  }
  return alloc(size, fill, encoding);
};

Buffer.allocUnsafe = function (size) {
  checkSize(size);
  return allocUnsafe(size);
};

Buffer.allocUnsafeSlow = Buffer.allocUnsafe;

Buffer.from = function (value, encodingOrOffset, length) {
  if (typeof value === 'string') {
    if (typeof encodingOrOffset === 'string' && encodingOrOffset !== '' && !Buffer.isEncoding(encodingOrOffset)) {
      throw new ERR_UNKNOWN_ENCODING(encodingOrOffset);
    }
  } else if (value == null || (typeof value !== 'object' && typeof value !== 'function')) {
    throw new ERR_INVALID_ARG_TYPE('first argument',
      ['string', 'Buffer', 'ArrayBuffer', 'Array', 'Array-like Object'], value);
  }
  try {
    return from(value, encodingOrOffset, length);
  } catch (error) {
    if (!(error instanceof TypeError) || error.code) throw error;
    throw new ERR_INVALID_ARG_TYPE('first argument',
      ['string', 'Buffer', 'ArrayBuffer', 'Array', 'Array-like Object'], value);
  }
};

Buffer.byteLength = function (value, encoding) {
  if (typeof value !== 'string' && !ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer)) {
    throw new ERR_INVALID_ARG_TYPE('string', ['string', 'Buffer', 'ArrayBuffer'], value);
  }
  return byteLength(value, encoding);
};

Buffer.concat = function (list, length) {
  if (!Array.isArray(list)) throw new ERR_INVALID_ARG_TYPE('list', 'Array', list);
  list.forEach((one, index) => {
    if (!(one instanceof Uint8Array)) throw new ERR_INVALID_ARG_TYPE(`list[${index}]`, ['Buffer', 'Uint8Array'], one);
  });
  if (length !== undefined) validateInteger(length, 'length', 0);
  return concat(list, length);
};

for (const side of ['compare', 'equals']) {
  const method = Buffer.prototype[side];
  Buffer.prototype[side] = function (other, ...range) {
    if (!(other instanceof Uint8Array)) {
      throw new ERR_INVALID_ARG_TYPE(side === 'equals' ? 'otherBuffer' : 'target', ['Buffer', 'Uint8Array'], other);
    }
    return Reflect.apply(method, this, [other, ...range]);
  };
}

/** How many bytes `inspect` shows. */
Buffer.prototype[kInspect] = function (depth, options, inspect) {
  const shown = Math.min(maxInspected, this.length);
  let text = this.hexSlice(0, shown).replace(/(.{2})/g, '$1 ').trim();
  const more = this.length - shown;
  if (more > 0) text += ` ... ${more} more byte${more > 1 ? 's' : ''}`;
  const own = Object.keys(this).filter((key) => !/^\d+$/.test(key));
  if (options && own.length > 0) {
    const extras = Object.fromEntries(own.map((key) => [key, this[key]]));
    const inner = inspect(extras, { ...options, breakLength: Infinity, compact: true }).slice(1, -1).trim();
    text += `${text === '' ? '' : ', '}${inner}`;
  }
  return `<${this.constructor.name} ${text}>`;
};
Buffer.prototype.inspect = Buffer.prototype[kInspect];

const encodings = {
  utf8: 'utf8', 'utf-8': 'utf8', hex: 'hex', ucs2: 'utf16le', 'ucs-2': 'utf16le', utf16le: 'utf16le',
  'utf-16le': 'utf16le', latin1: 'latin1', binary: 'latin1', base64: 'base64', base64url: 'base64url', ascii: 'ascii',
};

Buffer.isEncoding = function (encoding) {
  return typeof encoding === 'string' && encodings[encoding.toLowerCase()] !== undefined;
};

// Each encoding's own methods, which npm's lacks.
for (const [method, encoding] of Object.entries({
  ascii: 'ascii', base64: 'base64', base64url: 'base64url', hex: 'hex', latin1: 'latin1', ucs2: 'ucs2', utf8: 'utf8',
})) {
  Buffer.prototype[`${method}Slice`] = function (start, end) {
    return this.toString(encoding, start, end);
  };
  Buffer.prototype[`${method}Write`] = function (text, offset, length) {
    return this.write(text, offset, length, encoding);
  };
}

const toText = Buffer.prototype.toString;
Buffer.prototype.toString = function (encoding, start, end) {
  if (typeof encoding === 'string' && encoding.toLowerCase() === 'base64url') {
    return toText.call(this, 'base64', start, end).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  }
  if (encoding !== undefined && encoding !== '' && !Buffer.isEncoding(`${encoding}`)) throw new ERR_UNKNOWN_ENCODING(encoding);
  return encoding === undefined ? toText.call(this, 'utf8', start, end) : toText.call(this, encoding, start, end);
};
Buffer.prototype.toLocaleString = Buffer.prototype.toString;

/** Node's name of base64url is none of npm's, which reads both alphabets as base64. */
function known(encoding) {
  return typeof encoding === 'string' && encoding.toLowerCase() === 'base64url' ? 'base64' : encoding;
}

const checkedFrom = Buffer.from;
Buffer.from = function (value, encodingOrOffset, length) {
  return checkedFrom(value, typeof value === 'string' ? known(encodingOrOffset) : encodingOrOffset, length);
};

const checkedByteLength = Buffer.byteLength;
Buffer.byteLength = function (value, encoding) {
  return typeof value === 'string' && known(encoding) !== encoding
    ? Buffer.from(value, 'base64').length
    : checkedByteLength(value, encoding);
};

const write = Buffer.prototype.write;
Buffer.prototype.write = function (text, ...rest) {
  if (typeof text !== 'string') throw new ERR_INVALID_ARG_TYPE('argument', 'string', text);
  const at = rest.findIndex((argument) => typeof argument === 'string');
  if (at >= 0) {
    if (rest[at] !== '' && !Buffer.isEncoding(rest[at])) throw new ERR_UNKNOWN_ENCODING(rest[at]);
    rest[at] = known(rest[at]);
  }
  return Reflect.apply(write, this, [text, ...rest]);
};

// `readUint8` and the like are other names of `readUInt8`.
for (const name of Object.getOwnPropertyNames(Buffer.prototype)) {
  const other = name.replace(/^(read|write)UInt/, '$1Uint').replace(/^(read|write)BigUInt/, '$1BigUint');
  if (other !== name) Buffer.prototype[other] = Buffer.prototype[name];
}

function bytesOf(input, name = 'input') {
  if (input instanceof ArrayBuffer) return Buffer.from(input);
  if (ArrayBuffer.isView(input)) return Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  throw new ERR_INVALID_ARG_TYPE(name, ['ArrayBuffer', 'Buffer', 'TypedArray'], input);
}

function isUtf8(input) {
  const bytes = bytesOf(input);
  return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes);
}

function isAscii(input) {
  return bytesOf(input).every((byte) => byte < 0x80);
}

function transcode(source, from, to) {
  if (!(source instanceof Uint8Array)) throw new ERR_INVALID_ARG_TYPE('source', ['Buffer', 'Uint8Array'], source);
  const text = bytesOf(source).toString(from);
  const single = ['ascii', 'latin1'].includes(encodings[to?.toLowerCase?.()]);
  const high = to === 'ascii' ? /[^\x00-\x7f]/gu : /[^\x00-\xff]/gu;
  return Buffer.from(single ? text.replace(high, '?') : text, to);
}

function atob(input) {
  const text = `${input}`.replace(/[\t\n\f\r ]/g, '');
  const data = text.length % 4 === 0 ? text.replace(/={1,2}$/, '') : text;
  if (/[^A-Za-z0-9+/]/.test(data)) throw new DOMException('Invalid character', 'InvalidCharacterError');
  if (data.length % 4 === 1) {
    throw new DOMException('The string to be decoded is not correctly encoded.', 'InvalidCharacterError');
  }
  return Buffer.from(data, 'base64').toString('latin1');
}

function btoa(input) {
  const text = `${input}`;
  for (const character of text) {
    if (character.codePointAt(0) > 0xff) throw new DOMException('Invalid character', 'InvalidCharacterError');
  }
  return Buffer.from(text, 'latin1').toString('base64');
}

function SlowBuffer(size) {
  return Buffer.allocUnsafeSlow(size);
}

module.exports = {
  Buffer,
  SlowBuffer,
  atob,
  btoa,
  constants,
  isAscii,
  isUtf8,
  kMaxLength: constants.MAX_LENGTH,
  kStringMaxLength: constants.MAX_STRING_LENGTH,
  resolveObjectURL() { throw unavailable('buffer.resolveObjectURL'); },
  transcode,
  get Blob() { return require('internal/blob').Blob; },
  get File() { return require('internal/blob').File; },
  get INSPECT_MAX_BYTES() { return maxInspected; },
  set INSPECT_MAX_BYTES(value) { maxInspected = value; },
};
