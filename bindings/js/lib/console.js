// Node's `console`.

'use strict';

const { print } = require('internal/stdio');

const inspect = () => require('internal/inspect');

function isOutput(stream) {
  return stream !== null && typeof stream === 'object' && typeof stream.write === 'function';
}

/** Where a console prints to: streams, or the standard outputs. */
class Outputs {
  constructor(out, error, ignoreErrors) {
    this.streams = [out, error];
    this.ignoreErrors = ignoreErrors;
  }

  write(index, text) {
    const stream = this.streams[index];
    if (stream === undefined) {
      print(index + 1, text);
      return;
    }
    if (!this.ignoreErrors) {
      stream.write(text);
      return;
    }
    const ignore = () => {};
    stream.once?.('error', ignore);
    try {
      stream.write(text, ignore);
    } catch {
      // Nobody is to be told.
    } finally {
      stream.removeListener?.('error', ignore);
    }
  }

  colors(index, mode) {
    if (mode !== 'auto') return mode;
    const stream = this.streams[index] ?? { isTTY: binding.process.isTty(index + 1) };
    return Boolean(stream.isTTY) && !process.env.NO_COLOR && (stream.getColorDepth?.() ?? 4) > 1;
  }
}

function Console(options, errorStream, ignoreErrors = true) {
  if (!new.target) return Reflect.construct(Console, arguments);
  if (options === undefined || typeof options.write === 'function') {
    options = { stdout: options, stderr: errorStream, ignoreErrors };
  }
  const { stdout, stderr = stdout, colorMode = 'auto', inspectOptions, groupIndentation = 2 } = options;
  const { codes } = require('internal/errors');
  if (!isOutput(stdout)) throw new codes.ERR_CONSOLE_WRITABLE_STREAM('stdout');
  if (!isOutput(stderr)) throw new codes.ERR_CONSOLE_WRITABLE_STREAM('stderr');
  initialize(this, new Outputs(stdout, stderr, options.ignoreErrors ?? true),
    { colorMode, groupIndentation, inspectOptions });
  this._stdout = stdout;
  this._stderr = stderr;
}

/** Gives a console its methods, bound to it as in Node. */
function initialize(target, outputs, { colorMode = 'auto', groupIndentation = 2, inspectOptions } = {}) {
  const counts = new Map();
  const timers = new Map();
  let indentation = '';

  function format(index, args) {
    if (args.length === 1 && typeof args[0] === 'string') return args[0];
    return inspect().formatWithOptions({ ...inspectOptions, colors: outputs.colors(index, colorMode) }, ...args);
  }

  function put(index, text) {
    if (indentation !== '') text = indentation + text.replaceAll('\n', `\n${indentation}`);
    outputs.write(index, `${text}\n`);
  }

  function elapsed(label, data) {
    const start = timers.get(label);
    if (start === undefined) {
      process.emitWarning(`No such label '${label}' for console.time${data === undefined ? 'End' : 'Log'}()`);
      return false;
    }
    const milliseconds = binding.timers.hrtime() - start;
    methods.log('%s: %s', label, duration(milliseconds), ...(data ?? []));
    return true;
  }

  const methods = {
    log(...args) { put(0, format(0, args)); },
    warn(...args) { put(1, format(1, args)); },
    error(...args) { put(1, format(1, args)); },
    dir(object, options) {
      put(0, inspect().inspect(object, {
        customInspect: false, ...inspectOptions, colors: outputs.colors(0, colorMode), ...options,
      }));
    },
    time(label = 'default') {
      label = `${label}`;
      if (timers.has(label)) process.emitWarning(`Label '${label}' already exists for console.time()`);
      else timers.set(label, binding.timers.hrtime());
    },
    timeEnd(label = 'default') {
      label = `${label}`;
      if (elapsed(label)) timers.delete(label);
    },
    timeLog(label = 'default', ...data) { elapsed(`${label}`, data); },
    trace(...args) {
      const error = { name: 'Trace', message: format(1, args) };
      const at = new Error(error.message);
      at.name = 'Trace';
      Error.captureStackTrace(at, methods.trace);
      methods.error(at.stack);
    },
    assert(condition, ...args) {
      if (condition) return;
      args[0] = `Assertion failed${args.length === 0 ? '' : `: ${typeof args[0] === 'string' ? args[0] : ''}`}`;
      methods.warn(...args);
    },
    clear() {
      if (binding.process.isTty(1)) outputs.write(0, '\x1b[1;1H\x1b[0J');
    },
    count(label = 'default') {
      label = `${label}`;
      const count = (counts.get(label) ?? 0) + 1;
      counts.set(label, count);
      methods.log(`${label}: ${count}`);
    },
    countReset(label = 'default') {
      label = `${label}`;
      if (!counts.delete(label)) process.emitWarning(`Count for '${label}' does not exist`);
    },
    group(...data) {
      if (data.length > 0) methods.log(...data);
      indentation += ' '.repeat(groupIndentation);
    },
    groupEnd() { indentation = indentation.slice(0, Math.max(0, indentation.length - groupIndentation)); },
    table(data, columns) {
      if (data === null || typeof data !== 'object') methods.log(data);
      else methods.log(table(data, columns));
    },
    profile() {},
    profileEnd() {},
    timeStamp() {},
  };
  methods.debug = methods.log;
  methods.info = methods.log;
  methods.dirxml = methods.log;
  methods.groupCollapsed = methods.group;
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(target, name, { configurable: true, enumerable: true, writable: true, value });
  }
}

