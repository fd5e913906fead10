// Node's `buffer`. Text becomes bytes, and bytes text, in native code.

'use strict';

const { codes: {
  ERR_BUFFER_OUT_OF_BOUNDS, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_INVALID_BUFFER_SIZE, ERR_OUT_OF_RANGE,
  ERR_UNKNOWN_ENCODING,
}, unavailable } = require('internal/errors');
const { validateArray, validateBuffer, validateInteger, validateNumber, validateString } = require('internal/validators');
const { install } = require('internal/buffer_numbers');

const native = binding.buffer;

/** A string of QuickJS has fewer than 2^30 units. */
const constants = Object.freeze({ MAX_LENGTH: 2 ** 31 - 1, MAX_STRING_LENGTH: 2 ** 30 - 1 });
const kInspect = Symbol.for('nodejs.util.inspect.custom');

let maxInspected = 50;

class FastBuffer extends Uint8Array {}

function Buffer(value, encodingOrOffset, length) {
  if (typeof value !== 'number') return Buffer.from(value, encodingOrOffset, length);
  if (typeof encodingOrOffset === 'string') throw new ERR_INVALID_ARG_TYPE('string', 'string', value);
  return Buffer.alloc(value);
}
Object.setPrototypeOf(Buffer, Uint8Array);
Buffer.prototype = FastBuffer.prototype;
Object.defineProperty(FastBuffer.prototype, 'constructor', { configurable: true, writable: true, value: Buffer });
Object.defineProperty(Buffer, Symbol.species, { configurable: true, get: () => FastBuffer });
native.setPrototype?.(Buffer.prototype);

Buffer.poolSize = 8192;

// Encodings.

const encodings = {
  __proto__: null,
  utf8: 'utf8', 'utf-8': 'utf8', hex: 'hex', ucs2: 'utf16le', 'ucs-2': 'utf16le', utf16le: 'utf16le',
  'utf-16le': 'utf16le', latin1: 'latin1', binary: 'latin1', base64: 'base64', base64url: 'base64url', ascii: 'ascii',
};

const slices = {
  utf8: native.utf8Slice, hex: native.hexSlice, utf16le: native.ucs2Slice, latin1: native.latin1Slice,
  base64: native.base64Slice, base64url: native.base64urlSlice, ascii: native.asciiSlice,
};

/** The own name of an encoding; undefined if there is none. */
function encodingOf(name) {
  return encodings[name] ?? encodings[`${name}`.toLowerCase()];
}

function knownEncoding(name) {
  if (name === undefined || name === null || name === '') return 'utf8';
  const encoding = encodingOf(name);
  if (encoding === undefined) throw new ERR_UNKNOWN_ENCODING(name);
  return encoding;
}

Buffer.isEncoding = function isEncoding(encoding) {
  return typeof encoding === 'string' && encoding.length !== 0 && encodingOf(encoding) !== undefined;
};

/** A Buffer of a view of bytes. */
function asBuffer(bytes) {
  return bytes instanceof FastBuffer ? bytes : Object.setPrototypeOf(bytes, Buffer.prototype);
}

function fromText(text, encoding) {
  if (text.length === 0) return new FastBuffer();
  return asBuffer(native.fromString(text, encoding));
}

// Making Buffers.

function checkSize(size) {
  validateNumber(size, 'size', 0, constants.MAX_LENGTH);
}

Buffer.alloc = function alloc(size, fill, encoding) {
  checkSize(size);
  const buffer = new FastBuffer(size);
  if (fill !== undefined && fill !== 0 && size > 0) {
    if (typeof encoding === 'string') knownEncoding(encoding);
    fillWith(buffer, fill, 0, size, encoding);
  }
  return buffer;
};

Buffer.allocUnsafe = function allocUnsafe(size) {
  checkSize(size);
  return new FastBuffer(size);
};

Buffer.allocUnsafeSlow = function allocUnsafeSlow(size) {
  checkSize(size);
  return new FastBuffer(size);
};

