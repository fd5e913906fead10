// Node's `dns/promises`.

'use strict';

const dns = require('dns');

module.exports = {
  ...dns,
  lookup: (hostname, options) => new Promise((resolve, reject) => {
    dns.lookup(hostname, options ?? {}, (error, address, family) => {
      if (error) reject(error);
      else resolve(Array.isArray(address) ? address : { address, family });
    });
  }),
};
delete module.exports.promises;
