// Timers and immediates, in Node's order.
//
// Timers of one duration are in one list, in the order of their start; lists are ordered by when their
// first timer is due.

'use strict';

const { now: clock } = binding.timers;
const { runTicks, turn } = require('internal/task_queue');
const context = require('internal/async_context');

const NEXT = 0;
const TIMERS = 1;
const IMMEDIATES = 2;
const HELD_IMMEDIATES = 3;
const TICKS = 4;
const LONGEST = 2 ** 31 - 1;

turn[NEXT] = Infinity;

/** Lists by their duration. */
const lists = new Map();
/** Lists as a heap, by their expiry, then by when they were made. */
const heap = [];
/** Timers by the number that they are converted to. */
const known = new Map();
let lastId = 0;
let lastList = 0;

function before(one, other) {
  return one.expiry !== other.expiry ? one.expiry < other.expiry : one.order < other.order;
}

function place(list, index) {
  heap[index] = list;
  list.index = index;
}

function up(list) {
  let { index } = list;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!before(list, heap[parent])) break;
    place(heap[parent], index);
    index = parent;
  }
  place(list, index);
}

function down(list) {
  let { index } = list;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child += 1;
    if (!before(heap[child], list)) break;
    place(heap[child], index);
    index = child;
  }
  place(list, index);
}

function removeList(list) {
  lists.delete(list.duration);
  const last = heap.pop();
  if (last !== list) {
    place(last, list.index);
    up(last);
    down(last);
  }
  list.index = -1;
}

function wake() {
  turn[NEXT] = heap.length > 0 ? heap[0].expiry : Infinity;
}

/** Puts a timer at the end of the list of its duration. */
function insert(timer, start) {
  const duration = timer._idleTimeout;
  let list = lists.get(duration);
  if (list === undefined) {
    lastList += 1;
    list = { duration, expiry: start + duration, first: null, index: heap.length, last: null, order: lastList };
    lists.set(duration, list);
    heap.push(list);
    up(list);
    wake();
  }
  timer._idleStart = start;
  timer._list = list;
  timer._idlePrev = list.last;
  timer._idleNext = null;
  if (list.last === null) list.first = timer;
  else list.last._idleNext = timer;
  list.last = timer;
}

/** Takes a timer out of its list. An empty list goes when it is due. */
function remove(timer) {
  const list = timer._list;
  if (list === null) return;
  if (timer._idlePrev === null) list.first = timer._idleNext;
  else timer._idlePrev._idleNext = timer._idleNext;
  if (timer._idleNext === null) list.last = timer._idlePrev;
  else timer._idleNext._idlePrev = timer._idlePrev;
  timer._idlePrev = null;
  timer._idleNext = null;
  timer._list = null;
  if (list.first === null && list !== running) {
    removeList(list);
    wake();
  }
}

/** The list whose timers run. */
let running = null;

class Timeout {
  constructor(callback, delay, args, repeats) {
    delay = delay === undefined ? 1 : Number(delay);
    if (!(delay >= 1 && delay <= LONGEST)) {
      if (delay > LONGEST) {
        process.emitWarning(`${delay} does not fit into a 32-bit signed integer.` +
          '\nTimeout duration was set to 1.', 'TimeoutOverflowWarning');
      } else if (delay < 0) {
        process.emitWarning(`${delay} is a negative number.` +
          '\nTimeout duration was set to 1.', 'TimeoutNegativeWarning');
      } else if (Number.isNaN(delay)) {
        process.emitWarning(`${delay} is not a number.` +
          '\nTimeout duration was set to 1.', 'TimeoutNaNWarning');
      }
      delay = 1;
    }
    this._idleTimeout = Math.trunc(delay);
    this._idlePrev = null;
    this._idleNext = null;
    this._idleStart = null;
    this._onTimeout = callback;
    this._timerArgs = args;
    this._repeat = repeats ? this._idleTimeout : null;
    this._destroyed = false;
    for (const [name, value] of [['_list', null], ['_refed', true], ['_id', 0], ['_context', context.current()]]) {
      Object.defineProperty(this, name, { configurable: true, enumerable: false, writable: true, value });
    }
    insert(this, clock());
    turn[TIMERS] += 1;
  }

  ref() {
    if (!this._refed) {
      this._refed = true;
      if (!this._destroyed) turn[TIMERS] += 1;
    }
    return this;
  }

  unref() {
    if (this._refed) {
      this._refed = false;
      if (!this._destroyed) turn[TIMERS] -= 1;
    }
    return this;
  }

  hasRef() {
    return this._refed;
  }

  refresh() {
    if (this._list !== null) remove(this);
    if (this._destroyed) {
      if (this._onTimeout === null) return this;
      this._destroyed = false;
      if (this._refed) turn[TIMERS] += 1;
    }
    insert(this, clock());
    return this;
  }

  close() {
    clearTimeout(this);
    return this;
  }

  [Symbol.toPrimitive]() {
    if (this._id === 0) {
      lastId += 1;
      this._id = lastId;
      if (!this._destroyed) known.set(this._id, this);
    }
    return this._id;
  }
}

function destroy(timer) {
  if (timer._destroyed) return;
  timer._destroyed = true;
  if (timer._id !== 0) known.delete(timer._id);
  if (timer._refed) turn[TIMERS] -= 1;
}

