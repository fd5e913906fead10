// Node's `timers/promises`.

'use strict';

const timers = require('internal/timers');
const { AbortError, codes: { ERR_ILLEGAL_CONSTRUCTOR } } = require('internal/errors');
const { validateAbortSignal, validateBoolean, validateNumber, validateObject } = require('internal/validators');

function check(options) {
  validateObject(options, 'options');
  const { signal, ref } = options;
  if (signal !== undefined) validateAbortSignal(signal, 'options.signal');
  if (ref !== undefined) validateBoolean(ref, 'options.ref');
}

/** A promise for what `start(resolve)` starts and `stop(started)` stops. */
function after(options, start, stop) {
  const { signal, ref = true } = options;
  if (signal?.aborted) return Promise.reject(new AbortError(undefined, { cause: signal.reason }));
  return new Promise((resolve, reject) => {
    const started = start(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    if (!ref) started.unref();
    function abort() {
      stop(started);
      reject(new AbortError(undefined, { cause: signal.reason }));
    }
    signal?.addEventListener('abort', abort, { once: true });
  });
}

function setTimeout(delay, value, options = {}) {
  try {
    if (delay !== undefined) validateNumber(delay, 'delay');
    check(options);
  } catch (error) {
    return Promise.reject(error);
  }
  return after(options, (done) => timers.setTimeout(done, delay), timers.clearTimeout).then(() => value);
}

function setImmediate(value, options = {}) {
  try {
    check(options);
  } catch (error) {
    return Promise.reject(error);
  }
  return after(options, timers.setImmediate, timers.clearImmediate).then(() => value);
}

async function* setInterval(delay, value, options = {}) {
  if (delay !== undefined) validateNumber(delay, 'delay');
  check(options);
  const { signal, ref = true } = options;
  if (signal?.aborted) throw new AbortError(undefined, { cause: signal.reason });
  let due = 0;
  let wake;
  const interval = timers.setInterval(() => {
    due += 1;
    wake?.();
  }, delay);
  if (!ref) interval.unref();
  const abort = () => {
    timers.clearInterval(interval);
    wake?.();
  };
  signal?.addEventListener('abort', abort, { once: true });
  try {
    while (!signal?.aborted) {
      if (due === 0) await new Promise((resolve) => { wake = resolve; });
      for (; due > 0; due -= 1) yield value;
    }
    throw new AbortError(undefined, { cause: signal.reason });
  } finally {
    timers.clearInterval(interval);
    signal?.removeEventListener('abort', abort);
  }
}

class Scheduler {
  constructor() {
    throw new ERR_ILLEGAL_CONSTRUCTOR();
  }

  yield() {
    return setImmediate();
  }

  wait(delay, options) {
    return setTimeout(delay, undefined, options);
  }
}

module.exports = { scheduler: Object.create(Scheduler.prototype), setImmediate, setInterval, setTimeout };