function duration(milliseconds) {
  if (milliseconds >= 1000) {
    const seconds = milliseconds / 1000;
    if (seconds < 60) return `${seconds.toFixed(3)}s`;
    const whole = Math.floor(seconds / 60);
    const rest = (seconds % 60).toFixed(3).padStart(6, '0');
    return whole < 60 ? `${whole}:${rest} (m:ss.mmm)` :
      `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}:${rest.slice(0, 2)} (h:mm:ss)`;
  }
  return `${Number(milliseconds.toFixed(3))}ms`;
}

/** `console.table`: a row for each entry, a column for each property. */
function table(data, columns) {
  const show = (value) => inspect().inspect(value, { depth: value !== null && typeof value === 'object' &&
    Object.keys(value).length > 2 ? -1 : 0, maxArrayLength: 3, breakLength: Infinity });
  const isMap = data instanceof Map;
  const isSet = data instanceof Set;
  const entries = isMap || isSet ? [...data].map((value, index) => [index, value]) : Object.entries(data);
  const index = isMap || isSet ? '(iteration index)' : '(index)';
  const keys = new Set(columns);
  const rows = [];
  let hasValues = false;
  for (const [key, value] of entries) {
    const row = new Map([[index, String(key)]]);
    if (isMap) {
      row.set('Key', show(value[0]));
      row.set('Values', show(value[1]));
    } else if (value !== null && typeof value === 'object') {
      for (const [name, cell] of Object.entries(value)) {
        if (columns !== undefined && !columns.includes(name)) continue;
        keys.add(name);
        row.set(name, show(cell));
      }
    } else {
      hasValues = true;
      row.set('Values', show(value));
    }
    rows.push(row);
  }
  const head = [index, ...(isMap ? ['Key', 'Values'] : keys), ...(hasValues ? ['Values'] : [])];
  const widths = head.map((name) => 2 + Math.max(name.length, ...rows.map((row) => (row.get(name) ?? '').length)));
  const line = (left, middle, right) => left + widths.map((width) => '─'.repeat(width)).join(middle) + right;
  const cells = (texts) => `│${texts.map((text, at) => ` ${text.padEnd(widths[at] - 1)}`).join('│')}│`;
  return [
    line('┌', '┬', '┐'), cells(head), line('├', '┼', '┤'),
    ...rows.map((row) => cells(head.map((name) => row.get(name) ?? ''))),
    line('└', '┴', '┘'),
  ].join('\n');
}

const console = {};
initialize(console, new Outputs(undefined, undefined, true));
console.Console = Console;
console.context = () => console;
Object.defineProperty(console, Symbol.toStringTag, { configurable: true, value: 'console' });
Object.defineProperty(console, '_stdout', { configurable: true, get: () => process.stdout });
Object.defineProperty(console, '_stderr', { configurable: true, get: () => process.stderr });

module.exports = console;
