// Node's `async_hooks`: AsyncLocalStorage and AsyncResource. `createHook` observes nothing here.

'use strict';

const { codes: { ERR_ASYNC_TYPE, ERR_INVALID_ARG_TYPE }, unavailable } = require('internal/errors');
const { validateFunction, validateString } = require('internal/validators');
const context = require('internal/async_context');

let lastId = 1;

class AsyncResource {
  #context = context.current();
  #id = ++lastId;
  #trigger;

  constructor(type, options = {}) {
    validateString(type, 'type');
    if (type.length === 0) throw new ERR_ASYNC_TYPE(type);
    this.#trigger = typeof options === 'number' ? options : options?.triggerAsyncId ?? 1;
  }

  runInAsyncScope(fn, thisArg, ...args) {
    return context.run(this.#context, () => Reflect.apply(fn, thisArg, args));
  }

  emitDestroy() {
    return this;
  }

  asyncId() {
    return this.#id;
  }

  triggerAsyncId() {
    return this.#trigger;
  }

  bind(fn, thisArg) {
    validateFunction(fn, 'fn');
    const resource = this;
    const bound = function (...args) {
      return resource.runInAsyncScope(fn, thisArg === undefined ? this : thisArg, ...args);
    };
    Object.defineProperty(bound, 'length', { configurable: true, value: fn.length });
    return bound;
  }

  static bind(fn, type, thisArg) {
    return new AsyncResource(type || fn.name || 'bound-anonymous-fn').bind(fn, thisArg);
  }
}

class AsyncLocalStorage {
  #name;
  #default;

  constructor(options = {}) {
    if (options === null || typeof options !== 'object') throw new ERR_INVALID_ARG_TYPE('options', 'Object', options);
    this.#default = options.defaultValue;
    context.watchPromises();
    if (options.name !== undefined) this.#name = `${options.name}`;
  }

  get name() {
    return this.#name ?? '';
  }

  static bind(fn) {
    return AsyncResource.bind(fn);
  }

  static snapshot() {
    const captured = context.current();
    return (fn, ...args) => context.run(captured, () => fn(...args));
  }

  run(store, fn, ...args) {
    return context.run(context.withValue(this, store), () => Reflect.apply(fn, null, args));
  }

  exit(fn, ...args) {
    return this.run(undefined, fn, ...args);
  }

  enterWith(store) {
    context.enter(context.withValue(this, store));
  }

  disable() {
    context.enter(context.without(this));
  }

  getStore() {
    const values = context.current();
    return values?.has(this) ? values.get(this) : this.#default;
  }
}

module.exports = {
  AsyncLocalStorage,
  AsyncResource,
  asyncWrapProviders: Object.freeze({ __proto__: null }),
  createHook() { throw unavailable('async_hooks.createHook'); },
  executionAsyncId: () => 1,
  executionAsyncResource: () => ({}),
  triggerAsyncId: () => 0,
};
