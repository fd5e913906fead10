// Event, CustomEvent and EventTarget, as Node has them.

'use strict';

const { codes: {
  ERR_EVENT_RECURSION, ERR_INVALID_ARG_TYPE, ERR_INVALID_THIS, ERR_MISSING_ARGS,
} } = require('internal/errors');
const { validateAbortSignal, validateObject } = require('internal/validators');
const EventEmitter = require('events');

const kIsEventTarget = Symbol.for('nodejs.event_target');
const kTarget = Symbol('target');
const kStop = Symbol('stop');
const kDispatching = Symbol('dispatching');
const kListeners = Symbol('listeners');
const kHandlers = Symbol('handlers');
const kInspect = Symbol.for('nodejs.util.inspect.custom');

class Event {
  #type;
  #cancelable;
  #bubbles;
  #composed;
  #prevented = false;
  #propagates = true;
  #timestamp = performance.now();
  #passive = false;
  [kTarget] = null;
  [kStop] = false;
  [kDispatching] = false;

  constructor(type, options = undefined) {
    if (arguments.length === 0) throw new ERR_MISSING_ARGS('type');
    if (options != null) validateObject(options, 'options');
    this.#type = `${type}`;
    this.#cancelable = Boolean(options?.cancelable);
    this.#bubbles = Boolean(options?.bubbles);
    this.#composed = Boolean(options?.composed);
  }

  initEvent(type, bubbles = false, cancelable = false) {
    if (arguments.length === 0) throw new ERR_MISSING_ARGS('type');
    if (this[kDispatching]) return;
    this.#type = `${type}`;
    this.#bubbles = Boolean(bubbles);
    this.#cancelable = Boolean(cancelable);
  }

  stopImmediatePropagation() {
    this.#propagates = false;
    this[kStop] = true;
  }

