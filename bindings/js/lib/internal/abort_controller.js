// AbortController and AbortSignal.

'use strict';

const { codes: { ERR_ILLEGAL_CONSTRUCTOR, ERR_INVALID_ARG_TYPE, ERR_INVALID_THIS } } = require('internal/errors');
const { validateUint32 } = require('internal/validators');
const { Event, EventTarget, defineEventHandler } = require('internal/event_target');
const { DOMException } = require('internal/dom_exception');

const kCreate = Symbol('create');

class AbortSignal extends EventTarget {
  #aborted = false;
  #reason;
  #dependents = new Set();

  constructor(key) {
    if (key !== kCreate) throw new ERR_ILLEGAL_CONSTRUCTOR();
    super();
  }

  get aborted() {
    if (!(#aborted in this)) throw new ERR_INVALID_THIS('AbortSignal');
    return this.#aborted;
  }

  get reason() {
    if (!(#aborted in this)) throw new ERR_INVALID_THIS('AbortSignal');
    return this.#reason;
  }

  throwIfAborted() {
    if (this.aborted) throw this.#reason;
  }

  static abort(reason = new DOMException('This operation was aborted', 'AbortError')) {
    const signal = new AbortSignal(kCreate);
    signal.#aborted = true;
    signal.#reason = reason;
    return signal;
  }

  static timeout(delay) {
    validateUint32(delay, 'delay', false);
    const signal = new AbortSignal(kCreate);
    const timer = setTimeout(() => {
      signal.#abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
    }, delay);
    timer.unref?.();
    return signal;
  }

  static any(signals) {
    if (signals == null || typeof signals[Symbol.iterator] !== 'function') {
      throw new ERR_INVALID_ARG_TYPE('signals', 'Iterable', signals);
    }
    const all = [...signals];
    all.forEach((one, index) => {
      if (!(one instanceof AbortSignal)) throw new ERR_INVALID_ARG_TYPE(`signals[${index}]`, 'AbortSignal', one);
    });
    const aborted = all.find((one) => one.aborted);
    if (aborted) return AbortSignal.abort(aborted.reason);
    const signal = new AbortSignal(kCreate);
    for (const one of all) one.#dependents.add(signal);
    return signal;
  }

  #abort(reason) {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    const dependents = [...this.#dependents];
    this.#dependents.clear();
    this.dispatchEvent(new Event('abort'));
    for (const signal of dependents) signal.#abort(reason);
  }

  static abortBy(signal, reason) {
    signal.#abort(reason);
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    return `AbortSignal ${inspect({ aborted: this.aborted }, { ...options, depth: null })}`;
  }
}

const { abortBy } = AbortSignal;
delete AbortSignal.abortBy;
defineEventHandler(AbortSignal.prototype, 'abort');

class AbortController {
  #signal = new AbortSignal(kCreate);

  get signal() {
    if (!(#signal in this)) throw new ERR_INVALID_THIS('AbortController');
    return this.#signal;
  }

  abort(reason = new DOMException('This operation was aborted', 'AbortError')) {
    if (!(#signal in this)) throw new ERR_INVALID_THIS('AbortController');
    abortBy(this.#signal, reason);
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    return `AbortController ${inspect({ signal: this.signal }, { ...options, depth: null })}`;
  }
}

for (const Class of [AbortController, AbortSignal]) {
  Object.defineProperty(Class.prototype, Symbol.toStringTag, { configurable: true, value: Class.name });
}
for (const name of ['signal', 'abort']) {
  Object.defineProperty(AbortController.prototype, name, { enumerable: true });
}
for (const name of ['aborted', 'reason', 'throwIfAborted']) {
  Object.defineProperty(AbortSignal.prototype, name, { enumerable: true });
}

module.exports = { AbortController, AbortSignal };
