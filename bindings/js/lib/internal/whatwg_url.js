// URL and URLSearchParams, from npm, with Node's errors.

'use strict';

const { URL: Base, URLSearchParams } = require('npm/whatwg-url');
const { codes: { ERR_INVALID_URL } } = require('internal/errors');

const kInspect = Symbol.for('nodejs.util.inspect.custom');

/** npm's URL, which throws Node's error. */
const URL = new Proxy(Base, {
  construct(target, args, newTarget) {
    try {
      return Reflect.construct(target, args, newTarget);
    } catch (error) {
      if (args.length === 0 || !(error instanceof TypeError)) throw error;
      const invalid = new ERR_INVALID_URL();
      invalid.input = `${args[0]}`;
      if (args[1] !== undefined) invalid.base = `${args[1]}`;
      throw invalid;
    }
  },
});
Object.defineProperty(Base.prototype, 'constructor', { configurable: true, writable: true, value: URL });

Object.defineProperty(Base.prototype, kInspect, {
  configurable: true,
  value(depth, options, inspect) {
    if (depth < 0) return this.toString();
    const { href, origin, protocol, username, password, host, hostname, port, pathname, search, searchParams, hash } = this;
    return `URL ${inspect({
      href, origin, protocol, username, password, host, hostname, port, pathname, search, searchParams, hash,
    }, options)}`;
  },
});
Object.defineProperty(URLSearchParams.prototype, kInspect, {
  configurable: true,
  value(depth, options, inspect) {
    const entries = [...this].map(([name, value]) => `${inspect(name, options)} => ${inspect(value, options)}`);
    return `URLSearchParams {${entries.length > 0 ? ` ${entries.join(', ')} ` : ''}}`;
  },
});

module.exports = { URL, URLSearchParams };