Buffer.from = function from(value, encodingOrOffset, length) {
  if (typeof value === 'string') return fromText(value, knownEncoding(encodingOrOffset));
  if (typeof value === 'object' && value !== null) {
    if (isAnyArrayBuffer(value)) return fromArrayBuffer(value, encodingOrOffset, length);
    const primitive = value.valueOf && value.valueOf();
    if (primitive != null && primitive !== value && (typeof primitive === 'string' || typeof primitive === 'object')) {
      return Buffer.from(primitive, encodingOrOffset, length);
    }
    const found = fromObject(value);
    if (found !== undefined) return found;
    if (typeof value[Symbol.toPrimitive] === 'function') {
      const text = value[Symbol.toPrimitive]('string');
      if (typeof text === 'string') return fromText(text, knownEncoding(encodingOrOffset));
    }
  }
  throw new ERR_INVALID_ARG_TYPE('first argument',
    ['string', 'Buffer', 'ArrayBuffer', 'Array', 'Array-like Object'], value);
};

function isAnyArrayBuffer(value) {
  return value instanceof ArrayBuffer ||
    (typeof SharedArrayBuffer !== 'undefined' && value instanceof SharedArrayBuffer) ||
    /^\[object (?:Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value));
}

function fromArrayBuffer(buffer, offset, length) {
  offset = offset === undefined ? 0 : Number(offset) || 0;
  const rest = buffer.byteLength - offset;
  if (rest < 0) throw new ERR_BUFFER_OUT_OF_BOUNDS('offset');
  if (length === undefined) length = rest;
  else {
    length = Number(length);
    if (!(length > 0)) length = 0;
    else if (length > rest) throw new ERR_BUFFER_OUT_OF_BOUNDS('length');
  }
  return new FastBuffer(buffer, offset, length);
}

function fromObject(object) {
  if (object.length !== undefined || isAnyArrayBuffer(object.buffer)) {
    return typeof object.length === 'number' ? fromList(object) : new FastBuffer();
  }
  if (object.type === 'Buffer' && Array.isArray(object.data)) return fromList(object.data);
  return undefined;
}

function fromList(list) {
  if (!(list.length > 0)) return new FastBuffer();
  if (list instanceof Uint8Array || Array.isArray(list)) return new FastBuffer(list);
  const buffer = new FastBuffer(list.length);
  for (let i = 0; i < buffer.length; i++) buffer[i] = list[i];
  return buffer;
}

Buffer.of = function of(...items) {
  return new FastBuffer(items);
};

Buffer.copyBytesFrom = function copyBytesFrom(view, offset = 0, length = undefined) {
  if (!ArrayBuffer.isView(view) || view instanceof DataView) throw new ERR_INVALID_ARG_TYPE('view', ['TypedArray'], view);
  validateInteger(offset, 'offset', 0);
  if (length !== undefined) validateInteger(length, 'length', 0);
  if (view.length === 0 || offset >= view.length) return new FastBuffer();
  const part = view.slice(offset, length === undefined ? view.length : offset + length);
  return new FastBuffer(part.buffer, part.byteOffset, part.byteLength);
};

Buffer.isBuffer = function isBuffer(value) {
  return value instanceof Buffer;
};

Buffer.byteLength = function (value, encoding) {
  if (typeof value !== 'string') {
    if (ArrayBuffer.isView(value) || isAnyArrayBuffer(Object(value))) return value.byteLength;
    throw new ERR_INVALID_ARG_TYPE('string', ['string', 'Buffer', 'ArrayBuffer'], value);
  }
  switch (encodingOf(encoding ?? 'utf8')) {
    case 'utf16le': return value.length * 2;
    case 'latin1':
    case 'ascii': return value.length;
    case 'hex': return value.length >>> 1;
    case 'base64':
    case 'base64url': {
      let { length } = value;
      if (value[length - 1] === '=') length -= 1;
      if (length > 1 && value[length - 1] === '=') length -= 1;
      return (length * 3) >>> 2;
    }
    default: return native.byteLengthUtf8(value);
  }
};

