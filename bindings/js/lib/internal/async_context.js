// What AsyncLocalStorage knows at a moment: a map of values that is never changed, but replaced.
//
// Timers, `nextTick`, microtasks and promises take it along from where they were made.

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

module.exports = { bind, current, enter, run, without, withValue };
