// Node's `url`: the WHATWG URL and the older `url.parse`, both from npm.

'use strict';

const { codes: {
  ERR_INVALID_ARG_TYPE, ERR_INVALID_FILE_URL_HOST, ERR_INVALID_FILE_URL_PATH, ERR_INVALID_URL_SCHEME,
}, unavailable } = require('internal/errors');
const { validateString } = require('internal/validators');

/** Loaded when they are used: their tables are large. */
let whatwg;
let legacy;
const whatwgUrl = () => (whatwg ??= require('internal/whatwg_url'));
const legacyUrl = () => (legacy ??= require('npm/url'));

function fileURLToPath(path) {
  if (typeof path === 'string') path = new (whatwgUrl().URL)(path);
  else if (path === null || typeof path !== 'object' || typeof path.href !== 'string' || typeof path.protocol !== 'string') {
    throw new ERR_INVALID_ARG_TYPE('path', ['string', 'URL'], path);
  }
  if (path.protocol !== 'file:') throw new ERR_INVALID_URL_SCHEME('file');
  if (path.hostname !== '') throw new ERR_INVALID_FILE_URL_HOST(process.platform);
  if (/%2f/i.test(path.pathname)) throw new ERR_INVALID_FILE_URL_PATH('must not include encoded / characters');
  return decodeURIComponent(path.pathname);
}

function pathToFileURL(path) {
  validateString(path, 'path');
  const { resolve } = require('path');
  const whole = resolve(path) + (path.endsWith('/') && path !== '/' ? '/' : '');
  const escaped = whole.replace(/[%\\\n\r\t?#]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
  return new (whatwgUrl().URL)(`file://${escaped}`);
}

function urlToHttpOptions(url) {
  const { hash, hostname, href, password, pathname, port, protocol, search, username } = url;
  const options = {
    ...url,
    protocol,
    hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    hash,
    search,
    pathname,
    path: `${pathname || ''}${search || ''}`,
    href,
  };
  if (port !== '') options.port = Number(port);
  if (username || password) options.auth = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return options;
}

module.exports = {
  get URL() { return whatwgUrl().URL; },
  get URLSearchParams() { return whatwgUrl().URLSearchParams; },
  Url: function Url(...args) { return new (legacyUrl().Url)(...args); },
  URLPattern: function URLPattern() { throw unavailable('url.URLPattern'); },
  domainToASCII(domain) {
    return new (whatwgUrl().URL)(`http://${domain}`).hostname;
  },
  domainToUnicode() { throw unavailable('url.domainToUnicode'); },
  fileURLToPath,
  format(value, options) {
    if (value instanceof whatwgUrl().URL) {
      const { fragment = true, search = true, auth = true } = options ?? {};
      const copy = new (whatwgUrl().URL)(value.href);
      if (!fragment) copy.hash = '';
      if (!search) copy.search = '';
      if (!auth) copy.username = copy.password = '';
      return copy.href;
    }
    return legacyUrl().format(value);
  },
  parse: (...args) => legacyUrl().parse(...args),
  pathToFileURL,
  resolve: (...args) => legacyUrl().resolve(...args),
  resolveObject: (...args) => legacyUrl().resolveObject(...args),
  urlToHttpOptions,
};
