// Web Crypto, as far as the runtime has it: digests, HMAC, PBKDF2 and HKDF, and random values.

'use strict';

const crypto = require('crypto');
const { Buffer } = require('buffer');
const { DOMException } = require('internal/dom_exception');
const { codes: { ERR_ILLEGAL_CONSTRUCTOR, ERR_INVALID_ARG_TYPE }, unavailable } = require('internal/errors');

const kCreate = Symbol('create');

const hashes = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };
const blockSizes = { 'SHA-1': 64, 'SHA-256': 64, 'SHA-384': 128, 'SHA-512': 128 };

class CryptoKey {
  #key;
  constructor(key, properties) {
    if (key !== kCreate) throw new ERR_ILLEGAL_CONSTRUCTOR();
    this.#key = properties;
  }

  static bytesOf(key) {
    return key.#key.bytes;
  }

  get type() { return 'secret'; }
  get extractable() { return this.#key.extractable; }
  get algorithm() { return this.#key.algorithm; }
  get usages() { return this.#key.usages; }
}
const { bytesOf: secretOf } = CryptoKey;
delete CryptoKey.bytesOf;

function bytesOf(data) {
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  throw new ERR_INVALID_ARG_TYPE('data', ['ArrayBuffer', 'Buffer', 'TypedArray', 'DataView'], data);
}

function nameOf(algorithm) {
  return `${typeof algorithm === 'string' ? algorithm : algorithm?.name}`.toUpperCase();
}

function hashOf(algorithm) {
  const name = nameOf(algorithm);
  if (hashes[name] === undefined) throw new DOMException('Unrecognized algorithm name', 'NotSupportedError');
  return name;
}

function bufferOf(bytes) {
  return new Uint8Array(bytes).buffer;
}

function checkUsage(key, usage, name) {
  if (key.algorithm.name !== name) throw new DOMException('The requested operation is not valid for the provided key', 'InvalidAccessError');
  if (!key.usages.includes(usage)) throw new DOMException('The requested operation is not valid for the provided key', 'InvalidAccessError');
}

class SubtleCrypto {
  constructor(key) {
    if (key !== kCreate) throw new ERR_ILLEGAL_CONSTRUCTOR();
  }

  async digest(algorithm, data) {
    return bufferOf(crypto.createHash(hashes[hashOf(algorithm)]).update(bytesOf(data)).digest());
  }

  async importKey(format, data, algorithm, extractable, usages) {
    const name = nameOf(algorithm);
    if (format !== 'raw' && format !== 'jwk' && format !== 'raw-secret') throw unavailable(`keys of the format ${format}`);
    const bytes = format === 'jwk' ? Buffer.from(data.k, 'base64') : Buffer.from(bytesOf(data));
    if (name === 'HMAC') {
      const hash = hashOf(algorithm.hash);
      return new CryptoKey(kCreate, {
        bytes, extractable, usages: [...usages],
        algorithm: { name, hash: { name: hash }, length: algorithm.length ?? bytes.length * 8 },
      });
    }
    if (name === 'PBKDF2' || name === 'HKDF') {
      if (extractable) throw new DOMException(`${name} keys are not extractable`, 'SyntaxError');
      return new CryptoKey(kCreate, { bytes, extractable: false, usages: [...usages], algorithm: { name } });
    }
    throw new DOMException('Unrecognized algorithm name', 'NotSupportedError');
  }

  async exportKey(format, key) {
    if (!key.extractable) throw new DOMException('key is not extractable', 'InvalidAccessError');
    const bytes = secretOf(key);
    if (format === 'raw' || format === 'raw-secret') return bufferOf(bytes);
    if (format === 'jwk') {
      return {
        key_ops: key.usages, ext: true, kty: 'oct', k: bytes.toString('base64url'),
        alg: `HS${key.algorithm.hash.name.slice(4)}`,
      };
    }
    throw unavailable(`keys of the format ${format}`);
  }

  async generateKey(algorithm, extractable, usages) {
    if (nameOf(algorithm) !== 'HMAC') throw unavailable(`keys of the algorithm ${nameOf(algorithm)}`);
    const hash = hashOf(algorithm.hash);
    const bits = algorithm.length ?? blockSizes[hash] * 8;
    return this.importKey('raw', crypto.randomBytes(Math.ceil(bits / 8)), { name: 'HMAC', hash, length: bits }, extractable, usages);
  }

  async sign(algorithm, key, data) {
    checkUsage(key, 'sign', 'HMAC');
    return bufferOf(crypto.createHmac(hashes[key.algorithm.hash.name], secretOf(key)).update(bytesOf(data)).digest());
  }

  async verify(algorithm, key, signature, data) {
    checkUsage(key, 'verify', 'HMAC');
    const own = crypto.createHmac(hashes[key.algorithm.hash.name], secretOf(key)).update(bytesOf(data)).digest();
    const given = bytesOf(signature);
    return own.length === given.length && crypto.timingSafeEqual(own, given);
  }

  async deriveBits(algorithm, key, length) {
    const name = nameOf(algorithm);
    if (name !== 'PBKDF2' && name !== 'HKDF') throw unavailable(`deriveBits of ${name}`);
    checkUsage(key, 'deriveBits', name);
    return derive(name, algorithm, key, length);
  }

  async deriveKey(algorithm, key, derived, extractable, usages) {
    const name = nameOf(algorithm);
    if (name !== 'PBKDF2' && name !== 'HKDF') throw unavailable(`deriveKey of ${name}`);
    checkUsage(key, 'deriveKey', name);
    if (nameOf(derived) !== 'HMAC') throw unavailable(`keys of the algorithm ${nameOf(derived)}`);
    const bits = derived.length ?? blockSizes[hashOf(derived.hash)] * 8;
    return this.importKey('raw', derive(name, algorithm, key, bits), derived, extractable, usages);
  }
}

function derive(name, algorithm, key, bits) {
  if (bits === null || bits === undefined || bits % 8 !== 0) {
    throw new DOMException('length must be a multiple of 8', 'OperationError');
  }
  const hash = hashes[hashOf(algorithm.hash)];
  const secret = secretOf(key);
  const salt = bytesOf(algorithm.salt);
  return name === 'PBKDF2'
    ? bufferOf(crypto.pbkdf2Sync(secret, salt, algorithm.iterations, bits / 8, hash))
    : crypto.hkdfSync(hash, secret, salt, bytesOf(algorithm.info), bits / 8);
}

for (const name of ['decrypt', 'encrypt', 'unwrapKey', 'wrapKey', 'encapsulateBits', 'encapsulateKey', 'decapsulateBits', 'decapsulateKey']) {
  SubtleCrypto.prototype[name] = async function () {
    throw unavailable(`crypto.subtle.${name}`);
  };
}

const integers = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array];

class Crypto {
  #subtle = new SubtleCrypto(kCreate);

  constructor(key) {
    if (key !== kCreate) throw new ERR_ILLEGAL_CONSTRUCTOR();
  }

  get subtle() {
    return this.#subtle;
  }

  getRandomValues(array) {
    if (!integers.some((Class) => array instanceof Class)) {
      throw new DOMException('The data argument must be an integer-type TypedArray', 'TypeMismatchError');
    }
    if (array.byteLength > 65536) {
      throw new DOMException(`The requested length exceeds 65,536 bytes`, 'QuotaExceededError');
    }
    return crypto.randomFillSync(array);
  }

  randomUUID() {
    return crypto.randomUUID();
  }
}

for (const Class of [Crypto, CryptoKey, SubtleCrypto]) {
  Object.defineProperty(Class.prototype, Symbol.toStringTag, { configurable: true, value: Class.name });
}

module.exports = { Crypto, CryptoKey, SubtleCrypto, crypto: new Crypto(kCreate) };
