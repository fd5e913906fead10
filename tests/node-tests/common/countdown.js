// Calls back when it has been told so often.

'use strict';

const assert = require('assert');
const { mustCall } = require('./index');

const kLimit = Symbol('limit');

class Countdown {
  #callback;

  constructor(limit, callback) {
    assert.strictEqual(typeof limit, 'number');
    assert.strictEqual(typeof callback, 'function');
    this[kLimit] = limit;
    this.#callback = mustCall(callback);
  }

  dec() {
    assert(this[kLimit] > 0, 'Countdown expired');
    this[kLimit] -= 1;
    if (this[kLimit] === 0) this.#callback();
    return this[kLimit];
  }

  get remaining() {
    return this[kLimit];
  }
}

module.exports = Countdown;
