// Node's `inspector`: there is none. It loads, and says so when it is called.

'use strict';

const { unavailableModule } = require('internal/errors');

module.exports = unavailableModule('inspector', [
  'open', 'close', 'url', 'waitForDebugger', 'Session',
]);
