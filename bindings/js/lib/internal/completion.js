// Operations of native code that complete later.

'use strict';

const context = require('internal/async_context');
const waiting = new Map();
let last = 0;

/** Starts an operation, `begin(number, ...args)`, and calls `callback` with what comes of it. */
function start(begin, callback, ...args) {
  last += 1;
  waiting.set(last, context.bind(callback));
  begin(last, ...args);
}

/** Called by the event loop. */
function completed(number, outcome) {
  const callback = waiting.get(number);
  waiting.delete(number);
  try {
    callback(outcome);
  } catch (error) {
    require('internal/fatal').uncaught(error);
  }
}

module.exports = { completed, start };
