// Node's `process`.

'use strict';

const { process: native, timers } = binding;
const EventEmitter = require('events');
const { nextTick } = require('internal/task_queue');

function process() {
  throw new TypeError('process is no constructor');
}
Object.setPrototypeOf(process.prototype, EventEmitter.prototype);
Object.defineProperty(process.prototype, Symbol.toStringTag, { configurable: true, value: 'process' });

const self = Object.create(process.prototype, {
  constructor: { configurable: true, enumerable: false, writable: true, value: process },
});
module.exports = self;
EventEmitter.call(self);

function ranged(code) {
  if (code === undefined || code === null) return;
  const number = typeof code === 'string' && code !== '' ? Number(code) : code;
  const { codes: { ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE } } = require('internal/errors');
  if (typeof number !== 'number') throw new ERR_INVALID_ARG_TYPE('code', 'integer', code);
  if (!Number.isInteger(number)) throw new ERR_OUT_OF_RANGE('code', 'an integer', code);
}

let exitCode;

Object.assign(self, {
  version: 'v26.12.1',
  versions: { node: '26.12.1', quickjs: '0.14', plugnet: '0.1.0', modules: '147' },
  release: { name: 'node' },
  arch: 'wasm32',
  platform: 'linux',
  title: 'plugnet',
  pid: 1,
  ppid: 0,
  argv0: 'plugnet',
  execPath: 'plugnet',
  execArgv: [],
  // The first is the script, which `internal/modules/main` puts in its place as a path.
  argv: ['plugnet', ...native.argv.slice(1)],
  env: native.env,
  config: { target_defaults: {}, variables: {} },
  features: {
    cached_builtins: true, debug: false, inspector: false, ipv6: true, require_module: true, tls: false,
    tls_alpn: false, tls_ocsp: false, tls_sni: false, typescript: false, uv: true,
  },
  exiting: false,
  _exiting: false,
  domain: null,
  debugPort: 9229,
  allowedNodeEnvironmentFlags: new Set(),
  moduleLoadList: [],
  report: undefined,
  stdin: undefined,
  stdout: undefined,
  stderr: undefined,

  nextTick,
  cwd: native.cwd,
  chdir(directory) {
    require('internal/validators').validateString(directory, 'directory');
    const folder = require('path').resolve(directory);
    if (binding.fs.kind(folder) !== 1) {
      const code = binding.fs.kind(folder) === 0 ? 'ENOTDIR' : 'ENOENT';
      throw require('internal/system_error').makeSystemError(code, 'chdir', native.cwd(), directory);
    }
    native.chdir(folder);
  },
  umask: () => 0o022,
  getuid: () => 0,
  geteuid: () => 0,
  getgid: () => 0,
  getegid: () => 0,
  getgroups: () => [0],
  uptime: () => timers.hrtime() / 1000,
  hrtime,
  cpuUsage: () => ({ user: Math.round(timers.hrtime() * 1000), system: 0 }),
  resourceUsage: () => ({ userCPUTime: Math.round(timers.hrtime() * 1000), systemCPUTime: 0 }),
  memoryUsage: Object.assign(() => native.memoryUsage(), { rss: () => native.memoryUsage().rss }),
  availableMemory: () => 2 ** 32 - native.memoryUsage().rss,
  constrainedMemory: () => 2 ** 32,
  getActiveResourcesInfo: () => [],

  reallyExit: (code) => native.exit(code & 0xff),
  exit(code) {
    ranged(code);
    require('internal/fatal').exitNow(code ?? undefined);
  },
  abort() {
    native.exit(134);
  },
  kill(pid, signal = 'SIGTERM') {
    const { unavailable } = require('internal/errors');
    if (pid !== self.pid) throw unavailable('process.kill of another process');
    if (signal === 0) return true;
    native.exit(signal === 'SIGKILL' ? 137 : 143);
    return true;
  },
  dlopen() {
    throw require('internal/errors').unavailable('process.dlopen');
  },
  binding(name) {
    throw new Error(`No such module: ${name}`);
  },
  getBuiltinModule(name) {
    const builtins = require('internal/builtins');
    const plain = String(name).replace(/^node:/, '');
    return builtins.isPublic(plain) ? builtins.require(plain) : undefined;
  },
  setSourceMapsEnabled() {},
  setUncaughtExceptionCaptureCallback(callback) {
    require('internal/fatal').setUncaughtExceptionCaptureCallback(callback);
  },
  hasUncaughtExceptionCaptureCallback: () => require('internal/fatal').hasUncaughtExceptionCaptureCallback(),
  addUncaughtExceptionCaptureCallback() {
    throw require('internal/errors').unavailable('process.addUncaughtExceptionCaptureCallback');
  },
  _fatalException: (error) => require('internal/fatal').uncaught(error),
  emitWarning,
  ref(value) {
    (value?.[Symbol.for('nodejs.ref')] ?? value?.ref)?.call(value);
  },
  unref(value) {
    (value?.[Symbol.for('nodejs.unref')] ?? value?.unref)?.call(value);
  },
});