Buffer.compare = function compare(a, b) {
  if (!(a instanceof Uint8Array)) throw new ERR_INVALID_ARG_TYPE('buf1', ['Buffer', 'Uint8Array'], a);
  if (!(b instanceof Uint8Array)) throw new ERR_INVALID_ARG_TYPE('buf2', ['Buffer', 'Uint8Array'], b);
  return a === b ? 0 : native.compare(a, b);
};

Buffer.concat = function concat(list, length) {
  validateArray(list, 'list');
  if (list.length === 0) return new FastBuffer();
  if (length === undefined) {
    length = 0;
    for (const one of list) length += one?.length || 0;
  } else validateInteger(length, 'length', 0);
  const buffer = new FastBuffer(length);
  let at = 0;
  for (let i = 0; i < list.length; i++) {
    const one = list[i];
    if (!(one instanceof Uint8Array)) throw new ERR_INVALID_ARG_TYPE(`list[${i}]`, ['Buffer', 'Uint8Array'], one);
    const part = at + one.length > length ? one.subarray(0, Math.max(0, length - at)) : one;
    buffer.set(part, at);
    at += part.length;
  }
  return buffer;
};

// What a Buffer does.

const { prototype } = Buffer;

Object.defineProperty(prototype, 'parent', {
  configurable: true,
  enumerable: true,
  get() { return this instanceof Buffer ? this.buffer : undefined; },
});
Object.defineProperty(prototype, 'offset', {
  configurable: true,
  enumerable: true,
  get() { return this instanceof Buffer ? this.byteOffset : undefined; },
});

function index(value, length) {
  value = Math.trunc(Number(value)) || 0;
  if (value < 0) return Math.max(0, value + length);
  return Math.min(value, length);
}

prototype.subarray = function subarray(start, end) {
  const { length } = this;
  const from = index(start, length);
  const to = end === undefined ? length : index(end, length);
  return new FastBuffer(this.buffer, this.byteOffset + from, Math.max(0, to - from));
};

prototype.slice = function slice(start, end) {
  return this.subarray(start, end);
};

prototype.toString = function toString(encoding, start, end) {
  const { length } = this;
  if (start === undefined) start = 0;
  else {
    start = Math.trunc(Number(start)) || 0;
    if (start >= length) return '';
    if (start < 0) start = 0;
  }
  if (end === undefined) end = length;
  else {
    end = Math.trunc(Number(end)) || 0;
    if (end > length) end = length;
  }
  if (end <= start) return '';
  if (encoding === undefined || encoding === 'utf8') return native.utf8Slice(this, start, end);
  const name = encodingOf(encoding);
  if (name === undefined) throw new ERR_UNKNOWN_ENCODING(encoding);
  return slices[name](this, start, end);
};

prototype.toLocaleString = prototype.toString;

prototype.toJSON = function toJSON() {
  return { type: 'Buffer', data: Array.from(this) };
};

prototype.equals = function equals(other) {
  if (!(other instanceof Uint8Array)) throw new ERR_INVALID_ARG_TYPE('otherBuffer', ['Buffer', 'Uint8Array'], other);
  if (this === other) return true;
  return this.byteLength === other.byteLength && native.compare(this, other) === 0;
};

prototype.compare = function compare(target, targetStart, targetEnd, sourceStart, sourceEnd) {
  if (!(target instanceof Uint8Array)) throw new ERR_INVALID_ARG_TYPE('target', ['Buffer', 'Uint8Array'], target);
  const bound = (value, name, fallback, max) => {
    if (value === undefined) return fallback;
    validateInteger(value, name, 0, max);
    return value;
  };
  const from = bound(targetStart, 'targetStart', 0);
  const to = bound(targetEnd, 'targetEnd', target.length, target.length);
  const own = bound(sourceStart, 'sourceStart', 0);
  const ownEnd = bound(sourceEnd, 'sourceEnd', this.length, this.length);
  if (own >= ownEnd) return from >= to ? 0 : -1;
  if (from >= to) return 1;
  const part = (view, a, b) => Uint8Array.prototype.subarray.call(view, a, b);
  return native.compare(part(this, own, ownEnd), part(target, from, to));
};

