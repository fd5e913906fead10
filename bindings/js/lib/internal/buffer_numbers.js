// Buffer's methods that read and write numbers.

'use strict';

const { codes: { ERR_BUFFER_OUT_OF_BOUNDS, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE } } = require('internal/errors');
const { validateNumber } = require('internal/validators');

const float32 = new Float32Array(1);
const float64 = new Float64Array(1);
const float32Bytes = new Uint8Array(float32.buffer);
const float64Bytes = new Uint8Array(float64.buffer);

/** Says why there is nothing at an offset. */
function outOfBounds(value, length, name = 'offset') {
  if (Math.floor(value) !== value) {
    validateNumber(value, name);
    throw new ERR_OUT_OF_RANGE(name, 'an integer', value);
  }
  if (length < 0) throw new ERR_BUFFER_OUT_OF_BOUNDS();
  throw new ERR_OUT_OF_RANGE(name, `>= ${name === 'byteLength' ? 1 : 0} and <= ${length}`, value);
}

function checkOffset(buffer, offset, size) {
  validateNumber(offset, 'offset');
  if (!(offset >= 0 && offset + size <= buffer.length && Number.isInteger(offset))) {
    outOfBounds(offset, buffer.length - size);
  }
}

function checkSize(size) {
  if (size === undefined) throw new ERR_INVALID_ARG_TYPE('byteLength', 'number', size);
  if (!(size >= 1 && size <= 6 && Number.isInteger(size))) outOfBounds(size, 6, 'byteLength');
}

/** `n` is `n` for a BigInt. */
function checkValue(value, min, max, size, n = '') {
  if (value <= max && value >= min) return;
  // What is no number is written as 0.
  if (typeof value !== 'bigint' && Number.isNaN(Number(value))) return;
  let range;
  const bits = size * 8;
  if (size <= 4) range = `>= ${min} and <= ${max}`;
  else if (min === 0 || min === 0n) range = `>= 0${n} and < 2${n} ** ${bits}${n}`;
  else range = `>= -(2${n} ** ${bits - 1}${n}) and < 2${n} ** ${bits - 1}${n}`;
  throw new ERR_OUT_OF_RANGE('value', range, value);
}

function readUint(buffer, offset, size, little) {
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + buffer[little ? offset + size - 1 - i : offset + i];
  return value;
}

function readInt(buffer, offset, size, little) {
  const value = readUint(buffer, offset, size, little);
  const limit = 2 ** (size * 8 - 1);
  return value >= limit ? value - 2 * limit : value;
}

function write(buffer, value, offset, size, little) {
  let rest = Math.trunc(Number(value)) || 0;
  for (let i = 0; i < size; i++) {
    buffer[little ? offset + i : offset + size - 1 - i] = rest;
    // Division, as bits end at 32.
    rest = Math.floor(rest / 256);
  }
  return offset + size;
}

const methods = {};

for (const [ends, little] of [['LE', true], ['BE', false]]) {
  for (const [bits, size] of [[8, 1], [16, 2], [32, 4]]) {
    if (bits === 8 && !little) continue;
    const suffix = bits === 8 ? '' : ends;
    methods[`readUInt${bits}${suffix}`] = function (offset = 0) {
      checkOffset(this, offset, size);
      return readUint(this, offset, size, little);
    };
    methods[`readInt${bits}${suffix}`] = function (offset = 0) {
      checkOffset(this, offset, size);
      return readInt(this, offset, size, little);
    };
    methods[`writeUInt${bits}${suffix}`] = function (value, offset = 0) {
      checkValue(value, 0, 2 ** bits - 1, size);
      checkOffset(this, offset, size);
      return write(this, value, offset, size, little);
    };
    methods[`writeInt${bits}${suffix}`] = function (value, offset = 0) {
      checkValue(value, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, size);
      checkOffset(this, offset, size);
      return write(this, value, offset, size, little);
    };
  }

  methods[`readUInt${ends}`] = function (offset, size) {
    checkSizeAndOffset(this, offset, size);
    return readUint(this, offset, size, little);
  };
  methods[`readInt${ends}`] = function (offset, size) {
    checkSizeAndOffset(this, offset, size);
    return readInt(this, offset, size, little);
  };
  methods[`writeUInt${ends}`] = function (value, offset, size) {
    checkSize(size);
    checkValue(value, 0, 2 ** (size * 8) - 1, size);
    checkGiven(offset);
    checkOffset(this, offset, size);
    return write(this, value, offset, size, little);
  };
  methods[`writeInt${ends}`] = function (value, offset, size) {
    checkSize(size);
    checkValue(value, -(2 ** (size * 8 - 1)), 2 ** (size * 8 - 1) - 1, size);
    checkGiven(offset);
    checkOffset(this, offset, size);
    return write(this, value, offset, size, little);
  };

  methods[`readBigUInt64${ends}`] = function (offset = 0) {
    checkOffset(this, offset, 8);
    return bigOf(this, offset, little);
  };
  methods[`readBigInt64${ends}`] = function (offset = 0) {
    checkOffset(this, offset, 8);
    return BigInt.asIntN(64, bigOf(this, offset, little));
  };
  methods[`writeBigUInt64${ends}`] = function (value, offset = 0) {
    return writeBig(this, value, offset, little, 0n, 2n ** 64n - 1n);
  };
  methods[`writeBigInt64${ends}`] = function (value, offset = 0) {
    return writeBig(this, value, offset, little, -(2n ** 63n), 2n ** 63n - 1n);
  };

  for (const [name, array, bytes] of [['Float', float32, float32Bytes], ['Double', float64, float64Bytes]]) {
    const size = bytes.length;
    methods[`read${name}${ends}`] = function (offset = 0) {
      checkOffset(this, offset, size);
      for (let i = 0; i < size; i++) bytes[little ? i : size - 1 - i] = this[offset + i];
      return array[0];
    };
    methods[`write${name}${ends}`] = function (value, offset = 0) {
      const number = Number(value);
      checkOffset(this, offset, size);
      array[0] = number;
      for (let i = 0; i < size; i++) this[offset + i] = bytes[little ? i : size - 1 - i];
      return offset + size;
    };
  }
}

function checkGiven(offset) {
  if (offset === undefined) throw new ERR_INVALID_ARG_TYPE('offset', 'number', offset);
}

function checkSizeAndOffset(buffer, offset, size) {
  checkGiven(offset);
  checkSize(size);
  checkOffset(buffer, offset, size);
}

function bigOf(buffer, offset, little) {
  const low = readUint(buffer, little ? offset : offset + 4, 4, little);
  const high = readUint(buffer, little ? offset + 4 : offset, 4, little);
  return (BigInt(high) << 32n) + BigInt(low);
}

function writeBig(buffer, value, offset, little, min, max) {
  checkValue(value, min, max, 8, 'n');
  checkOffset(buffer, offset, 8);
  const bits = BigInt.asUintN(64, value);
  write(buffer, Number(bits & 0xffffffffn), little ? offset : offset + 4, 4, little);
  write(buffer, Number(bits >> 32n), little ? offset + 4 : offset, 4, little);
  return offset + 8;
}

/** Puts the methods on a prototype, `readUint8` as another name of `readUInt8`, too. */
function install(prototype) {
  for (const [name, method] of Object.entries(methods)) {
    Object.defineProperty(method, 'name', { value: name });
    for (const known of [name, name.replace('UInt', 'Uint')]) {
      Object.defineProperty(prototype, known, { configurable: true, enumerable: true, writable: true, value: method });
    }
  }
}

module.exports = { install };
