// Node's `util`.

'use strict';

const { format, formatWithOptions, inspect, stripVTControlCharacters } = require('internal/inspect');
const { errno } = require('internal/errno');
const {
  codes: { ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE }, unavailable,
} = require('internal/errors');
const {
  validateAbortSignal, validateFunction, validateNumber, validateObject, validateOneOf,
  validateString,
} = require('internal/validators');
const types = require('util/types');

const kCustomPromisify = Symbol.for('nodejs.util.promisify.custom');
const kCustomArgs = Symbol.for('nodejs.util.promisify.customArgs');

function promisify(original) {
  validateFunction(original, 'original');
  if (original[kCustomPromisify]) {
    const custom = original[kCustomPromisify];
    validateFunction(custom, 'util.promisify.custom');
    return Object.defineProperty(custom, kCustomPromisify, {
      value: custom, enumerable: false, writable: false, configurable: true,
    });
  }
  const names = original[kCustomArgs];
  function promised(...args) {
    return new Promise((resolve, reject) => {
      Reflect.apply(original, this, [...args, (error, ...values) => {
        if (error) reject(error);
        else if (names !== undefined && values.length > 1) {
          resolve(Object.fromEntries(names.map((name, index) => [name, values[index]])));
        } else resolve(values[0]);
      }]);
    });
  }
  Object.setPrototypeOf(promised, Object.getPrototypeOf(original));
  Object.defineProperty(promised, kCustomPromisify, {
    value: promised, enumerable: false, writable: false, configurable: true,
  });
  return Object.defineProperties(promised, Object.getOwnPropertyDescriptors(original));
}
promisify.custom = kCustomPromisify;

function callbackify(original) {
  validateFunction(original, 'original');
  function called(...args) {
    const callback = args.pop();
    validateFunction(callback, 'last argument');
    const done = callback.bind(this);
    Reflect.apply(original, this, args).then(
      (value) => process.nextTick(done, null, value),
      (reason) => {
        if (!reason) {
          const error = new Error('Promise was rejected with a falsy value');
          error.code = 'ERR_FALSY_VALUE_REJECTION';
          error.reason = reason;
          reason = error;
        }
        process.nextTick(done, reason);
      },
    );
  }
  const descriptors = Object.getOwnPropertyDescriptors(original);
  if (typeof descriptors.length.value === 'number') descriptors.length.value += 1;
  if (typeof descriptors.name.value === 'string') descriptors.name.value += 'Callbackified';
  return Object.defineProperties(called, descriptors);
}

function inherits(constructor, superConstructor) {
  if (constructor === undefined || constructor === null) {
    throw new ERR_INVALID_ARG_TYPE('ctor', 'Function', constructor);
  }
  if (superConstructor === undefined || superConstructor === null) {
    throw new ERR_INVALID_ARG_TYPE('superCtor', 'Function', superConstructor);
  }
  if (superConstructor.prototype === undefined) {
    throw new ERR_INVALID_ARG_TYPE('superCtor.prototype', 'Object', superConstructor.prototype);
  }
  Object.defineProperty(constructor, 'super_', { value: superConstructor, writable: true, configurable: true });
  Object.setPrototypeOf(constructor.prototype, superConstructor.prototype);
}

const told = new Set();

function deprecate(fn, message, code) {
  let warned = false;
  function deprecated(...args) {
    if (!warned) {
      warned = true;
      if (code === undefined || !told.has(code)) {
        if (code !== undefined) told.add(code);
        process.emitWarning(message, 'DeprecationWarning', code, deprecated);
      }
    }
    return new.target ? Reflect.construct(fn, args, new.target) : Reflect.apply(fn, this, args);
  }
  Object.setPrototypeOf(deprecated, fn);
  if (fn.prototype) deprecated.prototype = fn.prototype;
  return deprecated;
}

