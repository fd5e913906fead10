// What nobody catches, and the end of the program.

'use strict';

/** Whether `value` is an error, of this realm or another. */
function isError(value) {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

let ended = false;

/** Ends the program with what its `exit` listeners say, and gives the code. */
function exit() {
  if (!ended) {
    ended = true;
    try {
      process._exiting = true;
      process.emit('exit', process.exitCode ?? 0);
    } catch (error) {
      report(error);
      return 1;
    }
  }
  return Number(process.exitCode ?? 0);
}

/** Ends the program at once, after the `exit` listeners. */
function exitNow(code) {
  if (code !== undefined) process.exitCode = code;
  process.reallyExit(exit());
}

/** Node's `process._fatalException`: the listeners of `uncaughtException`, or the end. */
function uncaught(error, origin = 'uncaughtException') {
  try {
    process.emit('uncaughtExceptionMonitor', error, origin);
    const capture = captureCallback;
    if (capture !== null) {
      capture(error);
      return;
    }
    if (process.emit('uncaughtException', error, origin)) return;
  } catch (second) {
    report(second);
    process.reallyExit(7);
  }
  report(error, origin);
  try {
    if (!ended) {
      ended = true;
      process.exitCode = 1;
      process._exiting = true;
      process.emit('exit', 1);
    }
  } catch (second) {
    report(second);
  }
  process.reallyExit(Number(process.exitCode ?? 1) || 1);
}

let captureCallback = null;

function setUncaughtExceptionCaptureCallback(callback) {
  if (callback !== null && typeof callback !== 'function') {
    const { codes: { ERR_INVALID_ARG_TYPE } } = require('internal/errors');
    throw new ERR_INVALID_ARG_TYPE('fn', ['Function', 'null'], callback);
  }
  captureCallback = callback;
}

function hasUncaughtExceptionCaptureCallback() {
  return captureCallback !== null;
}

/** Prints an error as Node does: where it comes from, the stack and properties, the version. */
function report(error) {
  let text;
  try {
    text = describe(error);
  } catch {
    try {
      text = String(error?.stack ?? error);
    } catch {
      text = 'an error that cannot be shown';
    }
  }
  require('internal/stdio').writeText(2, `${text}\n\nNode.js ${process.version}\n`);
}

function describe(error) {
  if (!isError(error)) {
    const text = typeof error === 'string' ? error : require('internal/inspect').inspect(error);
    return `Uncaught:\n${text}\n(Use \`node --trace-uncaught ...\` to show where the exception was thrown)`;
  }
  const text = require('internal/inspect').inspect(error);
  if (require('internal/modules/syntax').arrowed.has(error)) return text;
  const place = where(error);
  return place === undefined ? text : `${place}\n\n${text}`;
}

/** `file:line`, the line, and a caret. */
function where(error) {
  const stack = typeof error.stack === 'string' ? error.stack : '';
  const match = /^    at (?:.*\()?(.+?):(\d+):(\d+)\)?$/m.exec(stack);
  if (match === null) return undefined;
  const [, file, line, column] = match;
  const source = lineOf(file, Number(line));
  if (source === undefined) return `${file}:${line}`;
  const before = source.slice(0, Number(column) - 1).replace(/[^\t]/g, ' ');
  return `${file}:${line}\n${source}\n${before}^`;
}

function lineOf(file, number) {
  if (file.startsWith('node:')) {
    const name = file.slice(5).replace(/^internal\/deps\//, 'npm/');
    return binding.modules.source(name)?.split('\n')[number - 1];
  }
  try {
    const path = file.startsWith('file://') ? decodeURIComponent(new URL(file).pathname) : file;
    const text = require('internal/text').decode(binding.fs.readFile(path));
    return text.split(/\r?\n/)[number - 1];
  } catch {
    return undefined;
  }
}

module.exports = {
  exit,
  exitNow,
  hasUncaughtExceptionCaptureCallback,
  isError,
  report,
  setUncaughtExceptionCaptureCallback,
  uncaught,
};
