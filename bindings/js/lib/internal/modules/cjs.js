// CommonJS modules, as Node loads them.

'use strict';

const { fs: files, modules: native } = binding;
const builtins = require('internal/builtins');
const { decode } = require('internal/text');
const stack = require('internal/stack');
const path = require('path');

const PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname'];
/** How many characters stand before the first line. */
const BEFORE = `(function (${PARAMETERS.join(', ')}) {`.length;

function Module(id = '', parent) {
  this.id = id;
  this.path = path.dirname(id);
  this.exports = {};
  Object.defineProperty(this, 'parent', { configurable: true, enumerable: false, writable: true, value: parent });
  parent?.children?.push(this);
  this.filename = null;
  this.loaded = false;
  this.children = [];
}

Module._cache = Object.create(null);
Module._pathCache = Object.create(null);
Module._extensions = Object.create(null);
Module.globalPaths = [];
Module.Module = Module;
Module.builtinModules = builtins.names.slice().sort();
Module.isBuiltin = (name) => builtinName(name) !== undefined;

const wrapper = ['(function (exports, require, module, __filename, __dirname) { ', '\n});'];
Module.wrapper = wrapper;
Module.wrap = (script) => wrapper[0] + script + wrapper[1];

/** Which built-in module a name means. */
function builtinName(name) {
  if (typeof name !== 'string') return undefined;
  const plain = name.startsWith('node:') ? name.slice(5) : name;
  return builtins.isPublic(plain) ? plain : undefined;
}

Module._nodeModulePaths = (from) => {
  const paths = [];
  for (let folder = path.resolve(from); ; folder = path.dirname(folder)) {
    if (path.basename(folder) !== 'node_modules') paths.push(path.join(folder, 'node_modules'));
    if (folder === path.dirname(folder)) return paths;
  }
};

Module._resolveLookupPaths = (request, parent) => {
  if (builtinName(request) !== undefined) return null;
  if (/^\.\.?(\/|$)/.test(request)) return [parent?.filename ? path.dirname(parent.filename) : '.'];
  return parent?.paths ?? Module._nodeModulePaths('.');
};

Module._findPath = (request, paths) => {
  for (const folder of paths ?? ['']) {
    const found = native.resolve(path.resolve(folder, request), folder || '/', 'require');
    if (found.path !== undefined) return found.path;
  }
  return false;
};

/** The modules that led to this one, the last first. */
function requireStack(parent) {
  const names = [];
  for (let module = parent; module; module = module.parent) names.push(module.filename || module.id);
  return names;
}

function notFound(request, parent, found) {
  const stackOf = requireStack(parent);
  let message = `Cannot find module '${request}'`;
  if (stackOf.length > 0) message += `\nRequire stack:\n- ${stackOf.join('\n- ')}`;
  const error = new Error(message);
  Error.captureStackTrace(error, Module._resolveFilename);
  error.code = 'MODULE_NOT_FOUND';
  error.requireStack = stackOf;
  // Node has no such property.
  if (found.tried?.length > 0) error.triedPaths = found.tried;
  return error;
}

/** The error of a name that a package does not let be resolved. */
function packageError(found, from) {
  let { message } = found;
  if (found.error === 'ERR_PACKAGE_IMPORT_NOT_DEFINED' && from) message += ` imported from ${from}`;
  return nodeError(message, found.error, found.error === 'ERR_PACKAGE_IMPORT_NOT_DEFINED' ? TypeError : Error);
}

/** An error whose stack says its code, as those of Node do. */
function nodeError(message, code, Base = Error) {
  const error = new Base(message);
  Object.defineProperty(error, 'name', { value: `${Base.name} [${code}]`, configurable: true, writable: true });
  Error.captureStackTrace(error, nodeError);
  void error.stack;
  delete error.name;
  error.code = code;
  return error;
}

