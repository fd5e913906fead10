// Node's `crypto`, as far as the runtime has it: hashes, HMAC, PBKDF2, random numbers.

'use strict';

const { Transform } = require('stream');
const { Buffer } = require('buffer');
const { codes: {
  ERR_CRYPTO_HASH_FINALIZED, ERR_CRYPTO_INVALID_DIGEST, ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH, ERR_INVALID_ARG_TYPE,
  ERR_OUT_OF_RANGE,
}, nodeError, unavailable } = require('internal/errors');
const {
  validateFunction, validateInteger, validateNumber, validateObject, validateString, validateUint32,
} = require('internal/validators');

const native = binding.crypto;

/** The runtime's name of a hash: `SHA-256`, `RSA-SHA256` and `sha256` are the same. */
function hashName(name) {
  return name.toLowerCase().replace(/^rsa-/, '').replace(/^sha-(?=\d)/, 'sha');
}

function bytesOf(data, encoding, name = 'data') {
  if (typeof data === 'string') return Buffer.from(data, encoding === 'buffer' ? 'utf8' : encoding);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof KeyObject) return data.export();
  throw new ERR_INVALID_ARG_TYPE(name, ['string', 'Buffer', 'TypedArray', 'DataView'], data);
}

function isKnown(name) {
  return native.hashes().includes(hashName(name));
}

function output(bytes, encoding) {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return encoding && encoding !== 'buffer' ? buffer.toString(encoding) : buffer;
}

/** What Hash and Hmac share: `update` and `digest`, and a stream. */
class Digest extends Transform {
  #state;
  #done = false;

  constructor(state, options) {
    super(options);
    this.#state = state;
  }

