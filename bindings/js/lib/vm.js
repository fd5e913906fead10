// Node's `vm`: there are no other contexts here. It loads, and says so when it is called.

'use strict';

const { unavailableModule } = require('internal/errors');

module.exports = unavailableModule('vm', [
  'Script', 'createContext', 'createScript', 'runInContext', 'runInNewContext', 'runInThisContext',
  'isContext', 'compileFunction', 'measureMemory',
], { constants: {} });
