// Names of the Internet, which tests here only resolve by functions of their own.

'use strict';

module.exports = {
  addresses: {
    INET_HOST: 'nodejs.org',
    INET4_HOST: 'nodejs.org',
    INET6_HOST: 'nodejs.org',
    INET4_IP: '8.8.8.8',
    INET6_IP: '2001:4860:4860::8888',
    INVALID_HOST: 'something.invalid',
    NOT_FOUND: 'come.on.fhqwhgads.test',
  },
};
