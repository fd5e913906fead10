// Node's `string_decoder`: text of bytes that come in pieces, cut between characters.

'use strict';

const { Buffer } = require('buffer');
const { codes: { ERR_INVALID_ARG_TYPE, ERR_INVALID_THIS, ERR_UNKNOWN_ENCODING } } = require('internal/errors');

const names = {
  utf8: 'utf8', 'utf-8': 'utf8', ucs2: 'utf16le', 'ucs-2': 'utf16le', utf16le: 'utf16le', 'utf-16le': 'utf16le',
  latin1: 'latin1', binary: 'latin1', ascii: 'ascii', hex: 'hex', base64: 'base64', base64url: 'base64url',
};

const kHeld = Symbol('held');
const kMissing = Symbol('missing');

function nameOf(encoding) {
  if (encoding === undefined || encoding === null || encoding === '') return 'utf8';
  const name = names[`${encoding}`.toLowerCase()];
  if (name === undefined) throw new ERR_UNKNOWN_ENCODING(encoding);
  return name;
}

/** How many bytes a character of UTF-8 has whose first is `byte`, valid or not; 0 if it is no first. */
function utf8Length(byte) {
  if (byte < 0x80) return 1;
  if (byte >= 0xc0 && byte < 0xe0) return 2;
  if (byte >= 0xe0 && byte < 0xf0) return 3;
  return byte >= 0xf0 && byte < 0xf8 ? 4 : 0;
}

/** How many bytes at the end are the beginning of a character, and how many it lacks: `[bytes, missing]`. */
function incomplete(bytes, encoding) {
  const { length } = bytes;
  if (encoding === 'utf8') {
    for (let back = 1; back <= Math.min(3, length); back++) {
      const byte = bytes[length - back];
      if ((byte & 0xc0) === 0x80) continue;
      const whole = utf8Length(byte);
      return whole <= back ? [0, 0] : [back, whole - back];
    }
    return [0, 0];
  }
  if (encoding === 'utf16le') {
    if (length % 2 === 1) return [1, 1];
    // The first half of a pair waits for the second.
    return length > 0 && (bytes[length - 1] & 0xfc) === 0xd8 ? [2, 2] : [0, 0];
  }
  if (encoding === 'base64' || encoding === 'base64url') return [length % 3, length % 3 === 0 ? 0 : 3 - (length % 3)];
  return [0, 0];
}

function StringDecoder(encoding) {
  this.encoding = nameOf(encoding);
  this[kHeld] = null;
  this[kMissing] = 0;
}

StringDecoder.prototype.write = function write(bytes) {
  if (typeof bytes === 'string') return bytes;
  if (!ArrayBuffer.isView(bytes)) throw new ERR_INVALID_ARG_TYPE('buf', ['Buffer', 'TypedArray', 'DataView'], bytes);
  if (this === null || typeof this !== 'object' || this[kHeld] === undefined) throw new ERR_INVALID_THIS('StringDecoder');
  if (!(bytes instanceof Buffer)) bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const before = this[kHeld];
  if (before !== null) bytes = Buffer.concat([before, bytes]);
  // Half of the second unit of a pair whose first is held.
  const isInPair = this.encoding === 'utf16le' && before !== null && before.length >= 2 && bytes.length === 3;
  const [held, missing] = isInPair ? [3, 1] : incomplete(bytes, this.encoding);
  this[kMissing] = missing;
  if (held === 0) {
    this[kHeld] = null;
    return bytes.toString(this.encoding);
  }
  this[kHeld] = Buffer.from(bytes.subarray(bytes.length - held));
  return bytes.toString(this.encoding, 0, bytes.length - held);
};

StringDecoder.prototype.end = function end(bytes) {
  const text = bytes === undefined ? '' : this.write(bytes);
  const held = this[kHeld];
  this[kHeld] = null;
  this[kMissing] = 0;
  if (held === null) return text;
  return text + (this.encoding === 'utf8' ? '\ufffd' : held.toString(this.encoding));
};

StringDecoder.prototype.text = function text(bytes, offset) {
  this[kHeld] = null;
  this[kMissing] = 0;
  return this.write(bytes.slice(offset));
};

Object.defineProperties(StringDecoder.prototype, {
  lastChar: {
    configurable: true,
    enumerable: true,
    get() {
      const held = Buffer.alloc(4);
      this[kHeld]?.copy(held);
      return held;
    },
  },
  lastNeed: {
    configurable: true,
    enumerable: true,
    get() { return this[kMissing]; },
  },
  lastTotal: {
    configurable: true,
    enumerable: true,
    get() { return (this[kHeld]?.length ?? 0) + this[kMissing]; },
  },
});

module.exports = { StringDecoder };