Module._resolveFilename = function (request, parent, isMain, options) {
  if (builtinName(request) !== undefined) return request;
  if (request.startsWith('node:')) {
    throw nodeError(`No such built-in module: ${request}`, 'ERR_UNKNOWN_BUILTIN_MODULE');
  }
  const folders = options?.paths ?? [parent?.filename ? path.dirname(parent.filename) : process.cwd()];
  let found = {};
  for (const folder of folders) {
    found = native.resolve(request, path.resolve(folder), 'require');
    if (found.path !== undefined) return found.path;
  }
  if (!/^(\.{0,2}\/|#)/.test(request)) {
    found.tried = folders.flatMap((folder) => Module._nodeModulePaths(path.resolve(folder)))
      .map((folder) => path.join(folder, request));
  }
  throw found.error === undefined || found.error === 'MODULE_NOT_FOUND' ?
    notFound(request, parent, found) : packageError(found, parent?.filename);
};

Module._load = function (request, parent, isMain) {
  const builtin = builtinName(request);
  if (builtin !== undefined) return builtins.require(builtin);
  const file = Module._resolveFilename(request, parent, isMain);
  const resolvedBuiltin = builtinName(file);
  if (resolvedBuiltin !== undefined && file === request) return builtins.require(resolvedBuiltin);
  const cached = Module._cache[file];
  if (cached !== undefined) {
    if (parent && !parent.children.includes(cached)) parent.children.push(cached);
    return cached.exports;
  }
  const module = new Module(file, parent);
  if (isMain) {
    setMain(module);
    module.id = '.';
  }
  Module._cache[file] = module;
  let loaded = false;
  try {
    module.load(file);
    loaded = true;
  } finally {
    if (!loaded) {
      delete Module._cache[file];
      const index = parent?.children.indexOf(module) ?? -1;
      if (index >= 0) parent.children.splice(index, 1);
    }
  }
  return module.exports;
};

function setMain(module) {
  process.mainModule = module;
}

Module.prototype.load = function (file) {
  this.filename = file;
  this.paths = Module._nodeModulePaths(path.dirname(file));
  const extension = Module._extensions[path.extname(file)] === undefined ? '.js' : path.extname(file);
  Module._extensions[extension](this, file);
  this.loaded = true;
};

Module.prototype.require = function (request) {
  const { codes: { ERR_INVALID_ARG_VALUE } } = require('internal/errors');
  require('internal/validators').validateString(request, 'id');
  if (request === '') throw new ERR_INVALID_ARG_VALUE('id', request, 'must be a non-empty string');
  return Module._load(request, this, false);
};

Module.prototype._compile = function (content, file) {
  let run;
  try {
    run = native.compile(content, file, PARAMETERS);
  } catch (error) {
    throw require('internal/modules/syntax').complete(error, file, content, BEFORE);
  }
  stack.wrapped.set(file, BEFORE);
  stack.topLevel.add(run);
  return Reflect.apply(run, this.exports,
    [this.exports, makeRequire(this), this, file, path.dirname(file)]);
};

/** The function `require` of a module. */
function makeRequire(module) {
  const require = (id) => module.require(id);
  require.resolve = (request, options) => {
    builtins.require('internal/validators').validateString(request, 'request');
    return Module._resolveFilename(request, module, false, options);
  };
  require.resolve.paths = (request) => Module._resolveLookupPaths(request, module);
  require.main = process.mainModule;
  require.extensions = Module._extensions;
  require.cache = Module._cache;
  return require;
}

/** A file's text. */
function read(file) {
  const text = decode(files.readFile(file));
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

Module._extensions['.js'] = (module, file) => {
  const esm = require('internal/modules/esm');
  const content = read(file);
  if (esm.formatOf(file, content) === 'module') module.exports = esm.requireModule(file, content);
  else module._compile(content, file);
};

Module._extensions['.json'] = (module, file) => {
  try {
    module.exports = JSON.parse(read(file));
  } catch (error) {
    error.message = `${file}: ${error.message}`;
    throw error;
  }
};

Module._extensions['.node'] = (module, file) => {
  const error = new Error(`a native addon cannot be loaded: ${file}`);
  error.code = 'ERR_DLOPEN_FAILED';
  throw error;
};

Module.runMain = (file = process.argv[1]) => Module._load(file, null, true);

Module.createRequire = (from) => {
  const { URL } = globalThis;
  const { codes: { ERR_INVALID_ARG_VALUE } } = require('internal/errors');
  let file = from;
  if (from instanceof URL || (typeof from === 'string' && from.startsWith('file:'))) {
    file = require('url').fileURLToPath(from);
  } else if (typeof from !== 'string' || !path.isAbsolute(from)) {
    throw new ERR_INVALID_ARG_VALUE('filename', from, 'must be a file URL object, file URL string, or absolute path string');
  }
  const isFolder = file.endsWith('/');
  const module = new Module(isFolder ? path.join(file, 'noop.js') : file);
  module.filename = module.id;
  module.paths = Module._nodeModulePaths(path.dirname(module.filename));
  return makeRequire(module);
};

Module.syncBuiltinESMExports = () => {};
Module.findSourceMap = () => undefined;
Module.findPackageJSON = (specifier, base) => {
  const from = String(base ?? specifier).startsWith('file:') ? require('url').fileURLToPath(base ?? specifier) :
    String(base ?? specifier);
  return require('internal/modules/esm').packageOf(from)?.file;
};
Module.register = () => {
  throw require('internal/errors').unavailable('module.register');
};
Module.registerHooks = () => {
  throw require('internal/errors').unavailable('module.registerHooks');
};
Module.enableCompileCache = () => ({ status: 3 });
Module.getCompileCacheDir = () => undefined;
Module.flushCompileCache = () => {};
Module.stripTypeScriptTypes = () => {
  throw require('internal/errors').unavailable('module.stripTypeScriptTypes');
};
Module.constants = { compileCacheStatus: { FAILED: 0, ENABLED: 1, ALREADY_ENABLED: 2, DISABLED: 3 } };

// V8 names functions after what they are assigned to, and stack traces show it.
for (const [owner, prefix] of [[Module, 'Module'], [Module.prototype, 'Module']]) {
  for (const name of ['_compile', '_load', '_resolveFilename', 'load', 'require', 'runMain']) {
    if (Object.hasOwn(owner, name)) Object.defineProperty(owner[name], 'name', { value: `${prefix}.${name}` });
  }
}

module.exports = { Module, builtinName, nodeError, packageError, read };
