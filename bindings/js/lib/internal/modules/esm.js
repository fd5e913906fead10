// ES modules: names, formats, and what QuickJS gets for each.

'use strict';

const { fs: files, modules: native } = binding;
const builtins = require('internal/builtins');
const fatal = require('internal/fatal');
const path = require('path');
const { Module, builtinName, nodeError, packageError, read } = require('internal/modules/cjs');
const { pathToFileURL, fileURLToPath } = require('url');

/** The nearest package.json of a file, by its folder. */
const packages = new Map();

function packageOf(file) {
  const folder = path.dirname(file);
  if (packages.has(folder)) return packages.get(folder);
  let found;
  const candidate = path.join(folder, 'package.json');
  if (files.kind(candidate) === 0) {
    let data = {};
    try {
      data = JSON.parse(read(candidate));
    } catch (error) {
      throw Object.assign(new Error(`Invalid package config ${candidate}. ${error.message}`),
        { code: 'ERR_INVALID_PACKAGE_CONFIG' });
    }
    found = { data, file: candidate };
  } else if (folder !== path.dirname(folder) && path.basename(folder) !== 'node_modules') {
    found = packageOf(folder);
  }
  packages.set(folder, found);
  return found;
}

/** What only an ES module has. */
const moduleSyntax = /^[ \t]*(?:import(?:[ \t]*[\w{*\"'$]|\.meta)|export[ \t]*(?:[{*]|default\b|const\b|let\b|var\b|function\b|class\b|async\b))|\bimport\.meta\b/m;

/** `module`, `commonjs` or `json`, for a file. */
function formatOf(file, content) {
  const extension = path.extname(file);
  if (extension === '.mjs') return 'module';
  if (extension === '.cjs') return 'commonjs';
  if (extension === '.json') return 'json';
  const type = packageOf(file)?.data.type;
  if (type === 'module') return 'module';
  if (type === 'commonjs' || (extension !== '.js' && extension !== '')) return 'commonjs';
  // Node's detection: what does not compile as CommonJS and has the syntax of a module is one.
  content ??= read(file);
  const isModule = moduleSyntax.test(content);
  if (!isModule && !/\bawait\b/.test(content)) return 'commonjs';
  if (compiles(content)) return 'commonjs';
  return isModule || compiles(`return async () => {${content}\n}`) ? 'module' : 'commonjs';
}

function compiles(content) {
  try {
    native.compile(content, '', ['exports', 'require', 'module', '__filename', '__dirname']);
    return true;
  } catch {
    return false;
  }
}

function error(message, code, properties) {
  return Object.assign(nodeError(message, code), properties);
}

/** The URL of what `specifier` means in the module `base`. */
function resolve(specifier, base, type) {
  const builtin = builtinName(specifier);
  if (builtin !== undefined) return `node:${builtin}`;
  if (specifier.startsWith('node:')) {
    throw error(`No such built-in module: ${specifier}`, 'ERR_UNKNOWN_BUILTIN_MODULE');
  }
  if (/^data:/.test(specifier)) return specifier;
  const from = base.startsWith('file:') ? fileURLToPath(base) : base.startsWith('/') ? base :
    path.join(process.cwd(), '[eval]');
  let request = specifier;
  let query = '';
  if (/^[a-z][a-z0-9+.-]+:/i.test(specifier)) {
    if (!specifier.startsWith('file:')) {
      throw error(`Only URLs with a scheme in: file and data are supported by the default ESM loader. ` +
        `Received protocol '${new URL(specifier).protocol}'`, 'ERR_UNSUPPORTED_ESM_URL_SCHEME');
    }
    request = fileURLToPath(specifier);
    query = new URL(specifier).search + new URL(specifier).hash;
  } else if (/^\.{0,2}\//.test(specifier)) {
    const url = new URL(specifier, pathToFileURL(from));
    request = fileURLToPath(url);
    query = url.search + url.hash;
  }
  if (path.isAbsolute(request)) {
    const kind = files.kind(request);
    if (kind === 1) {
      throw error(`Directory import '${request}' is not supported resolving ES modules imported from ${from}`,
        'ERR_UNSUPPORTED_DIR_IMPORT', { url: pathToFileURL(request).href });
    }
    if (kind === -1) throw missing(request, from, [request]);
    return checked(pathToFileURL(real(request)).href + query, type);
  }
  const found = native.resolve(request, path.dirname(from), 'import');
  if (found.path !== undefined) return checked(pathToFileURL(found.path).href + (found.query ?? ''), type);
  if (found.error !== 'MODULE_NOT_FOUND') throw packageError(found, from);
  // A package's `main` without an extension, which Node guesses for packages alone.
  const guessed = request.startsWith('#') ? {} : native.resolve(request, path.dirname(from), 'require');
  if (guessed.path !== undefined && isMainOf(request)) return pathToFileURL(guessed.path).href;
  throw missing(request, from, found.tried, !request.startsWith('#'));
}

/** Whether a name is that of a package, and not of a file in one. */
function isMainOf(request) {
  return request.split('/').length === (request.startsWith('@') ? 2 : 1);
}

function missing(request, from, tried, isPackage = false) {
  const properties = isPackage ? {} : { url: pathToFileURL(request).href };
  if (isPackage && tried?.length > 0) properties.triedPaths = tried;
  return error(`Cannot find ${isPackage ? 'package' : 'module'} '${request}' imported from ${from}`,
    'ERR_MODULE_NOT_FOUND', properties);
}

/** The file that a path leads to, through links. */
function real(file) {
  const found = native.resolve(file, path.dirname(file), 'import');
  return found.path ?? file;
}

function checked(url, type) {
  if (type === 'any') return url;
  if (type !== undefined && type !== 'json') {
    throw Object.assign(new TypeError(`Import attribute "type" with value "${type}" is not supported`),
      { code: 'ERR_IMPORT_ATTRIBUTE_UNSUPPORTED' });
  }
  const isJson = /\.json(?:[?#]|$)/.test(url);
  if (isJson && type !== 'json') {
    throw Object.assign(new TypeError(`Module "${url}" needs an import attribute of "type: json"`),
      { code: 'ERR_IMPORT_ATTRIBUTE_MISSING' });
  }
  if (!isJson && type === 'json') {
    throw Object.assign(new TypeError(`Module "${url}" is not of type "json"`),
      { code: 'ERR_IMPORT_ATTRIBUTE_TYPE_INCOMPATIBLE' });
  }
  return url;
}

/** What synthetic modules export, by their URLs. */
const values = new Map();

/** The source of a module that exports what `values` has for it. */
function synthetic(names) {
  const lines = ['const { value: $value, names: $names } = import.meta.$();', 'export default $value;'];
  let index = 0;
  for (const name of names) {
    if (name === 'default' || !name.isWellFormed()) continue;
    const text = JSON.stringify(name);
    lines.push(`const $${index} = $names[${text}]; export { $${index} as ${text} };`);
    index += 1;
  }
  return lines.join('\n');
}

function namesOf(value) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return [];
  return Object.keys(value);
}

/** Whether a property can be read: what this runtime lacks throws. */
function isReadable(value, name) {
  try {
    void value[name];
    return true;
  } catch {
    return false;
  }
}

/** The source of a module for QuickJS. */
function load(url) {
  if (url.startsWith('node:')) {
    const value = builtins.require(url.slice(5));
    const names = new Set(namesOf(value));
    if (typeof value === 'function') for (const name of Object.getOwnPropertyNames(value)) names.add(name);
    for (const name of names) if (!isReadable(value, name)) names.delete(name);
    for (const name of ['length', 'name', 'prototype', 'arguments', 'caller']) names.delete(name);
    values.set(url, () => ({ value, names: value }));
    return synthetic(names);
  }
  if (url.startsWith('data:')) return fromData(url);
  if (url.startsWith(MARKED)) {
    const text = JSON.stringify(url.slice(MARKED.length));
    return `export * from ${text}; export { default } from ${text}; export const __esModule = true;`;
  }
  const file = fileURLToPath(url);
  const content = pending.get(url) ?? read(file);
  pending.delete(url);
  const format = formatOf(file, content);
  if (format === 'module') return content;
  if (format === 'json') {
    let value;
    try {
      value = JSON.parse(content);
    } catch (cause) {
      cause.message = `${file}: ${cause.message}`;
      throw cause;
    }
    values.set(url, () => ({ value, names: {} }));
    return synthetic([]);
  }
  values.set(url, () => {
    const value = Module._load(file, undefined, file === process.argv[1] && process.mainModule === undefined);
    const isObject = value !== null && (typeof value === 'object' || typeof value === 'function');
    return { value, names: Object.assign(Object.create(isObject ? value : null), { 'module.exports': value }) };
  });
  return synthetic(new Set([...exportsOf(file, content), 'module.exports']));
}

/** The names that a CommonJS module exports, as far as its text tells: Node's cjs-module-lexer. */
function exportsOf(file, content, seen = new Set()) {
  if (seen.has(file)) return [];
  seen.add(file);
  const builtin = builtinName(file);
  if (builtin !== undefined) return namesOf(builtins.require(builtin));
  if (file.endsWith('.json')) return [];
  let found;
  try {
    found = require('npm/cjs-module-lexer').parse(content ?? read(file));
  } catch {
    return [];
  }
  const names = new Set(found.exports);
  for (const again of found.reexports) {
    try {
      const parent = new Module(file);
      parent.filename = file;
      const other = Module._resolveFilename(again, parent);
      for (const name of exportsOf(other, undefined, seen)) names.add(name);
    } catch {
      // It may be resolved when it runs.
    }
  }
  return names;
}

function fromData(url) {
  const match = /^data:([^,;]*)((?:;[^,]*)?),(.*)$/s.exec(url);
  const { Buffer } = require('buffer');
  if (match === null) throw new TypeError(`Invalid URL: ${url}`);
  const text = /;base64/.test(match[2]) ? Buffer.from(match[3], 'base64').toString() : decodeURIComponent(match[3]);
  if (match[1] === 'text/javascript') return text;
  if (match[1] === 'application/json') {
    const value = JSON.parse(text);
    values.set(url, () => ({ value, names: {} }));
    return synthetic([]);
  }
  throw error(`Unknown module format: ${match[1]} for URL ${url}`, 'ERR_UNKNOWN_MODULE_FORMAT');
}

/** Fills `import.meta` in. */
function meta(url, object) {
  const exported = values.get(url);
  if (exported !== undefined) {
    object.$ = exported;
    return;
  }
  if (url.startsWith('file:')) {
    const file = fileURLToPath(url);
    object.dirname = path.dirname(file);
    object.filename = file;
    object.main = file === process.argv[1];
  }
  object.resolve = (specifier) => {
    try {
      return resolve(`${specifier}`, url, 'any');
    } catch (cause) {
      // A file need not be there.
      if (cause.code === 'ERR_MODULE_NOT_FOUND' && cause.url !== undefined) return cause.url;
      throw cause;
    }
  };
  object.url = url;
}

/** The beginning of the name of a module that is another one with an export `__esModule`. */
const MARKED = 'plugnet:marked:';

/** Texts of modules that were read already, by their URLs. */
const pending = new Map();
/** ES modules that `require` has loaded, by their files. */
const required = new Map();

/** `require` of an ES module: its namespace, as in Node, if it needs no `await`. */
function requireModule(file, content) {
  if (required.has(file)) return required.get(file);
  const url = pathToFileURL(file).href;
  pending.set(url, content);
  const [promise, namespace] = native.evaluate(url);
  native.runJobs();
  const [state, value] = binding.util.promiseState(promise) ?? [1];
  if (state === 2) {
    promise.catch(() => {});
    throw value;
  }
  if (state === 0) {
    throw error('require() cannot be used on an ESM graph with top-level await. Use import() instead. To see ' +
      'where the top-level await comes from, use --experimental-print-required-tla.', 'ERR_REQUIRE_ASYNC_MODULE');
  }
  let exported = namespace;
  if ('module.exports' in namespace) exported = namespace['module.exports'];
  else if ('default' in namespace && !('__esModule' in namespace)) [, exported] = native.evaluate(`${MARKED}${url}`);
  required.set(file, exported);
  return exported;
}

/** Runs an ES module as the program. */
function runMain(file) {
  const url = pathToFileURL(file).href;
  let settled = false;
  const done = native.import(url);
  done.then(() => { settled = true; }, (reason) => {
    settled = true;
    fatal.uncaught(reason, 'uncaughtException');
  });
  process.on('exit', () => {
    if (!settled && process.exitCode === undefined) {
      require('internal/stdio').writeText(2, `Warning: Detected unsettled top-level await at ${url}\n\n\n`);
      process.exitCode = 13;
    }
  });
}

binding.setHooks({
  resolveModule: (specifier, base, type) => resolve(specifier, base, type),
  loadModule: load,
  moduleMeta: meta,
});

module.exports = { formatOf, packageOf, requireModule, resolve, runMain };