  update(data, encoding) {
    if (this.#done) throw new ERR_CRYPTO_HASH_FINALIZED();
    if (typeof data !== 'string' && !ArrayBuffer.isView(data)) {
      throw new ERR_INVALID_ARG_TYPE('data', ['string', 'Buffer', 'TypedArray', 'DataView'], data);
    }
    this.#state.update(bytesOf(data, encoding));
    return this;
  }

  digest(encoding) {
    if (this.#done) throw new ERR_CRYPTO_HASH_FINALIZED();
    this.#done = true;
    return output(this.#state.digest(), encoding);
  }

  /** A state that goes on from here. */
  fork() {
    if (this.#done) throw new ERR_CRYPTO_HASH_FINALIZED();
    return this.#state.copy();
  }

  _transform(chunk, encoding, callback) {
    this.#state.update(bytesOf(chunk, encoding));
    callback();
  }

  _flush(callback) {
    this.push(this.digest());
    callback();
  }
}

const { fork } = Digest.prototype;
delete Digest.prototype.fork;

class Hash extends Digest {
  constructor(algorithm, options, state) {
    if (state === undefined) {
      validateString(algorithm, 'algorithm');
      if (!isKnown(algorithm)) throw nodeError('Digest method not supported', { code: 'ERR_OSSL_EVP_UNSUPPORTED' });
      state = new native.Hash(hashName(algorithm));
    }
    super(state, options);
  }

  copy(options) {
    return new Hash(undefined, options, Reflect.apply(fork, this, []));
  }
}

class Hmac extends Digest {
  constructor(algorithm, key, options) {
    validateString(algorithm, 'hmac');
    if (typeof key !== 'string' && !ArrayBuffer.isView(key) && !(key instanceof ArrayBuffer) && !(key instanceof KeyObject)) {
      throw new ERR_INVALID_ARG_TYPE('key', ['ArrayBuffer', 'Buffer', 'TypedArray', 'DataView', 'string', 'KeyObject', 'CryptoKey'], key);
    }
    if (!isKnown(algorithm)) throw new ERR_CRYPTO_INVALID_DIGEST(algorithm);
    super(new native.Hmac(hashName(algorithm), bytesOf(key, options?.encoding)), options);
  }
}

/** A secret key: `createSecretKey`. */
class KeyObject {
  #bytes;
  constructor(type, bytes) {
    if (type !== 'secret') throw unavailable(`a KeyObject of type ${type}`);
    this.#bytes = Buffer.from(bytes);
  }

  get type() { return 'secret'; }
  get symmetricKeySize() { return this.#bytes.length; }
  export(options) {
    if (options?.format === 'jwk') return { kty: 'oct', k: this.#bytes.toString('base64url') };
    return Buffer.from(this.#bytes);
  }

  equals(other) {
    return other instanceof KeyObject && this.#bytes.equals(other.export());
  }
}

function createSecretKey(key, encoding) {
  return new KeyObject('secret', bytesOf(key, encoding, 'key'));
}

function hash(algorithm, input, options) {
  const encoding = typeof options === 'string' ? options : options?.outputEncoding ?? 'hex';
  validateString(algorithm, 'algorithm');
  return new Hash(algorithm).update(input).digest(encoding);
}

function random(length) {
  const bytes = Buffer.alloc(length);
  native.random(bytes);
  return bytes;
}

function randomBytes(size, callback) {
  validateNumber(size, 'size', 0, 2 ** 31 - 1);
  if (callback !== undefined) validateFunction(callback, 'callback');
  const bytes = random(size);
  if (callback === undefined) return bytes;
  setImmediate(callback, null, bytes);
  return undefined;
}

function randomFillSync(buffer, offset = 0, size = undefined) {
  if (!ArrayBuffer.isView(buffer) && !(buffer instanceof ArrayBuffer)) {
    throw new ERR_INVALID_ARG_TYPE('buf', ['ArrayBuffer', 'ArrayBufferView'], buffer);
  }
  const unit = buffer.BYTES_PER_ELEMENT ?? 1;
  validateNumber(offset, 'offset');
  const from = offset * unit;
  const length = size === undefined ? buffer.byteLength - from : size * unit;
  if (from < 0 || from > buffer.byteLength) throw new ERR_OUT_OF_RANGE('offset', `>= 0 && <= ${buffer.byteLength}`, offset);
  if (length < 0 || from + length > buffer.byteLength) {
    throw new ERR_OUT_OF_RANGE('size + offset', `<= ${buffer.byteLength}`, from + length);
  }
  const start = ArrayBuffer.isView(buffer) ? buffer.byteOffset : 0;
  native.random(new Uint8Array(buffer.buffer ?? buffer, start + from, length));
  return buffer;
}

function randomFill(buffer, offset, size, callback) {
  if (typeof offset === 'function') [offset, size, callback] = [0, undefined, offset];
  else if (typeof size === 'function') [size, callback] = [undefined, size];
  validateFunction(callback, 'callback');
  randomFillSync(buffer, offset, size);
  setImmediate(callback, null, buffer);
}

function randomInt(min, max, callback) {
  if (max === undefined || typeof max === 'function') [min, max, callback] = [0, min, max];
  if (!Number.isSafeInteger(min)) throw new ERR_INVALID_ARG_TYPE('min', 'a safe integer', min);
  if (!Number.isSafeInteger(max)) throw new ERR_INVALID_ARG_TYPE('max', 'a safe integer', max);
  if (max <= min) throw new ERR_OUT_OF_RANGE('max', `greater than the value of "min" (${min})`, max);
  const range = max - min;
  if (range > 2 ** 48 - 1) throw new ERR_OUT_OF_RANGE('max - min', `<= ${2 ** 48 - 1}`, range);
  const limit = 2 ** 48 - (2 ** 48 % range);
  let value;
  do value = random(6).readUIntBE(0, 6); while (value >= limit);
  const result = (value % range) + min;
  if (callback === undefined) return result;
  process.nextTick(callback, null, result);
  return undefined;
}

function randomUUID(options) {
  if (options !== undefined) validateObject(options, 'options');
  const bytes = random(16);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function pbkdf2Sync(password, salt, iterations, length, digest) {
  validateString(digest, 'digest');
  const secret = bytesOf(password, undefined, 'password');
  const salted = bytesOf(salt, undefined, 'salt');
  validateInteger(iterations, 'iterations', 1, 2 ** 31 - 1);
  validateInteger(length, 'keylen', 0, 2 ** 31 - 1);
  if (!isKnown(digest)) throw new ERR_CRYPTO_INVALID_DIGEST(digest);
  return output(native.pbkdf2(hashName(digest), secret, salted, iterations, length));
}

function pbkdf2(password, salt, iterations, length, digest, callback) {
  if (typeof digest === 'function') [digest, callback] = [undefined, digest];
  validateFunction(callback, 'callback');
  const key = pbkdf2Sync(password, salt, iterations, length, digest);
  setImmediate(callback, null, key);
}

/** HKDF (RFC 5869), of HMAC. */
function hkdfSync(digest, key, salt, info, length) {
  validateString(digest, 'digest');
  validateUint32(length, 'length');
  if (!isKnown(digest)) throw new ERR_CRYPTO_INVALID_DIGEST(digest);
  const mac = (secret, ...parts) => {
    const hmac = new Hmac(digest, secret);
    for (const part of parts) hmac.update(part);
    return hmac.digest();
  };
  const extracted = mac(bytesOf(salt), bytesOf(key, undefined, 'key'));
  const blocks = [];
  let last = Buffer.alloc(0);
  for (let size = 0; size < length; size += last.length) {
    last = mac(extracted, last, bytesOf(info), Buffer.from([blocks.length + 1]));
    blocks.push(last);
  }
  const bytes = new Uint8Array(Buffer.concat(blocks).subarray(0, length));
  return bytes.buffer;
}

function hkdf(digest, key, salt, info, length, callback) {
  validateFunction(callback, 'callback');
  const derived = hkdfSync(digest, key, salt, info, length);
  setImmediate(callback, null, derived);
}

function timingSafeEqual(a, b) {
  for (const [value, name] of [[a, 'buf1'], [b, 'buf2']]) {
    if (!ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer)) {
      throw new ERR_INVALID_ARG_TYPE(name, ['ArrayBuffer', 'Buffer', 'TypedArray', 'DataView'], value);
    }
  }
  const [left, right] = [bytesOf(a), bytesOf(b)];
  if (left.length !== right.length) throw new ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH();
  let difference = 0;
  for (let i = 0; i < left.length; i++) difference |= left[i] ^ right[i];
  return difference === 0;
}

const missing = [
  'Certificate', 'Cipheriv', 'Decipheriv', 'DiffieHellman', 'DiffieHellmanGroup', 'ECDH', 'Sign', 'Verify',
  'X509Certificate', 'checkPrime', 'checkPrimeSync', 'createCipheriv', 'createDecipheriv', 'createDiffieHellman',
  'createDiffieHellmanGroup', 'createECDH', 'createPrivateKey', 'createPublicKey', 'createSign', 'createVerify',
  'diffieHellman', 'generateKey', 'generateKeyPair', 'generateKeyPairSync', 'generateKeySync', 'generatePrime',
  'generatePrimeSync', 'getCipherInfo', 'getDiffieHellman', 'privateDecrypt', 'privateEncrypt', 'publicDecrypt',
  'publicEncrypt', 'scrypt', 'scryptSync', 'secureHeapUsed', 'setEngine', 'setFips', 'sign', 'verify',
];

module.exports = {
  Hash,
  Hmac,
  KeyObject,
  constants: {},
  createHash: (algorithm, options) => new Hash(algorithm, options),
  createHmac: (algorithm, key, options) => new Hmac(algorithm, key, options),
  createSecretKey,
  getCiphers: () => [],
  getCurves: () => [],
  getFips: () => 0,
  getHashes: () => native.hashes(),
  getRandomValues: (array) => module.exports.webcrypto.getRandomValues(array),
  hash,
  hkdf,
  hkdfSync,
  pbkdf2,
  pbkdf2Sync,
  randomBytes,
  randomFill,
  randomFillSync,
  randomInt,
  randomUUID,
  timingSafeEqual,
  get subtle() { return module.exports.webcrypto.subtle; },
  get webcrypto() { return require('internal/webcrypto').crypto; },
};
module.exports.pseudoRandomBytes = module.exports.prng = module.exports.rng = randomBytes;
for (const name of missing) {
  module.exports[name] = function () {
    throw unavailable(`crypto.${name}`);
  };
}