prototype.copy = function copy(target, targetStart, sourceStart, sourceEnd) {
  validateBuffer(target, 'target');
  const whole = (value, fallback) => value === undefined ? fallback : Math.trunc(Number(value)) || 0;
  const at = whole(targetStart, 0);
  if (at < 0) throw new ERR_OUT_OF_RANGE('targetStart', '>= 0', at);
  const from = whole(sourceStart, 0);
  if (from < 0 || from > this.length) throw new ERR_OUT_OF_RANGE('sourceStart', `>= 0 && <= ${this.length}`, from);
  const to = whole(sourceEnd, this.length);
  if (to < 0) throw new ERR_OUT_OF_RANGE('sourceEnd', '>= 0', to);
  const bytes = target instanceof Uint8Array ? target : new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  const count = Math.min(to - from, this.length - from, bytes.length - at);
  if (count <= 0) return 0;
  Uint8Array.prototype.set.call(bytes, Uint8Array.prototype.subarray.call(this, from, from + count), at);
  return count;
};

function find(buffer, value, from, encoding, backwards) {
  validateBuffer(buffer);
  if (typeof from === 'string') [encoding, from] = [from, undefined];
  else if (from > 0x7fffffff) from = 0x7fffffff;
  else if (from < -0x80000000) from = -0x80000000;
  from = Number(from);
  if (Number.isNaN(from)) from = backwards ? buffer.length : 0;
  from = Math.trunc(from);

  if (typeof value === 'number') {
    const byte = Math.trunc(value) & 0xff;
    return backwards
      ? Uint8Array.prototype.lastIndexOf.call(buffer, byte, from)
      : Uint8Array.prototype.indexOf.call(buffer, byte, from);
  }
  let unit = 1;
  if (typeof value === 'string') {
    const name = knownEncoding(encoding);
    if (name === 'utf16le') unit = 2;
    value = fromText(value, name);
  } else if (!(value instanceof Uint8Array)) {
    throw new ERR_INVALID_ARG_TYPE('value', ['number', 'string', 'Buffer', 'Uint8Array'], value);
  } else if (encodingOf(encoding) === 'utf16le') unit = 2;

  const { length } = buffer;
  if (from < 0) from += length;
  if (from < 0) {
    if (backwards) return -1;
    from = 0;
  }
  if (from > length) {
    if (!backwards) return value.length === 0 ? length : -1;
    from = length;
  }
  if (value.length === 0) return from;
  if (length === 0) return -1;
  if (backwards && from + value.length > length) from = length - value.length;
  if (from < 0) return -1;
  // A unit of UTF-16 begins at an even place.
  return native.indexOf(buffer, value, from, backwards, unit);
}

prototype.indexOf = function indexOf(value, byteOffset, encoding) {
  return find(this, value, byteOffset, encoding, false);
};

prototype.lastIndexOf = function lastIndexOf(value, byteOffset, encoding) {
  return find(this, value, byteOffset, encoding, true);
};

prototype.includes = function includes(value, byteOffset, encoding) {
  return this.indexOf(value, byteOffset, encoding) !== -1;
};

