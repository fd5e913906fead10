// `structuredClone`.

'use strict';

const { DOMException } = require('internal/dom_exception');
const { codes: { ERR_MISSING_ARGS } } = require('internal/errors');
const types = require('util/types');

const errors = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

function refuse(value) {
  let text;
  try {
    text = typeof value === 'symbol' ? value.toString() : `${typeof value === 'function' ? value : '#<Object>'}`;
  } catch {
    text = typeof value;
  }
  throw new DOMException(`${text} could not be cloned.`, 'DataCloneError');
}

function copy(value, seen, transferred) {
  if (typeof value === 'symbol' || typeof value === 'function') refuse(value);
  if (typeof value !== 'object' || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const keep = (clone) => (seen.set(value, clone), clone);

  if (types.isDate(value)) return keep(new Date(value.getTime()));
  if (types.isRegExp(value)) return keep(new RegExp(value.source, value.flags));
  if (types.isBoxedPrimitive(value)) {
    if (types.isSymbolObject(value)) refuse(value);
    return keep(Object(value.valueOf()));
  }
  if (types.isAnyArrayBuffer(value)) {
    return keep(transferred.has(value) && value.transfer ? value.transfer() : value.slice(0));
  }
  if (ArrayBuffer.isView(value)) {
    const length = value.byteLength;
    const offset = value.byteOffset;
    const size = value.length;
    const buffer = copy(value.buffer, seen, transferred);
    const name = Object.prototype.toString.call(value).slice(8, -1);
    return keep(new globalThis[name](buffer, offset, types.isDataView(value) ? length : size));
  }
  if (types.isMap(value)) {
    const map = keep(new Map());
    for (const [key, item] of [...value]) map.set(copy(key, seen, transferred), copy(item, seen, transferred));
    return map;
  }
  if (types.isSet(value)) {
    const set = keep(new Set());
    for (const item of [...value]) set.add(copy(item, seen, transferred));
    return set;
  }
  if (types.isNativeError(value)) {
    const Class = errors[value.name] ?? Error;
    const clone = keep(new Class(value.message));
    const stack = { configurable: true, writable: true, value: value.stack };
    Object.defineProperty(clone, 'stack', stack);
    if ('cause' in value) clone.cause = copy(value.cause, seen, transferred);
    return clone;
  }
  if (types.isPromise(value) || types.isWeakMap(value) || types.isWeakSet(value) || value instanceof WeakRef) {
    refuse(value);
  }
  const clone = keep(Array.isArray(value) ? new Array(value.length) : {});
  for (const key of Object.keys(value)) clone[key] = copy(value[key], seen, transferred);
  return clone;
}

function structuredClone(value, options) {
  if (arguments.length === 0) throw new ERR_MISSING_ARGS('value');
  return copy(value, new Map(), new Set(options?.transfer ?? []));
}

module.exports = { structuredClone };
