// Node's `dgram`: there is no UDP here. It loads, and says so when it is called.

'use strict';

const { unavailableModule } = require('internal/errors');

module.exports = unavailableModule('dgram', [
  'createSocket', 'Socket',
]);