function fillWith(buffer, value, offset, end, encoding) {
  if (typeof value === 'string') {
    if (offset === undefined || typeof offset === 'string') [encoding, offset, end] = [offset, 0, buffer.length];
    else if (typeof end === 'string') [encoding, end] = [end, buffer.length];
    if (encoding !== undefined) validateString(encoding, 'encoding');
    const name = knownEncoding(encoding);
    if (value.length === 0) value = 0;
    else if (value.length === 1 && (name === 'utf8' || name === 'latin1') &&
             value.charCodeAt(0) < (name === 'utf8' ? 128 : 256)) value = value.charCodeAt(0);
    else {
      const bytes = fromText(value, name);
      if (bytes.length === 0) throw new ERR_INVALID_ARG_VALUE('value', value);
      value = bytes;
    }
  } else if (value instanceof Uint8Array) {
    if (value.length === 0) throw new ERR_INVALID_ARG_VALUE('value', value);
  } else if (typeof value === 'boolean') value = Number(value);

  if (offset === undefined) [offset, end] = [0, buffer.length];
  else {
    validateNumber(offset, 'offset', 0);
    if (end === undefined) end = buffer.length;
    else validateNumber(end, 'end', 0, buffer.length);
    if (offset >= end) return buffer;
  }
  if (!(value instanceof Uint8Array)) return Uint8Array.prototype.fill.call(buffer, Number(value) & 0xff, offset, end);
  const part = Uint8Array.prototype.subarray.call(buffer, offset, end);
  if (value.buffer === buffer.buffer) value = Uint8Array.from(value);
  const first = Math.min(value.length, part.length);
  part.set(Uint8Array.prototype.subarray.call(value, 0, first));
  // What is filled doubles.
  for (let filled = first; filled < part.length; filled *= 2) part.copyWithin(filled, 0, Math.min(filled, part.length - filled));
  return buffer;
}

prototype.fill = function fill(value, offset, end, encoding) {
  return fillWith(this, value, offset, end, encoding);
};

/** How much of `bytes`, the text in an encoding, `room` holds: whole characters alone. */
function whole(bytes, room, encoding) {
  if (bytes.length <= room) return bytes.length;
  if (encoding === 'utf16le') return room - (room % 2);
  if (encoding !== 'utf8') return room;
  let end = room;
  while (end > 0 && (bytes[end] & 0xc0) === 0x80) end -= 1;
  return end;
}

function writeText(buffer, text, encoding, offset, length) {
  if (text.length === 0) return 0;
  const bytes = fromText(text, encoding);
  const count = whole(bytes, Math.min(length, buffer.length - offset), encoding);
  Uint8Array.prototype.set.call(buffer, count === bytes.length ? bytes : bytes.subarray(0, count), offset);
  return count;
}

prototype.write = function write(text, offset, length, encoding) {
  validateString(text, 'argument');
  // write(text[, encoding]), write(text, offset[, length][, encoding])
  if (offset === undefined) return writeText(this, text, 'utf8', 0, this.length);
  if (typeof offset === 'string') return writeText(this, text, knownEncoding(offset), 0, this.length);
  validateInteger(offset, 'offset', 0, this.length);
  const rest = this.length - offset;
  if (length === undefined) length = rest;
  else if (typeof length === 'string') [encoding, length] = [length, rest];
  else {
    validateInteger(length, 'length', 0, this.length);
    length = Math.min(length, rest);
  }
  return writeText(this, text, knownEncoding(encoding), offset, length);
};

for (const [name, encoding] of Object.entries({
  ascii: 'ascii', base64: 'base64', base64url: 'base64url', hex: 'hex', latin1: 'latin1', ucs2: 'utf16le', utf8: 'utf8',
})) {
  prototype[`${name}Slice`] = function (start = 0, end = this.length) {
    if (start < 0 || end > this.length) throw new ERR_OUT_OF_RANGE('index', 'within the buffer', start < 0 ? start : end);
    return end <= start ? '' : slices[encoding](this, start, end);
  };
  prototype[`${name}Write`] = function (text, offset = 0, length = this.length - offset) {
    validateString(text, 'argument');
    if (offset < 0 || offset > this.length) throw new ERR_BUFFER_OUT_OF_BOUNDS('offset');
    if (length < 0 || length > this.length - offset) throw new ERR_BUFFER_OUT_OF_BOUNDS('length');
    return writeText(this, text, encoding, offset, length);
  };
}

for (const bits of [16, 32, 64]) {
  const size = bits / 8;
  prototype[`swap${bits}`] = function () {
    if (this.length % size !== 0) throw new ERR_INVALID_BUFFER_SIZE(`${bits}-bits`);
    for (let at = 0; at < this.length; at += size) Uint8Array.prototype.subarray.call(this, at, at + size).reverse();
    return this;
  };
}

