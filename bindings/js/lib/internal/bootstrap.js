// The first code that runs: loads the modules of the runtime, makes Node's globals, and gives the
// event loop what it calls.

'use strict';

const { modules: native } = binding;
const loaded = new Map();
const names = new Set(binding.process.builtins);

/** Whether a program may load the built-in module `name`. */
function isPublic(name) {
  return names.has(name) && !name.startsWith('internal/') && !name.startsWith('npm/');
}

/** Loads a module of the runtime. */
function requireBuiltin(name) {
  const module = loaded.get(name);
  if (module !== undefined) return module.exports;
  const source = native.source(name);
  if (source === undefined) throw new Error(`the runtime has no module ${name}`);
  const created = { exports: {}, id: name, loaded: false };
  loaded.set(name, created);
  const file = name.startsWith('npm/') ? `node:internal/deps/${name.slice(4)}` : `node:${name}`;
  const run = native.compile(source, file, ['exports', 'require', 'module', 'binding']);
  run(created.exports, requireBuiltin, created, binding);
  created.loaded = true;
  return created.exports;
}

loaded.set('internal/builtins', {
  exports: {
    isPublic,
    names: [...names].filter(isPublic),
    require: requireBuiltin,
  },
});

Object.defineProperty(globalThis, 'global', {
  configurable: true, enumerable: false, writable: true, value: globalThis,
});

requireBuiltin('internal/stack');
if (globalThis.Atomics === undefined) {
  const { Atomics } = requireBuiltin('internal/atomics');
  Object.defineProperty(globalThis, 'Atomics', { configurable: true, enumerable: false, writable: true, value: Atomics });
}
const tasks = requireBuiltin('internal/task_queue');
const timers = requireBuiltin('internal/timers');
const process = requireBuiltin('process');
const fatal = requireBuiltin('internal/fatal');
const { setMakers } = requireBuiltin('internal/system_error');
setMakers();

function define(name, value, enumerable = false) {
  Object.defineProperty(globalThis, name, { configurable: true, enumerable, writable: true, value });
}

define('process', process);
define('queueMicrotask', tasks.queueMicrotask, true);
for (const name of ['clearImmediate', 'clearInterval', 'clearTimeout', 'setImmediate', 'setInterval', 'setTimeout']) {
  define(name, timers[name], true);
}
define('console', requireBuiltin('console'));
if (names.has('internal/globals')) requireBuiltin('internal/globals');

/** What the event loop calls must not throw: it ends the program, or asks `uncaughtException`. */
function guarded(run) {
  return () => {
    try {
      run();
    } catch (error) {
      fatal.uncaught(error);
    }
  };
}

binding.setHooks({
  main: guarded(() => requireBuiltin('internal/modules/main').run()),
  ticks: tasks.runTicks,
  timers: timers.runTimers,
  immediates: timers.runImmediates,
  rejection: tasks.rejection,
  uncaught: (error) => fatal.uncaught(error),
  completed: requireBuiltin('internal/completion').completed,
  beforeExit: guarded(() => process.emit('beforeExit', process.exitCode ?? 0)),
  exit: () => process.reallyExit(fatal.exit()),
});
