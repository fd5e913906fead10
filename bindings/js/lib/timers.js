// Node's `timers`.

'use strict';

const {
  clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout,
} = require('internal/timers');
const { promisify } = require('util');

for (const [fn, name] of [[setTimeout, 'setTimeout'], [setImmediate, 'setImmediate']]) {
  Object.defineProperty(fn, promisify.custom, {
    configurable: true,
    enumerable: true,
    get: () => require('timers/promises')[name],
  });
}

module.exports = {
  clearImmediate,
  clearInterval,
  clearTimeout,
  setImmediate,
  setInterval,
  setTimeout,
  get promises() { return require('timers/promises'); },
};
