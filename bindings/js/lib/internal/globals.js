// The globals of Node that are no part of JavaScript. Those that are large are loaded at their first use.

'use strict';

for (const [name, key] of [['dispose', 'nodejs.dispose'], ['asyncDispose', 'nodejs.asyncDispose']]) {
  if (Symbol[name] === undefined) Object.defineProperty(Symbol, name, { value: Symbol.for(key) });
}

const { performance } = require('internal/performance');

function define(name, value) {
  Object.defineProperty(globalThis, name, { configurable: true, enumerable: false, writable: true, value });
}

/** A global whose module is loaded when somebody asks for it. */
function later(module, names, enumerable = false) {
  for (const name of names) {
    Object.defineProperty(globalThis, name, {
      configurable: true,
      enumerable,
      get() {
        const value = require(module)[name];
        define(name, value);
        return value;
      },
      set(value) {
        define(name, value);
      },
    });
  }
}

define('performance', performance);
later('buffer', ['Buffer', 'Blob', 'File', 'atob', 'btoa']);
later('internal/event_target', ['CustomEvent', 'Event', 'EventTarget']);
later('internal/abort_controller', ['AbortController', 'AbortSignal']);
later('internal/dom_exception', ['DOMException']);
later('internal/encoding', ['TextDecoder', 'TextEncoder']);
later('internal/whatwg_url', ['URL', 'URLSearchParams']);
later('internal/structured_clone', ['structuredClone']);
later('internal/messaging', ['BroadcastChannel', 'MessageChannel', 'MessageEvent', 'MessagePort']);
later('stream/web', [
  'ByteLengthQueuingStrategy', 'CountQueuingStrategy', 'ReadableByteStreamController', 'ReadableStream',
  'ReadableStreamBYOBReader', 'ReadableStreamBYOBRequest', 'ReadableStreamDefaultController',
  'ReadableStreamDefaultReader', 'TransformStream', 'TransformStreamDefaultController', 'WritableStream',
  'WritableStreamDefaultController', 'WritableStreamDefaultWriter',
]);
later('internal/webcrypto', ['Crypto', 'CryptoKey', 'SubtleCrypto', 'crypto']);
later('internal/performance', ['PerformanceEntry', 'PerformanceMark', 'PerformanceMeasure']);

define('fetch', async function fetch() {
  throw require('internal/errors').unavailable('fetch');
});

define('navigator', Object.freeze({
  hardwareConcurrency: 1,
  language: 'en-US',
  languages: Object.freeze(['en-US']),
  platform: process.platform,
  userAgent: `Node.js/${process.versions.node.split('.')[0]}`,
}));
