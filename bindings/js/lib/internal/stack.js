// `error.stack` in V8's form, and call sites as complete as V8's.

'use strict';

/** How much stands before the first line of a CommonJS module, by its file. */
const wrapped = new Map();

const errorToString = Error.prototype.toString;

function header(error) {
  try {
    return Reflect.apply(errorToString, error, []);
  } catch {
    return 'Error';
  }
}

/** The column of a call site, in the file as it is. */
function column(site, file, line) {
  const at = site.getColumnNumber();
  return line === 1 && wrapped.has(file) ? Math.max(1, at - wrapped.get(file)) : at;
}

/** `fn (file:1:2)`. */
function describe(site) {
  const file = site.getFileName();
  const name = site.getFunctionName();
  if (site.isNative() || !file) return `${name || '<anonymous>'} (native)`;
  const line = site.getLineNumber();
  const place = `${file}:${line}:${column(site, file, line)}`;
  if (!name) return wrapped.has(file) && topLevel.has(site.getFunction()) ? `Object.<anonymous> (${place})` : place;
  return `${name} (${place})`;
}

/** The functions that modules were made into. */
const topLevel = new WeakSet();

function complete(prototype) {
  const methods = {
    getThis: () => undefined,
    getTypeName: () => null,
    getMethodName: () => null,
    getEvalOrigin: () => undefined,
    getScriptNameOrSourceURL() { return this.getFileName(); },
    getScriptHash: () => '',
    getPosition: () => 0,
    getPromiseIndex: () => null,
    getEnclosingLineNumber: () => 0,
    getEnclosingColumnNumber: () => 0,
    isToplevel: () => true,
    isEval: () => false,
    isConstructor: () => false,
    isAsync: () => false,
    isPromiseAll: () => false,
    toString() { return describe(this); },
  };
  for (const [name, value] of Object.entries(methods)) {
    if (name === 'toString' || !(name in prototype)) {
      Object.defineProperty(prototype, name, { configurable: true, writable: true, value });
    }
  }
}

const callers = new Set(['apply', 'call']);

let completed = false;
/** `Error.prepareStackTrace` of the program. */
let users;

function prepare(error, sites) {
  if (!completed && sites.length > 0) {
    completed = true;
    complete(Object.getPrototypeOf(sites[0]));
  }
  if (typeof users === 'function') return Reflect.apply(users, Error, [error, sites]);
  let text = header(error);
  for (const site of sites) {
    // V8 leaves out what calls for `Reflect.apply` and its like.
    if (!site.isNative() || !callers.has(site.getFunctionName())) text += `\n    at ${describe(site)}`;
  }
  return text;
}

const { set } = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace') ?? {};
if (set !== undefined) {
  Reflect.apply(set, Error, [prepare]);
  Object.defineProperty(Error, 'prepareStackTrace', {
    configurable: true,
    enumerable: false,
    get: () => users,
    set(value) { users = value; },
  });
}
Error.stackTraceLimit = 10;

/** The call sites of a new error, whatever `Error.prepareStackTrace` says. */
function callSites(above) {
  const before = users;
  users = (_, sites) => sites;
  try {
    const holder = {};
    Error.captureStackTrace(holder, above);
    return holder.stack;
  } finally {
    users = before;
  }
}

module.exports = { callSites, topLevel, wrapped };