/** Whether NODE_DEBUG names a section; `*` stands for anything. */
function debugs(section) {
  const names = (process.env.NODE_DEBUG ?? '').split(',').filter(Boolean);
  return names.some((name) => {
    const pattern = name.replace(/[|\\{}()[\]^$+?.]/g, '\\$&').replaceAll('*', '.*');
    return new RegExp(`^${pattern}$`, 'i').test(section);
  });
}

function debuglog(section, found) {
  const enabled = debugs(section);
  const name = section.toUpperCase();
  const log = (...args) => {
    if (enabled) process.stderr.write(formatWithOptions({}, '%s %d: %s\n', name, process.pid, format(...args)));
  };
  Object.defineProperty(log, 'enabled', { configurable: true, enumerable: true, get: () => enabled });
  found?.(log);
  return log;
}

function isDeepStrictEqual(a, b) {
  const assert = require('assert');
  try {
    assert.deepStrictEqual(a, b);
    return true;
  } catch (error) {
    if (error instanceof assert.AssertionError) return false;
    throw error;
  }
}

const names = new Map();
for (const [name, number] of Object.entries(errno)) {
  if (!names.has(-number)) names.set(-number, name);
}

function getSystemErrorName(number) {
  validateNumber(number, 'err');
  if (number >= 0 || !Number.isSafeInteger(number)) throw new ERR_OUT_OF_RANGE('err', 'a negative integer', number);
  return names.get(number) ?? `Unknown system error ${number}`;
}

async function aborted(signal, resource) {
  if (signal === undefined) throw new ERR_INVALID_ARG_TYPE('signal', 'AbortSignal', signal);
  validateAbortSignal(signal, 'signal');
  validateObject(resource, 'resource', { allowArray: true, allowFunction: true });
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

function styleText(style, text, { validateStream = true, stream = process.stdout } = {}) {
  validateString(text, 'text');
  const styles = Array.isArray(style) ? style : [style];
  for (const name of styles) {
    if (name !== 'none' && inspect.colors[name] === undefined) {
      validateOneOf(name, 'format', Object.keys(inspect.colors));
    }
  }
  if (validateStream && !stream?.isTTY) return text;
  return styles.reduceRight((inner, name) => {
    if (name === 'none') return inner;
    const [open, close] = inspect.colors[name];
    return `\u001b[${open}m${inner}\u001b[${close}m`;
  }, text);
}

function toUSVString(input) {
  return `${input}`.toWellFormed();
}

/** The lines `NAME=value` of a file `.env`. */
function parseEnv(content) {
  validateString(content, 'content');
  const found = {};
  const line = /^\s*(?:export\s+)?([\w.-]+)\s*=\s*(?:"((?:\\"|[^"])*)"|'([^']*)'|`([^`]*)`|([^#\r\n]*))?\s*(?:#.*)?$/gm;
  for (const [, name, double, single, back, plain] of content.matchAll(line)) {
    found[name] = double?.replaceAll('\\n', '\n') ?? single ?? back ?? (plain ?? '').trim();
  }
  return found;
}

module.exports = {
  _errnoException(number, syscall) {
    const code = getSystemErrorName(number);
    return Object.assign(new Error(`${syscall} ${code}`), { errno: number, code, syscall });
  },
  _extend: (target, source) => source === null || typeof source !== 'object' ? target : Object.assign(target, source),
  aborted,
  callbackify,
  debug: debuglog,
  debuglog,
  deprecate,
  format,
  formatWithOptions,
  getSystemErrorMap: () => new Map([...names].map(([number, name]) => [number, [name, name]])),
  getSystemErrorName,
  inherits,
  inspect,
  isArray: Array.isArray,
  isDeepStrictEqual,
  parseArgs() { throw unavailable('util.parseArgs'); },
  parseEnv,
  promisify,
  stripVTControlCharacters,
  styleText,
  toUSVString,
  types,
  get TextDecoder() { return require('internal/encoding').TextDecoder; },
  get TextEncoder() { return require('internal/encoding').TextEncoder; },
  transferableAbortController() { throw unavailable('util.transferableAbortController'); },
  transferableAbortSignal() { throw unavailable('util.transferableAbortSignal'); },
};
