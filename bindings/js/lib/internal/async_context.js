// What AsyncLocalStorage knows at a moment: a map of values that is never changed, but replaced.
//
// Timers, `nextTick`, microtasks and handlers of promises take it along from where they were made.

'use strict';

let values;

function current() {
  return values;
}

function enter(next) {
  values = next;
}

function run(next, fn) {
  const before = values;
  values = next;
  try {
    return fn();
  } finally {
    values = before;
  }
}

function withValue(storage, value) {
  return new Map(values).set(storage, value);
}

function without(storage) {
  const next = new Map(values);
  next.delete(storage);
  return next;
}

/** The function with what holds now; itself if that is nothing. */
function bind(fn) {
  const captured = values;
  if (captured === undefined) return fn;
  return function (...args) {
    return run(captured, () => Reflect.apply(fn, this, args));
  };
}

let isWatching = false;

/**
 * Has `then`, `catch` and `finally` take values along, from the first storage on. `await` does not:
 * QuickJS says nothing of when it goes on.
 */
function watchPromises() {
  if (isWatching) return;
  isWatching = true;
  const { then } = Promise.prototype;
  const bound = (handler) => typeof handler === 'function' ? bind(handler) : handler;
  Object.defineProperty(Promise.prototype, 'then', {
    configurable: true,
    writable: true,
    value: { then(fulfilled, rejected) { return Reflect.apply(then, this, [bound(fulfilled), bound(rejected)]); } }.then,
  });
}

module.exports = { bind, current, enter, run, watchPromises, without, withValue };
