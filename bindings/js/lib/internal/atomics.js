// Atomics, which QuickJS has with threads alone: there is one, so that every operation is atomic.

'use strict';

function checked(array, index) {
  if (!ArrayBuffer.isView(array) || array instanceof DataView || array instanceof Float32Array ||
      array instanceof Float64Array || array instanceof Uint8ClampedArray) {
    throw new TypeError('[object Array] is not an integer typed array.');
  }
  const at = Math.trunc(Number(index)) || 0;
  if (at < 0 || at >= array.length) throw new RangeError('Invalid atomic access index');
  return at;
}

function whole(array, value) {
  return array instanceof BigInt64Array || array instanceof BigUint64Array ? BigInt(value) : Math.trunc(Number(value)) || 0;
}

/** An operation that replaces a value, and gives the one before. */
function replacing(operation) {
  return (array, index, value) => {
    const at = checked(array, index);
    const before = array[at];
    array[at] = operation(before, whole(array, value));
    return before;
  };
}

const methods = {
  add: replacing((one, other) => one + other),
  and: replacing((one, other) => one & other),
  compareExchange(array, index, expected, value) {
    const at = checked(array, index);
    const before = array[at];
    const converted = new array.constructor([whole(array, expected)])[0];
    if (before === converted) array[at] = whole(array, value);
    return before;
  },
  exchange: replacing((_, value) => value),
  isLockFree: (size) => [1, 2, 4, 8].includes(size),
  load: (array, index) => array[checked(array, index)],
  notify(array, index) {
    checked(array, index);
    return 0;
  },
  or: replacing((one, other) => one | other),
  pause() {},
  store(array, index, value) {
    const at = checked(array, index);
    const stored = whole(array, value);
    array[at] = stored;
    return stored;
  },
  sub: replacing((one, other) => one - other),
  wait(array, index) {
    checked(array, index);
    throw new TypeError('Atomics.wait cannot be called in this context');
  },
  waitAsync(array, index) {
    checked(array, index);
    throw new TypeError('Atomics.waitAsync cannot be called in this context');
  },
  xor: replacing((one, other) => one ^ other),
};

const Atomics = Object.create(Object.prototype, {
  [Symbol.toStringTag]: { configurable: true, value: 'Atomics' },
});
for (const [name, value] of Object.entries(methods)) {
  Object.defineProperty(value, 'name', { configurable: true, value: name });
  Object.defineProperty(Atomics, name, { configurable: true, enumerable: false, writable: true, value });
}

module.exports = { Atomics };