install(prototype);

prototype[kInspect] = function (depth, options, inspect) {
  const shown = Math.min(maxInspected, this.length);
  let text = native.hexSlice(this, 0, shown).replace(/(.{2})/g, '$1 ').trim();
  const more = this.length - shown;
  if (more > 0) text += ` ... ${more} more byte${more > 1 ? 's' : ''}`;
  if (options) {
    const extras = Object.keys(this).filter((key) => !/^(?:0|[1-9]\d*)$/.test(key));
    if (extras.length > 0) {
      const own = Object.assign({ __proto__: null }, Object.fromEntries(extras.map((key) => [key, this[key]])));
      const inner = inspect(own, { ...options, breakLength: Infinity, compact: true });
      text += `${text === '' ? '' : ', '}${inner.slice(inner.indexOf('{') + 1, -1).trim()}`;
    }
  }
  return `<${this.constructor.name} ${text}>`;
};
prototype.inspect = prototype[kInspect];

// What the module has besides.

function bytesOf(input) {
  if (isAnyArrayBuffer(Object(input))) return new FastBuffer(input);
  if (ArrayBuffer.isView(input)) return new FastBuffer(input.buffer, input.byteOffset, input.byteLength);
  throw new ERR_INVALID_ARG_TYPE('input', ['ArrayBuffer', 'Buffer', 'TypedArray'], input);
}

function isUtf8(input) {
  const bytes = bytesOf(input);
  return fromText(bytes.toString('utf8'), 'utf8').equals(bytes);
}

function isAscii(input) {
  return bytesOf(input).every((byte) => byte < 0x80);
}

function transcode(source, fromEncoding, toEncoding) {
  if (!(source instanceof Uint8Array)) throw new ERR_INVALID_ARG_TYPE('source', ['Buffer', 'Uint8Array'], source);
  if (source.length === 0) return new FastBuffer();
  const [from, to] = [encodingOf(fromEncoding), encodingOf(toEncoding)];
  const possible = ['utf8', 'utf16le', 'latin1', 'ascii'];
  if (!possible.includes(from) || !possible.includes(to)) {
    const error = new Error('Unable to transcode Buffer [U_ILLEGAL_ARGUMENT_ERROR]');
    throw Object.assign(error, { code: 'U_ILLEGAL_ARGUMENT_ERROR', errno: 1 });
  }
  const text = bytesOf(source).toString(from);
  if (to !== 'ascii' && to !== 'latin1') return fromText(text, to);
  const limit = to === 'ascii' ? 0x7f : 0xff;
  return FastBuffer.from(Array.from(text, (c) => c.codePointAt(0) > limit ? 0x3f : c.codePointAt(0)));
}

function invalidCharacter(message) {
  const { DOMException } = require('internal/dom_exception');
  return new DOMException(message, 'InvalidCharacterError');
}

function atob(input) {
  const text = `${input}`.replace(/[\t\n\f\r ]/g, '');
  const data = text.length % 4 === 0 ? text.replace(/={1,2}$/, '') : text;
  if (/[^A-Za-z0-9+/]/.test(data)) throw invalidCharacter('Invalid character');
  if (data.length % 4 === 1) throw invalidCharacter('The string to be decoded is not correctly encoded.');
  return fromText(data, 'base64').toString('latin1');
}

function btoa(input) {
  const text = `${input}`;
  if (/[^\x00-\xff]/.test(text)) throw invalidCharacter('Invalid character');
  return fromText(text, 'latin1').toString('base64');
}

function SlowBuffer(size) {
  validateNumber(size, 'size', 0, constants.MAX_LENGTH);
  return Buffer.allocUnsafeSlow(size);
}
Object.setPrototypeOf(SlowBuffer.prototype, Uint8Array.prototype);
Object.setPrototypeOf(SlowBuffer, Uint8Array);

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
  set INSPECT_MAX_BYTES(value) {
    validateNumber(value, 'INSPECT_MAX_BYTES', 0);
    maxInspected = value;
  },
};
