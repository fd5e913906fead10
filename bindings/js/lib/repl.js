// Node's `repl`: there is none. It loads, and says so when it is called.

'use strict';

const { unavailableModule } = require('internal/errors');

module.exports = unavailableModule('repl', [
  'start', 'writer', 'REPLServer', 'Recoverable', 'isValidSyntax',
]);
