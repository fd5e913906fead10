// Node's `https`: there is no HTTP here. It loads, and says so when it is called.

'use strict';

const { unavailableModule } = require('internal/errors');

const { Agent } = require('internal/agent');

module.exports = unavailableModule('https', [
  'Server', 'createServer', 'get', 'request',
], {
  Agent,
  globalAgent: new Agent(),
});
