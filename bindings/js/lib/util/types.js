// Node's `util.types`.

'use strict';

const { getPrototypeOf } = Object;
const tagOf = (value) => Object.prototype.toString.call(value).slice(8, -1);

/** Whether a built-in method of a class takes the value as its own. */
function brand(method, ...args) {
  return (value) => {
    if (typeof value !== 'object' || value === null) return false;
    try {
      Reflect.apply(method, value, args);
      return true;
    } catch {
      return false;
    }
  };
}

const getter = (prototype, name) => Object.getOwnPropertyDescriptor(prototype, name).get;
const typedArrayName = getter(getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);
const nameOf = (value) => ArrayBuffer.isView(value) ? Reflect.apply(typedArrayName, value, []) : undefined;
const isSharedArrayBuffer = typeof SharedArrayBuffer === 'undefined'
  ? () => false
  : brand(getter(SharedArrayBuffer.prototype, 'byteLength'));
const isArrayBuffer = brand(getter(ArrayBuffer.prototype, 'byteLength'));
const tagged = (tag) => (value) => typeof value === 'object' && value !== null && tagOf(value) === tag;
const functionOf = (...tags) => (value) => typeof value === 'function' && tags.includes(tagOf(value));

const isSource = brand(getter(RegExp.prototype, 'source'));

const types = {
  isAnyArrayBuffer: (value) => isArrayBuffer(value) || isSharedArrayBuffer(value),
  isArgumentsObject: (value) => tagged('Arguments')(value) && !(Symbol.toStringTag in value),
  isArrayBuffer,
  isArrayBufferView: ArrayBuffer.isView,
  isAsyncFunction: functionOf('AsyncFunction', 'AsyncGeneratorFunction'),
  isBigInt64Array: (value) => nameOf(value) === 'BigInt64Array',
  isBigIntObject: brand(BigInt.prototype.valueOf),
  isBigUint64Array: (value) => nameOf(value) === 'BigUint64Array',
  isBooleanObject: brand(Boolean.prototype.valueOf),
  isBoxedPrimitive: (value) => types.isNumberObject(value) || types.isStringObject(value) ||
    types.isBooleanObject(value) || types.isBigIntObject(value) || types.isSymbolObject(value),
  isDataView: (value) => ArrayBuffer.isView(value) && nameOf(value) === undefined,
  isDate: brand(Date.prototype.getTime),
  isExternal: () => false,
  isFloat16Array: (value) => nameOf(value) === 'Float16Array',
  isFloat32Array: (value) => nameOf(value) === 'Float32Array',
  isFloat64Array: (value) => nameOf(value) === 'Float64Array',
  isGeneratorFunction: functionOf('GeneratorFunction', 'AsyncGeneratorFunction'),
  isGeneratorObject: (value) => tagged('Generator')(value) || tagged('AsyncGenerator')(value),
  isInt16Array: (value) => nameOf(value) === 'Int16Array',
  isInt32Array: (value) => nameOf(value) === 'Int32Array',
  isInt8Array: (value) => nameOf(value) === 'Int8Array',
  isMap: brand(Map.prototype.has, undefined),
  isMapIterator: tagged('Map Iterator'),
  isModuleNamespaceObject: tagged('Module'),
  isNativeError: (value) => Error.isError?.(value) ?? (value instanceof Error || tagged('Error')(value)),
  isNumberObject: brand(Number.prototype.valueOf),
  isPromise: (value) => value instanceof Promise,
  isProxy: (value) => binding.util?.proxyDetails?.(value) !== undefined,
  isRegExp: (value) => value !== RegExp.prototype && isSource(value),
  isSet: brand(Set.prototype.has, undefined),
  isSetIterator: tagged('Set Iterator'),
  isSharedArrayBuffer,
  isStringObject: brand(String.prototype.valueOf),
  isSymbolObject: brand(Symbol.prototype.valueOf),
  isTypedArray: (value) => nameOf(value) !== undefined,
  isUint16Array: (value) => nameOf(value) === 'Uint16Array',
  isUint32Array: (value) => nameOf(value) === 'Uint32Array',
  isUint8Array: (value) => nameOf(value) === 'Uint8Array',
  isUint8ClampedArray: (value) => nameOf(value) === 'Uint8ClampedArray',
  isWeakMap: brand(WeakMap.prototype.has, {}),
  isWeakSet: brand(WeakSet.prototype.has, {}),
};

module.exports = types;