Object.defineProperty(self, 'exitCode', {
  configurable: true,
  enumerable: true,
  get: () => exitCode,
  set(code) {
    ranged(code);
    exitCode = code ?? undefined;
    native.setExitCode(Number(exitCode ?? 0) & 0xff);
  },
});

function hrtime(before) {
  const now = timers.hrtime();
  let seconds = Math.floor(now / 1000);
  let nanoseconds = Math.round((now % 1000) * 1e6);
  if (before !== undefined) {
    const { validateArray } = require('internal/validators');
    validateArray(before, 'time');
    seconds -= before[0];
    nanoseconds -= before[1];
    if (nanoseconds < 0) {
      seconds -= 1;
      nanoseconds += 1e9;
    }
  }
  return [seconds, nanoseconds];
}
hrtime.bigint = () => BigInt(Math.round(timers.hrtime() * 1e6));

function emitWarning(warning, type, code, above) {
  let detail;
  if (type !== null && typeof type === 'object' && !Array.isArray(type)) {
    ({ code, ctor: above, detail, type } = type);
  } else if (typeof type === 'function') {
    above = type;
    code = '';
    type = 'Warning';
  }
  if (typeof code === 'function') {
    above = code;
    code = '';
  }
  const { codes: { ERR_INVALID_ARG_TYPE } } = require('internal/errors');
  if (type !== undefined && typeof type !== 'string') throw new ERR_INVALID_ARG_TYPE('type', 'string', type);
  if (code !== undefined && typeof code !== 'string') throw new ERR_INVALID_ARG_TYPE('code', 'string', code);
  if (typeof warning === 'string') {
    const made = new Error(warning);
    made.name = type || 'Warning';
    if (code) made.code = code;
    if (detail !== undefined) made.detail = detail;
    Error.captureStackTrace(made, above ?? emitWarning);
    warning = made;
  } else if (!(warning instanceof Error)) {
    throw new ERR_INVALID_ARG_TYPE('warning', ['Error', 'string'], warning);
  }
  if (warning.name === 'DeprecationWarning') {
    if (self.noDeprecation) return;
    if (self.throwDeprecation) {
      nextTick(() => { throw warning; });
      return;
    }
  }
  nextTick(() => self.emit('warning', warning));
}

let hinted = false;

/** Prints a warning, as Node's own listener does. */
self.on('warning', function onWarning(warning) {
  if (!(warning instanceof Error)) return;
  const isDeprecation = warning.name === 'DeprecationWarning';
  if (isDeprecation && self.noDeprecation) return;
  const code = warning.code ? `[${warning.code}] ` : '';
  let text = `(node:${self.pid}) ${code}${warning.toString()}`;
  if (typeof warning.detail === 'string') text += `\n${warning.detail}`;
  if (!hinted) {
    hinted = true;
    text += `\n(Use \`node ${isDeprecation ? '--trace-deprecation' : '--trace-warnings'} ...\` to show where the ` +
      'warning was created)';
  }
  require('internal/stdio').print(2, `${text}\n`);
});

const stdio = { stdin: 0, stdout: 1, stderr: 2 };
globalThis.process = self;
for (const [name, fd] of Object.entries(stdio)) require('internal/stdio').define(name, fd);
