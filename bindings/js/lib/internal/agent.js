// An agent of HTTP has its options alone: many packages make one when they are loaded.

'use strict';

const EventEmitter = require('events');
const { unavailable } = require('internal/errors');

class Agent extends EventEmitter {
  constructor(options = {}) {
    super();
    this.options = { __proto__: null, ...options };
    this.keepAlive = Boolean(options.keepAlive);
    this.maxSockets = options.maxSockets ?? Infinity;
    this.maxFreeSockets = options.maxFreeSockets ?? 256;
    this.maxTotalSockets = options.maxTotalSockets ?? Infinity;
    this.requests = { __proto__: null };
    this.sockets = { __proto__: null };
    this.freeSockets = { __proto__: null };
  }

  addRequest() {
    throw unavailable('http.Agent');
  }

  createConnection() {
    throw unavailable('http.Agent');
  }

  destroy() {}
}

module.exports = { Agent };
