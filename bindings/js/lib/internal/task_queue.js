// `process.nextTick`, microtasks and rejections without a handler.

'use strict';

const { modules: native } = binding;
const context = require('internal/async_context');

/** What the event loop reads: see `Turn` in src/engine.rs. */
const turn = new Float64Array(binding.turn);
const TICKS = 4;

/** Ticks, as a ring of chunks would be: a list with a head that moves. */
let queue = [];
let head = 0;

class Tick {
  constructor(callback, args) {
    this.callback = callback;
    this.args = args;
    this.context = context.current();
  }
}

function nextTick(callback, ...args) {
  if (typeof callback !== 'function') {
    const { codes: { ERR_INVALID_ARG_TYPE } } = require('internal/errors');
    throw new ERR_INVALID_ARG_TYPE('callback', 'Function', callback);
  }
  queue.push(new Tick(callback, args));
  turn[TICKS] = 1;
}

/**
 * All ticks, then all microtasks, until there are none; then rejections.
 *
 * After an error that was caught by `uncaughtException` the rest comes after the next callback of the loop,
 * which an immediate sees to, as in Node.
 */
function runTicks() {
  do {
    while (head < queue.length) {
      const tick = queue[head];
      queue[head] = undefined;
      head += 1;
      if (head === 1024) {
        queue = queue.slice(head);
        head = 0;
      }
      const before = context.current();
      context.enter(tick.context);
      try {
        const { args, callback } = tick;
        if (args.length === 0) callback();
        else callback(...args);
      } catch (error) {
        context.enter(before);
        require('internal/fatal').uncaught(error);
        require('internal/timers').setImmediate(() => {});
        return;
      }
      context.enter(before);
    }
    queue.length = 0;
    head = 0;
    native.runJobs();
  } while (queue.length > 0 || processRejections());
  turn[TICKS] = 0;
}

function queueMicrotask(callback) {
  if (typeof callback !== 'function') {
    const { codes: { ERR_INVALID_ARG_TYPE } } = require('internal/errors');
    throw new ERR_INVALID_ARG_TYPE('callback', 'Function', callback);
  }
  const bound = context.bind(callback);
  resolved.then(() => {
    try {
      bound();
    } catch (error) {
      require('internal/fatal').uncaught(error);
    }
  });
}

const resolved = Promise.resolve();

/** Promises that were rejected without a handler since rejections were last looked at. */
let rejected = new Map();
/** Those that the program was told of. */
const told = new WeakMap();
/** Those of them that got a handler since. */
let handledLater = [];
let lastId = 0;

/** Called by QuickJS when a promise is rejected without a handler, and when it gets one. */
function rejection(promise, reason, handled) {
  if (handled) {
    if (rejected.delete(promise)) return;
    if (told.has(promise)) handledLater.push(promise);
    else return;
  } else {
    lastId += 1;
    rejected.set(promise, { id: lastId, reason });
  }
  turn[TICKS] = 1;
}

/** Tells of rejections. True if there may be more to do. */
function processRejections() {
  let more = false;
  for (const promise of handledLater.splice(0)) {
    const { id } = told.get(promise);
    told.delete(promise);
    more = true;
    process.emit('rejectionHandled', promise);
    void id;
  }
  const now = rejected;
  rejected = new Map();
  for (const [promise, { id, reason }] of now) {
    more = true;
    told.set(promise, { id });
    try {
      unhandled(promise, reason, id);
    } catch (error) {
      require('internal/fatal').uncaught(error, 'unhandledRejection');
    }
  }
  return more || queue.length > 0;
}

/** Node's mode `throw`: an error, unless somebody hears the event. */
function unhandled(promise, reason, id) {
  void id;
  if (process.emit('unhandledRejection', reason, promise)) return;
  const isError = require('internal/fatal').isError(reason);
  const error = isError ? reason : rejectionError(reason);
  require('internal/fatal').uncaught(error, 'unhandledRejection');
}

function rejectionError(reason) {
  let text;
  try {
    text = typeof reason === 'string' ? reason : require('internal/inspect').inspect(reason);
  } catch {
    text = String(reason);
  }
  const error = new Error(
    'This error originated either by throwing inside of an async function without a catch block, or by ' +
    'rejecting a promise which was not handled with .catch(). The promise rejected with the reason ' +
    `"${text}".`);
  Object.defineProperty(error, 'name', { value: 'UnhandledPromiseRejection', configurable: true, writable: true });
  Error.captureStackTrace(error, rejectionError);
  error.code = 'ERR_UNHANDLED_REJECTION';
  return error;
}

module.exports = { nextTick, queueMicrotask, rejection, runTicks, turn };