  preventDefault() {
    if (this.#cancelable) this.#prevented = true;
  }

  stopPropagation() {
    this.#propagates = false;
  }

  composedPath() {
    return this[kDispatching] ? [this[kTarget]] : [];
  }

  get target() { return this[kTarget]; }
  get currentTarget() { return this[kDispatching] ? this[kTarget] : null; }
  get srcElement() { return this[kTarget]; }
  get type() {
    if (!(#type in this)) throw new ERR_INVALID_THIS('Event');
    return this.#type;
  }

  get cancelable() { return this.#cancelable; }
  get defaultPrevented() { return this.#cancelable && this.#prevented; }
  get timeStamp() { return this.#timestamp; }
  get returnValue() { return !this.#cancelable || !this.#prevented; }
  set returnValue(value) { if (!value) this.preventDefault(); }
  get bubbles() { return this.#bubbles; }
  get composed() { return this.#composed; }
  get eventPhase() { return this[kDispatching] ? Event.AT_TARGET : Event.NONE; }
  get cancelBubble() { return !this.#propagates; }
  set cancelBubble(value) { if (value) this.#propagates = false; }
  get isTrusted() { return false; }

  [kInspect](depth, options, inspect) {
    const name = this.constructor.name;
    if (depth < 0) return name;
    const inner = { ...options, depth: Number.isInteger(options.depth) ? options.depth - 1 : options.depth };
    return `${name} ${inspect({
      type: this.type,
      defaultPrevented: this.defaultPrevented,
      cancelable: this.cancelable,
      timeStamp: this.timeStamp,
    }, inner)}`;
  }

  static NONE = 0;
  static CAPTURING_PHASE = 1;
  static AT_TARGET = 2;
  static BUBBLING_PHASE = 3;
}

class CustomEvent extends Event {
  #detail;
  constructor(type, options = undefined) {
    if (arguments.length === 0) throw new ERR_MISSING_ARGS('type');
    super(type, options);
    this.#detail = options?.detail ?? null;
  }

  get detail() { return this.#detail; }
}

/** The function of a listener, or undefined if it is none. */
function functionOf(listener) {
  if (typeof listener === 'function') return listener;
  if (listener !== null && typeof listener === 'object') {
    return (event) => listener.handleEvent?.(event);
  }
  return undefined;
}

function checkThis(target) {
  if (!isEventTarget(target)) throw new ERR_INVALID_THIS('EventTarget');
}

class EventTarget {
  [kListeners] = new Map();

  addEventListener(type, listener, options = undefined) {
    checkThis(this);
    if (arguments.length < 2) throw new ERR_MISSING_ARGS('type', 'listener');
    if (typeof options === 'boolean') options = { capture: options };
    else if (options != null) validateObject(options, 'options', { allowArray: true, allowFunction: true });
    const { once = false, capture = false, passive = false, signal } = options ?? {};
    if (signal !== undefined) validateAbortSignal(signal, 'options.signal');
    if (listener == null) {
      if (listener === undefined || listener === null) {
        process.emitWarning(`addEventListener called with ${listener} which has no effect.`, 'AddEventListenerArgumentTypeWarning');
      }
      return;
    }
    const run = functionOf(listener);
    if (run === undefined) throw new ERR_INVALID_ARG_TYPE('listener', 'EventListener', listener);
    if (signal?.aborted) return;
    type = `${type}`;
    let list = this[kListeners].get(type);
    if (list === undefined) this[kListeners].set(type, list = []);
    if (list.some((one) => one.listener === listener && one.capture === Boolean(capture))) return;
    const entry = { listener, run, once: Boolean(once), capture: Boolean(capture), passive: Boolean(passive), removed: false };
    list.push(entry);
    signal?.addEventListener('abort', () => this.removeEventListener(type, listener, { capture }), { once: true });
    warnOfLeak(this, type, list);
  }

  removeEventListener(type, listener, options = undefined) {
    checkThis(this);
    if (arguments.length < 2) throw new ERR_MISSING_ARGS('type', 'listener');
    if (listener == null) return;
    type = `${type}`;
    const capture = Boolean(typeof options === 'boolean' ? options : options?.capture);
    const list = this[kListeners].get(type);
    const at = list?.findIndex((one) => one.listener === listener && one.capture === capture) ?? -1;
    if (at < 0) return;
    list[at].removed = true;
    list.splice(at, 1);
    if (list.length === 0) this[kListeners].delete(type);
  }

  dispatchEvent(event) {
    checkThis(this);
    if (arguments.length < 1) throw new ERR_MISSING_ARGS('event');
    if (!(event instanceof Event)) throw new ERR_INVALID_ARG_TYPE('event', 'Event', event);
    if (event[kDispatching]) throw new ERR_EVENT_RECURSION(event.type);
    event[kTarget] = this;
    event[kDispatching] = true;
    for (const entry of [...this[kListeners].get(event.type) ?? []]) {
      if (entry.removed) continue;
      if (entry.once) this.removeEventListener(event.type, entry.listener, { capture: entry.capture });
      try {
        const result = Reflect.apply(entry.run, this, [event]);
        if (typeof result?.then === 'function') result.then(undefined, report);
      } catch (error) {
        report(error);
      }
      if (event[kStop]) break;
    }
    event[kDispatching] = false;
    return !event.defaultPrevented;
  }

  [kInspect](depth, options, inspect) {
    const name = this.constructor.name;
    if (depth < 0) return name;
    const inner = { ...options, depth: Number.isInteger(options.depth) ? options.depth - 1 : options.depth };
    return `${name} ${inspect({}, inner)}`;
  }
}
EventTarget.prototype[kIsEventTarget] = true;
Object.defineProperty(EventTarget.prototype, kIsEventTarget, { enumerable: false });

function warnOfLeak(target, type, list) {
  const max = target[EventEmitter.kMaxEventTargetListeners] ?? EventEmitter.defaultMaxListeners;
  if (max === 0 || list.length <= max || target[EventEmitter.kMaxEventTargetListenersWarned]) return;
  target[EventEmitter.kMaxEventTargetListenersWarned] = true;
  const { inspect } = require('internal/inspect');
  const warning = new Error('Possible EventTarget memory leak detected. ' +
    `${list.length} ${type} listeners added to ${inspect(target, { depth: -1 })}. MaxListeners is ${max}. ` +
    'Use events.setMaxListeners() to increase limit');
  warning.name = 'MaxListenersExceededWarning';
  warning.target = target;
  warning.type = type;
  warning.count = list.length;
  process.emitWarning(warning);
}

/** An error of a listener is an uncaught exception: the others are called nevertheless. */
function report(error) {
  process.nextTick(() => { throw error; });
}

for (const [Class, names] of [
  [Event, ['type', 'target', 'currentTarget', 'srcElement', 'composedPath', 'stopPropagation', 'cancelBubble',
    'stopImmediatePropagation', 'bubbles', 'cancelable', 'returnValue', 'preventDefault', 'defaultPrevented',
    'composed', 'timeStamp', 'eventPhase', 'initEvent']],
  [CustomEvent, ['detail']],
  [EventTarget, ['addEventListener', 'removeEventListener', 'dispatchEvent']],
]) {
  for (const name of names) Object.defineProperty(Class.prototype, name, { enumerable: true });
  Object.defineProperty(Class.prototype, Symbol.toStringTag, { configurable: true, value: Class.name });
}

function isEventTarget(value) {
  return value?.constructor !== undefined && value[kIsEventTarget] === true;
}

function listenersOf(target, type) {
  return (target[kListeners].get(`${type}`) ?? []).map((entry) => entry.listener);
}

/** The property `onNAME`. */
function defineEventHandler(prototype, name) {
  Object.defineProperty(prototype, `on${name}`, {
    configurable: true,
    enumerable: true,
    get() {
      return this[kHandlers]?.[name]?.listener ?? null;
    },
    set(listener) {
      const handlers = this[kHandlers] ??= {};
      if (handlers[name]) this.removeEventListener(name, handlers[name].run);
      handlers[name] = undefined;
      if (typeof listener !== 'function') return;
      const run = (event) => Reflect.apply(listener, this, [event]);
      handlers[name] = { listener, run };
      this.addEventListener(name, run);
    },
  });
}

module.exports = { CustomEvent, Event, EventTarget, defineEventHandler, isEventTarget, listenersOf };
