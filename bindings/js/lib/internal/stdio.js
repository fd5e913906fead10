// The standard streams. They are made when somebody asks for them: who prints by `console` alone needs
// no streams.

'use strict';

const { process: native } = binding;
const { turn } = require('internal/task_queue');
const { start } = require('internal/completion');
const { encode } = require('internal/text');

/** What keeps the program running: see `Turn` in src/engine.rs. */
const OTHERS = 5;

/** Writes at once. False if nobody reads it any more. */
function writeText(fd, text) {
  return native.write(fd, encode(text));
}

const made = new Map();

function brokenPipe() {
  const error = new Error('write EPIPE');
  return Object.assign(error, { errno: -32, code: 'EPIPE', syscall: 'write' });
}

/** `process.stdout` or `process.stderr`: synchronous, as Node's are for files and pipes. */
function output(fd) {
  const { Writable } = require('stream');
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, encoding, callback) {
      const bytes = typeof chunk === 'string' ? binding.buffer.fromString(chunk, encoding) : chunk;
      callback(native.write(fd, bytes) ? null : brokenPipe());
    },
    destroy(error, callback) {
      // They are never closed.
      callback(error);
    },
  });
  stream._type = native.isTty(fd) ? 'tty' : 'pipe';
  stream._isStdio = true;
  stream.fd = fd;
  stream.destroySoon = stream.destroy;
  if (native.isTty(fd)) {
    stream.isTTY = true;
    stream.columns = 80;
    stream.rows = 24;
    Object.assign(stream, {
      getColorDepth: () => (process.env.NO_COLOR ? 1 : 4),
      getWindowSize: () => [stream.columns, stream.rows],
      hasColors: (count = 16) => count <= 16,
    });
  }
  return stream;
}

let input;
let reading = false;
let referenced = true;

function setReading(value) {
  if (reading === value) return;
  reading = value;
  if (referenced) turn[OTHERS] += value ? 1 : -1;
}

/** `process.stdin`: read as somebody asks for it. */
function makeInput() {
  const { Readable } = require('stream');
  input = new Readable({
    highWaterMark: 65536,
    read() {
      if (reading) return;
      setReading(true);
      start(native.readStdin, received);
    },
  });
  input.fd = 0;
  input.isTTY = native.isTty(0) || undefined;
  input.setRawMode = undefined;
  input.ref = () => {
    if (!referenced && reading) turn[OTHERS] += 1;
    referenced = true;
    return input;
  };
  input.unref = () => {
    if (referenced && reading) turn[OTHERS] -= 1;
    referenced = false;
    return input;
  };
  // Who pauses it lets the program end: a read under way keeps nothing running then.
  input.on('pause', () => {
    if (reading && referenced && !input.readableEnded) {
      turn[OTHERS] -= 1;
      reading = 'paused';
    }
  });
  input.on('resume', () => {
    if (reading === 'paused') {
      if (referenced) turn[OTHERS] += 1;
      reading = true;
    }
  });
  return input;
}

/** Something was read: bytes, none at the end, or the code of an error. */
function received(chunk) {
  if (reading === 'paused') reading = false;
  else setReading(false);
  if (typeof chunk === 'string') input.destroy(Object.assign(new Error(`read ${chunk}`), { code: chunk, syscall: 'read' }));
  else if (chunk.length === 0) input.push(null);
  else input.push(chunk);
}

function get(fd) {
  let stream = made.get(fd);
  if (stream === undefined) {
    stream = fd === 0 ? makeInput() : output(fd);
    made.set(fd, stream);
  }
  return stream;
}

/** Prints a line by `console`: by the stream, if somebody has it and may have changed it. */
function print(fd, text) {
  if (made.has(fd) || replaced.has(fd)) process[fd === 1 ? 'stdout' : 'stderr'].write(text);
  else writeText(fd, text);
}

/** Streams that the program put in the place of the standard ones. */
const replaced = new Set();

function define(name, fd) {
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get: () => get(fd),
    set(value) {
      replaced.add(fd);
      Object.defineProperty(process, name, { configurable: true, enumerable: true, writable: true, value });
    },
  });
}

module.exports = { define, print, writeText };
