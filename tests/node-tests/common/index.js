// The `../common` that Node's own tests require, for a program in the sandbox.

'use strict';

const assert = require('assert');
const path = require('path');

// Each call of `mustCall` is counted, and looked at when the program ends.
const expectations = [];

process.on('exit', (code) => {
  if (code !== 0) return;
  const failed = expectations.filter(({ actual, exact, minimum }) =>
    exact === undefined ? actual < minimum : actual !== exact);
  for (const { actual, exact, minimum, name, stack } of failed) {
    const wanted = exact === undefined ? `at least ${minimum}` : `exactly ${exact}`;
    console.log(`Mismatched ${name} function calls. Expected ${wanted}, actual ${actual}.`);
    console.log(stack);
  }
  if (failed.length > 0) process.exit(1);
});

function noop() {}

function counted(fn, count, kind) {
  if (typeof fn === 'number') {
    count = fn;
    fn = noop;
  } else if (fn === undefined) fn = noop;
  if (typeof (count ?? 1) !== 'number') throw new TypeError(`Invalid ${kind} value: ${count}`);
  const expectation = {
    actual: 0,
    [kind]: count ?? 1,
    name: fn.name || '<anonymous>',
    stack: new Error().stack.split('\n').slice(2).join('\n'),
  };
  expectations.push(expectation);
  const called = function (...args) {
    expectation.actual += 1;
    return Reflect.apply(fn, this, args);
  };
  // Tests look at what a callback is called, and how many arguments it takes.
  Object.defineProperties(called, {
    name: { value: fn.name, configurable: true },
    length: { value: fn.length, configurable: true },
  });
  return called;
}

const mustCall = (fn, exact) => counted(fn, exact, 'exact');
const mustCallAtLeast = (fn, minimum) => counted(fn, minimum, 'minimum');
const mustSucceed = (fn, exact) => mustCall(function (error, ...args) {
  assert.ifError(error);
  return typeof fn === 'function' ? Reflect.apply(fn, this, args) : undefined;
}, exact);

function mustNotCall(message) {
  const place = new Error().stack.split('\n')[2]?.trim();
  return function mustNotCall(...args) {
    const shown = args.length > 0 ? `\ncalled with arguments: ${args.map((arg) => require('util').inspect(arg)).join(', ')}` : '';
    assert.fail(`${message || 'function should not have been called'} ${place}${shown}`);
  };
}

function mustNotMutateObjectDeep(value) {
  return value;
}

/** A validator of errors, for `assert.throws` or as a callback. */
function expectsError(validator, exact) {
  return mustCall((...args) => {
    assert.strictEqual(args.length, 1);
    const [error] = args;
    assert.strictEqual(Object.prototype.propertyIsEnumerable.call(error, 'message'), false);
    assert.throws(() => { throw error; }, validator);
    return true;
  }, exact);
}

function expectWarning(nameOrMap, expected, code) {
  const map = typeof nameOrMap === 'string' ? { [nameOrMap]: code === undefined ? expected : [expected, code] } : nameOrMap;
  const waiting = {};
  for (const [name, value] of Object.entries(map)) {
    let list = typeof value === 'string' ? [[value]] : value;
    if (Array.isArray(list) && typeof list[0] === 'string') list = [list];
    else if (!Array.isArray(list)) list = Object.entries(list).map(([key, text]) => [text, key]);
    waiting[name] = mustCall((warning) => {
      const [message, wanted] = list.shift();
      assert.strictEqual(warning.name, name);
      if (typeof message === 'string') assert.strictEqual(warning.message, message);
      else assert.match(warning.message, message);
      if (wanted !== undefined) assert.strictEqual(warning.code, wanted);
    }, list.length);
  }
  process.on('warning', (warning) => {
    if (waiting[warning.name] === undefined) throw new Error(`"${warning.name}" was triggered without being expected.\n${warning}`);
    waiting[warning.name](warning);
  });
}

/** What a message says was received. */
function invalidArgTypeHelper(input) {
  if (input == null) return ` Received ${input}`;
  if (typeof input === 'function') return ` Received function ${input.name}`;
  const { inspect } = require('util');
  if (typeof input === 'object') {
    if (input.constructor?.name) return ` Received an instance of ${input.constructor.name}`;
    return ` Received ${inspect(input, { depth: -1 })}`;
  }
  let text = inspect(input, { colors: false });
  if (text.length > 28) text = `${text.slice(0, 25)}...${typeof input === 'string' ? "'" : ''}`;
  return ` Received type ${typeof input} (${text})`;
}

function printSkipMessage(message) {
  console.log(`1..0 # Skipped: ${message}`);
}

function skip(message) {
  printSkipMessage(message);
  process.exit(0);
}

function getArrayBufferViews(buffer) {
  const { buffer: whole, byteOffset, byteLength } = buffer;
  const views = [
    Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array,
    Float64Array, BigInt64Array, BigUint64Array, DataView,
  ];
  return views.filter(({ BYTES_PER_ELEMENT = 1 }) => byteLength % BYTES_PER_ELEMENT === 0)
    .map((View) => new View(whole, byteOffset, byteLength / (View.BYTES_PER_ELEMENT ?? 1)));
}

const tmpdir = require('./tmpdir');

module.exports = {
  PORT: Number(process.env.PLUGNET_TEST_PORT),
  // A relative path stays below the 107 bytes that the path of a socket may have.
  PIPE: path.join(tmpdir.path, 'node-test.sock'),
  allowGlobals() {},
  buildType: 'Release',
  canCreateSymLink: () => true,
  checkoutEOL: '\n',
  createZeroFilledFile(file) {
    const fs = require('fs');
    const fd = fs.openSync(file, 'w');
    fs.ftruncateSync(fd, 10 * 1024 * 1024);
    fs.closeSync(fd);
  },
  enoughTestMem: true,
  expectWarning,
  expectsError,
  getArrayBufferViews,
  getBufferSources: (buffer) => [...getArrayBufferViews(buffer), new Uint8Array(buffer).buffer],
  getTTYfd: () => -1,
  hasCrypto: false,
  hasIPv6: true,
  hasIntl: false,
  hasMultiLocalhost: () => true,
  hasOpenSSL3: false,
  inFreeBSDJail: false,
  invalidArgTypeHelper,
  isAIX: false,
  isAlive: () => true,
  isDumbTerminal: false,
  isFreeBSD: false,
  isIBMi: false,
  isInsideDirWithUnusualChars: false,
  isLinux: true,
  isLinuxPPCBE: false,
  isMainThread: true,
  isOSX: false,
  isOpenBSD: false,
  isSunOS: false,
  isWindows: false,
  localIPv6Hosts: ['localhost'],
  localhostIPv4: '127.0.0.1',
  mustCall,
  mustCallAtLeast,
  mustNotCall,
  mustNotMutateObjectDeep,
  mustSucceed,
  opensslCli: false,
  platformTimeout: (ms) => ms,
  printSkipMessage,
  runWithInvalidFD() { throw new Error('runWithInvalidFD needs a descriptor of the system'); },
  skip,
  skipIf32Bits() { skip('32 bits'); },
  skipIfEslintMissing() { skip('no ESLint'); },
  skipIfInspectorDisabled() { skip('no inspector'); },
  skipIfWorker() {},
};
