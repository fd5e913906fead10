// Node's `http2`: there is no HTTP here. It loads, and says so when it is called.

'use strict';

const { unavailableModule } = require('internal/errors');

module.exports = unavailableModule('http2', [
  'connect', 'createServer', 'createSecureServer', 'getDefaultSettings', 'getPackedSettings',
  'getUnpackedSettings', 'performServerHandshake', 'Http2ServerRequest', 'Http2ServerResponse',
], {
  constants: {},
  sensitiveHeaders: Symbol('sensitiveHeaders'),
});
