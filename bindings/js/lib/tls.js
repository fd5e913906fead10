// Node's `tls`: there is no TLS here. It loads, and says so when it is called.

'use strict';

const { unavailableModule } = require('internal/errors');

module.exports = unavailableModule('tls', [
  'getCiphers', 'getCertificateCompressionAlgorithms', 'getCACertificates', 'setDefaultCACertificates',
  'convertALPNProtocols', 'checkServerIdentity', 'createSecureContext', 'SecureContext', 'TLSSocket', 'Server',
  'createServer', 'connect',
], {
  CLIENT_RENEG_LIMIT: 3,
  CLIENT_RENEG_WINDOW: 600,
  DEFAULT_CIPHERS: '',
  DEFAULT_ECDH_CURVE: 'auto',
  DEFAULT_MAX_VERSION: 'TLSv1.3',
  DEFAULT_MIN_VERSION: 'TLSv1.2',
  rootCertificates: Object.freeze([]),
});