function checked(callback) {
  if (typeof callback !== 'function') {
    const { codes: { ERR_INVALID_ARG_TYPE } } = require('internal/errors');
    throw new ERR_INVALID_ARG_TYPE('callback', 'Function', callback);
  }
}

function setTimeout(callback, delay, ...args) {
  checked(callback);
  return new Timeout(callback, delay, args, false);
}

function setInterval(callback, delay, ...args) {
  checked(callback);
  return new Timeout(callback, delay, args, true);
}

function clearTimeout(timer) {
  if (typeof timer === 'number' || typeof timer === 'string') timer = known.get(Number(timer));
  if (!(timer instanceof Timeout)) return;
  timer._onTimeout = null;
  timer._repeat = null;
  remove(timer);
  destroy(timer);
}

function ticks() {
  if (turn[TICKS] > 0) runTicks();
  else binding.modules.runJobs();
  if (turn[TICKS] > 0) runTicks();
}

/** Runs what is due. */
function runTimers() {
  let now = clock();
  let ran = false;
  while (heap.length > 0 && heap[0].expiry <= now) {
    const list = heap[0];
    if (ran) ticks();
    now = runList(list, now);
    ran = true;
  }
  wake();
}

/** Runs what is due in a list, and gives the time after it. */
function runList(list, now) {
  let ran = false;
  running = list;
  for (let timer = list.first; timer !== null; timer = list.first) {
    const since = now - timer._idleStart;
    if (since < list.duration) {
      now = clock();
      if (now - timer._idleStart < list.duration) {
        running = null;
        list.expiry = Math.max(timer._idleStart + list.duration, now + 1);
        down(list);
        return now;
      }
    }
    if (ran) {
      ticks();
      // They may have cleared it.
      if (timer._list !== list) continue;
    }
    remove(timer);
    ran = runTimer(timer, now);
    now = clock();
  }
  running = null;
  if (list.first === null) removeList(list);
  return now;
}

/** Runs a timer. False if it has thrown: ticks then wait for the last one, as in Node. */
function runTimer(timer, start) {
  let ran = true;
  const outer = context.current();
  context.enter(timer._context);
  try {
    const args = timer._timerArgs;
    if (args.length === 0) timer._onTimeout();
    else timer._onTimeout(...args);
  } catch (error) {
    ran = false;
    require('internal/fatal').uncaught(error);
  }
  context.enter(outer);
  // It may have been started again, or stopped, by its callback.
  if (timer._repeat !== null && timer._list === null && !timer._destroyed) {
    timer._idleTimeout = timer._repeat;
    insert(timer, start);
  } else if (timer._list === null) {
    destroy(timer);
  }
  return ran;
}

/** Immediates: those that there are, and those that were made while these run. */
let immediates = [];

class Immediate {
  constructor(callback, args) {
    this._onImmediate = callback;
    this._argv = args;
    this._destroyed = false;
    for (const [name, value] of [['_refed', true], ['_context', context.current()]]) {
      Object.defineProperty(this, name, { configurable: true, enumerable: false, writable: true, value });
    }
    immediates.push(this);
    turn[IMMEDIATES] += 1;
    turn[HELD_IMMEDIATES] += 1;
  }

  ref() {
    if (!this._refed) {
      this._refed = true;
      if (!this._destroyed) turn[HELD_IMMEDIATES] += 1;
    }
    return this;
  }

  unref() {
    if (this._refed) {
      this._refed = false;
      if (!this._destroyed) turn[HELD_IMMEDIATES] -= 1;
    }
    return this;
  }

  hasRef() {
    return this._refed;
  }
}

function destroyImmediate(immediate) {
  immediate._destroyed = true;
  turn[IMMEDIATES] -= 1;
  if (immediate._refed) turn[HELD_IMMEDIATES] -= 1;
}

function setImmediate(callback, ...args) {
  checked(callback);
  return new Immediate(callback, args);
}

function clearImmediate(immediate) {
  if (!(immediate instanceof Immediate) || immediate._destroyed) return;
  destroyImmediate(immediate);
  immediate._onImmediate = null;
}

function runImmediates() {
  const now = immediates;
  immediates = [];
  let ran = false;
  for (const immediate of now) {
    if (immediate._destroyed) continue;
    if (ran) ticks();
    // They may have cleared it.
    if (immediate._destroyed) continue;
    ran = true;
    destroyImmediate(immediate);
    const outer = context.current();
    context.enter(immediate._context);
    try {
      immediate._onImmediate(...immediate._argv);
    } catch (error) {
      require('internal/fatal').uncaught(error);
    }
    context.enter(outer);
  }
}

for (const [Class, clear] of [[Timeout, clearTimeout], [Immediate, clearImmediate]]) {
  if (Symbol.dispose !== undefined) {
    Object.defineProperty(Class.prototype, Symbol.dispose, {
      configurable: true, writable: true, value() { clear(this); },
    });
  }
}

module.exports = {
  Immediate,
  Timeout,
  clearImmediate,
  clearInterval: clearTimeout,
  clearTimeout,
  runImmediates,
  runTimers,
  setImmediate,
  setInterval,
  setTimeout,
};
