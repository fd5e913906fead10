// Node's `readline/promises`.

'use strict';

const { Interface: Base } = require('readline');
const { AbortError, unavailable } = require('internal/errors');

class Interface extends Base {
  question(query, options = {}) {
    return new Promise((resolve, reject) => {
      const { signal } = options;
      if (signal?.aborted) {
        reject(new AbortError(undefined, { cause: signal.reason }));
        return;
      }
      signal?.addEventListener('abort', () => reject(new AbortError(undefined, { cause: signal.reason })), { once: true });
      super.question(query, options, resolve);
    });
  }
}

module.exports = {
  Interface,
  Readline: class Readline {
    constructor() { throw unavailable('readline.Readline'); }
  },
  createInterface: (input, output) => new Interface(input, output),
};
