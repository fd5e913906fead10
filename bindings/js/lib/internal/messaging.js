// MessageChannel, within this program: there are no other threads.

'use strict';

const { Event, EventTarget, defineEventHandler } = require('internal/event_target');
const { structuredClone } = require('internal/structured_clone');
const { codes: { ERR_ILLEGAL_CONSTRUCTOR }, unavailable } = require('internal/errors');

const kCreate = Symbol('create');

class MessageEvent extends Event {
  #init;
  constructor(type, init = {}) {
    super(type, init);
    this.#init = init;
  }

  get data() { return this.#init.data ?? null; }
  get origin() { return this.#init.origin ?? ''; }
  get lastEventId() { return this.#init.lastEventId ?? ''; }
  get source() { return this.#init.source ?? null; }
  get ports() { return this.#init.ports ?? []; }
}

class MessagePort extends EventTarget {
  #other = null;
  #queue = [];
  #started = false;
  #closed = false;
  /** Keeps the program running while somebody listens. */
  #hold = null;

  constructor(key) {
    if (key !== kCreate) throw new ERR_ILLEGAL_CONSTRUCTOR();
    super();
  }

  static pair() {
    const [a, b] = [new MessagePort(kCreate), new MessagePort(kCreate)];
    a.#other = b;
    b.#other = a;
    return [a, b];
  }

  postMessage(message, transfer) {
    const other = this.#other;
    const data = structuredClone(message, Array.isArray(transfer) ? { transfer } : transfer);
    if (this.#closed || other === null || other.#closed) return;
    other.#queue.push(data);
    if (other.#started) setImmediate(() => other.#deliver());
  }

  #deliver() {
    if (this.#queue.length === 0 || !this.#started || this.#closed) return;
    this.dispatchEvent(new MessageEvent('message', { data: this.#queue.shift() }));
  }

  start() {
    if (this.#started || this.#closed) return;
    this.#started = true;
    this.ref();
    for (let i = 0; i < this.#queue.length; i++) setImmediate(() => this.#deliver());
  }

  close() {
    if (this.#closed) return;
    const other = this.#other;
    this.#end();
    other?.#end();
  }

  #end() {
    if (this.#closed) return;
    setImmediate(() => {
      while (this.#started && this.#queue.length > 0 && !this.#closed) this.#deliver();
      this.#closed = true;
      this.unref();
      this.dispatchEvent(new Event('close'));
    });
  }

  ref() {
    this.#hold ??= setInterval(() => {}, 2 ** 30);
    return this;
  }

  unref() {
    clearInterval(this.#hold);
    this.#hold = null;
    return this;
  }

  hasRef() {
    return this.#hold !== null;
  }

  on(name, listener) {
    const wrapped = (event) => listener(name === 'message' ? event.data : event);
    this.#listeners.set(listener, wrapped);
    this.addEventListener(name, wrapped);
    if (name === 'message') this.start();
    return this;
  }

  once(name, listener) {
    const wrapped = (event) => listener(name === 'message' ? event.data : event);
    this.#listeners.set(listener, wrapped);
    this.addEventListener(name, wrapped, { once: true });
    if (name === 'message') this.start();
    return this;
  }

  off(name, listener) {
    this.removeEventListener(name, this.#listeners.get(listener) ?? listener);
    return this;
  }

  #listeners = new WeakMap();
}
const { pair } = MessagePort;
delete MessagePort.pair;
MessagePort.prototype.addListener = MessagePort.prototype.on;
MessagePort.prototype.removeListener = MessagePort.prototype.off;
for (const name of ['message', 'messageerror', 'close']) defineEventHandler(MessagePort.prototype, name);
const { set, ...onmessage } = Object.getOwnPropertyDescriptor(MessagePort.prototype, 'onmessage');
Object.defineProperty(MessagePort.prototype, 'onmessage', {
  ...onmessage,
  set(listener) {
    Reflect.apply(set, this, [listener]);
    if (typeof listener === 'function') this.start();
    else this.unref();
  },
});

class MessageChannel {
  constructor() {
    [this.port1, this.port2] = pair();
  }
}

class BroadcastChannel {
  constructor() {
    throw unavailable('BroadcastChannel');
  }
}

module.exports = { BroadcastChannel, MessageChannel, MessageEvent, MessagePort };
