// `net.Socket`: a Duplex on a socket of the contract.
//
// Node's rules are the contract's: what is written goes to it at once, and it says when that has
// gone out, what failed, and when the connection is closed. The Duplex has what JavaScript alone
// knows: flowing and paused modes, `cork`, `end` after all callbacks, `autoDestroy`.
//
// The contract's own `allowHalfOpen` is always true: the Duplex ends the writable side, after all
// that it holds back itself.

'use strict';

const { Duplex, getDefaultHighWaterMark } = require('stream');
const { Buffer } = require('buffer');
const { channel } = require('diagnostics_channel');
const { codes: {
  ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_MISSING_ARGS, ERR_OUT_OF_RANGE, ERR_SOCKET_CLOSED,
  ERR_STREAM_NULL_VALUES,
}, nodeError } = require('internal/errors');
const {
  validateBoolean, validateFunction, validateInt32, validateNumber, validatePort, validateString,
  validateStringWithoutNullBytes,
} = require('internal/validators');
const { isNormalized, normalizeArgs } = require('internal/net_arguments');
const { follow, numberOf, unfollow } = require('internal/dispatch');
const { BlockList } = require('internal/blocklist');

const { Socket: Handle, isIP } = binding.net;

const kNative = Symbol('native');
const kHandle = Symbol('handle');
/** Whether the contract may hand over what was received. */
const kReading = Symbol('reading');
/** Whether the peer's end came while nobody was reading. */
const kEndHeld = Symbol('endHeld');
/** Whether `drain` is due: a write said false. */
const kNeedDrain = Symbol('needDrain');
const kHadError = Symbol('hadError');
/** Whether the connection is closed below. */
const kClosed = Symbol('closed');
/** Whether a reset waits for the connection. */
const kResetting = Symbol('resetting');
const kLookup = Symbol('lookup');
/** The options of the last `connect`, and the error of its own lookup. */
const kAttempt = Symbol('attempt');
const kOnread = Symbol('onread');
const kBlockList = Symbol('blockList');

const noBytes = new Uint8Array(0);
const TIMEOUT_MAX = 2 ** 31 - 1;
const maxTypeOfService = 255;

const created = channel('net.client.socket');

function Socket(options) {
  if (!(this instanceof Socket)) return new Socket(options);
  for (const mode of ['objectMode', 'readableObjectMode', 'writableObjectMode']) {
    if (options?.[mode]) throw new ERR_INVALID_ARG_VALUE(`options.${mode}`, options[mode], 'is not supported');
  }
  if (options?.keepAliveInitialDelay !== undefined) {
    validateNumber(options.keepAliveInitialDelay, 'options.keepAliveInitialDelay');
    if (options.keepAliveInitialDelay < 0) options.keepAliveInitialDelay = 0;
  }
  options = typeof options === 'number' ? { fd: options } : { ...options };
  if (options.typeOfService !== undefined) {
    validateInt32(options.typeOfService, 'options.typeOfService', 0, maxTypeOfService);
  }
  if (options.blockList && !BlockList.isBlockList(options.blockList)) {
    throw new ERR_INVALID_ARG_TYPE('options.blockList', 'net.BlockList', options.blockList);
  }
  options.allowHalfOpen = Boolean(options.allowHalfOpen);
  options.emitClose = false;
  options.autoDestroy = true;
  options.decodeStrings = false;
  const highWaterMark = options.readableHighWaterMark ?? options.highWaterMark ?? getDefaultHighWaterMark(false);
  this.connecting = false;
  this._hadError = false;
  this._parent = null;
  this._host = null;
  this.server = null;
  this._server = null;
  this[kHandle] = null;
  this[kEndHeld] = false;
  this[kNeedDrain] = false;
  this[kHadError] = false;
  this[kClosed] = false;
  this[kResetting] = false;
  this[kLookup] = null;
  this[kAttempt] = {};
  this[kOnread] = userBuffer(options.onread);
  this[kNative] = nativeOf(options, highWaterMark);
  // A signal that is aborted already destroys the socket within.
  Duplex.call(this, options);
  if (options.blockList) this.blockList = options.blockList;
  if (options.noDelay) this.setNoDelay(true);
  if (options.keepAlive) this.setKeepAlive(true, options.keepAliveInitialDelay);
  if (options.typeOfService !== undefined) this.setTypeOfService(options.typeOfService);
  this.on('end', ended);

  if (options.handle || options.fd !== undefined) {
    this[kHandle] = this[kNative];
    follow(this[kNative], this);
    if (options.readable === false) return;
    if (options.pauseOnCreate) this._readableState.flowing = false;
    else if (!options.manualStart) this.read(0);
  }
}
Object.setPrototypeOf(Socket.prototype, Duplex.prototype);
Object.setPrototypeOf(Socket, Duplex);

/** The socket of the contract: that of a connection, of a descriptor, or a new one. Nothing is read of it yet. */
function nativeOf({ handle, fd }, highWaterMark) {
  if (handle) return handle;
  const options = { allowHalfOpen: true, highWaterMark };
  if (fd !== undefined) validateInt32(fd, 'fd', 0);
  const native = fd === undefined ? new Handle(options) : Handle.fromFd(fd, options);
  native.pause();
  return native;
}

/** The option `onread`: a buffer of the program that takes what comes, in place of `data`. */
function userBuffer(onread) {
  if (onread === null || typeof onread !== 'object' || typeof onread.callback !== 'function') return null;
  const { buffer, callback } = onread;
  if (typeof buffer === 'function') return { next: buffer, callback, buffer: null, rest: null };
  return buffer instanceof Uint8Array ? { buffer, callback, next: null, rest: null } : null;
}

Socket.prototype._event = function (kind, value) {
  switch (kind) {
    case 'data': return received(this, value);
    case 'drain': return drained(this);
    case 'finish': return finished(this);
    case 'end': return this[kReading] && !this[kOnread]?.rest ? peerEnded(this) : void (this[kEndHeld] = true);
    case 'connect': return connected(this);
    case 'ready':
      this.emit('ready');
      // The end may come at once, and nobody else would see it.
      if (!this.isPaused() && !this.destroyed) this.read(0);
      return undefined;
    case 'timeout': return void this.emit('timeout');
    case 'lookupRequest': return requested(this);
    case 'lookup': {
      const error = value.error && (this[kAttempt].lookupError ?? value.error);
      return void this.emit('lookup', error ?? null, value.address, value.family, value.host);
    }
    case 'error': return void this.destroy(detailed(value, this[kAttempt]));
    case 'close': return closed(this);
    default: return undefined;
  }
};

// Receiving.

function received(socket, bytes) {
  if (socket.destroyed) return;
  if (socket[kOnread] !== null) {
    toUser(socket, bytes);
    return;
  }
  if (!(bytes instanceof Buffer)) Object.setPrototypeOf(bytes, Buffer.prototype);
  if (flowsThrough(socket)) {
    // What `push` does of all that, without a read of its own after each piece: we go on reading.
    socket._readableState.dataEmitted = true;
    socket.emit('data', bytes);
  } else if (!socket.push(bytes)) stopReading(socket);
}

/** Whether `push` would emit `data` at once: it flows, holds nothing, and nobody decodes or pipes. */
function flowsThrough(socket) {
  const state = socket._readableState;
  return state.flowing === true && state.length === 0 && !state.sync && !state.ended && !state.decoder &&
    !state.awaitDrainWriters && state.pipes.length === 0 && socket._events.data !== undefined;
}

/** Fills the program's buffer as often as it takes; what is left when it pauses waits. */
function toUser(socket, bytes) {
  const onread = socket[kOnread];
  onread.rest = null;
  for (let from = 0; from < bytes.length;) {
    if (!socket[kReading]) {
      onread.rest = bytes.subarray(from);
      return;
    }
    if (onread.buffer === null) onread.buffer = onread.next();
    const part = bytes.subarray(from, from + onread.buffer.length);
    if (part.length === 0) return;
    onread.buffer.set(part);
    from += part.length;
    const goesOn = Reflect.apply(onread.callback, socket, [part.length, onread.buffer]) !== false;
    if (onread.next !== null) onread.buffer = onread.next();
    if (!goesOn) stopReading(socket);
    if (socket.destroyed) return;
  }
  if (socket[kEndHeld] && socket[kReading]) peerEnded(socket);
}

function stopReading(socket) {
  socket[kReading] = false;
  if (!socket.destroyed) socket[kNative].pause();
}

function startReading(socket) {
  if (socket[kReading]) return;
  socket[kReading] = true;
  socket[kNative].resume();
  if (socket[kOnread]?.rest) process.nextTick(() => toUser(socket, socket[kOnread].rest ?? noBytes));
  else if (socket[kEndHeld]) process.nextTick(peerEnded, socket);
}

function peerEnded(socket) {
  socket[kEndHeld] = false;
  if (socket.destroyed) return;
  socket.push(null);
  socket.read(0);
}

Socket.prototype._read = function (n) {
  if (this.connecting || !this[kHandle]) this.once('connect', () => this._read(n));
  else startReading(this);
};

Socket.prototype.pause = function () {
  if (this[kOnread] !== null && this[kHandle] && !this.connecting && this[kReading]) stopReading(this);
  return Duplex.prototype.pause.call(this);
};

for (const name of ['resume', 'read']) {
  const method = Duplex.prototype[name];
  Socket.prototype[name] = function (n) {
    if (this[kOnread] !== null && this[kHandle] && !this.connecting) startReading(this);
    return method.call(this, n);
  };
}

// Writing. What is written goes to the contract at once, and so does the end: its rules say what
// waits, what calls back when, and what is an error. The Duplex's own queue is used while the
// socket is corked.

function holdsBack(socket) {
  const state = socket._writableState;
  return state.corked > 0 || state.length > 0;
}

/** Data as text, or as bytes. */
function checkedChunk(chunk) {
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return chunk;
  if (chunk === null) throw new ERR_STREAM_NULL_VALUES();
  if (!ArrayBuffer.isView(chunk)) {
    throw new ERR_INVALID_ARG_TYPE('chunk', ['string', 'Buffer', 'TypedArray', 'DataView'], chunk);
  }
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

Socket.prototype.write = function (chunk, encoding, callback) {
  if (typeof encoding === 'function') {
    callback = encoding;
    encoding = undefined;
  }
  chunk = checkedChunk(chunk);
  // After the own end a write destroys the socket at once.
  if (holdsBack(this) || (this.writableEnded && !this.destroyed)) {
    return Duplex.prototype.write.call(this, chunk, encoding, orNull(callback));
  }
  follow(this[kNative], this);
  const all = send(this, chunk, encoding, typeof callback === 'function' ? numberOf(callback) : undefined);
  if (!all) this[kNeedDrain] = true;
  return all;
};

/** A callback that is told `null` where there is no error, as Node does; npm's Duplex says nothing. */
function orNull(callback) {
  return typeof callback === 'function' ? (error) => callback(error ?? null) : callback;
}

/** Hands data to the contract. */
function send(socket, chunk, encoding, done) {
  const native = socket[kNative];
  if (typeof chunk !== 'string') return done === undefined ? native.write(chunk) : native.write(chunk, done);
  const name = encoding === 'buffer' || encoding == null ? socket._writableState.defaultEncoding : encoding;
  return done === undefined ? native.writeText(chunk, name) : native.writeText(chunk, name, done);
}

Socket.prototype._write = function (chunk, encoding, callback) {
  if (!send(this, chunk, encoding, numberOf(callback))) this[kNeedDrain] = true;
};

Socket.prototype._writev = function (chunks, callback) {
  const parts = chunks.map(({ chunk, encoding }) =>
    typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
  const bytes = parts.length === 1 ? parts[0] : Buffer.concat(parts);
  if (!this[kNative].write(bytes, numberOf(callback))) this[kNeedDrain] = true;
};

function drained(socket) {
  if (!socket[kNeedDrain]) return;
  socket[kNeedDrain] = false;
  if (!socket.writableEnded && !socket.destroyed) socket.emit('drain');
}

Socket.prototype.end = function (chunk, encoding, callback) {
  if (typeof chunk === 'function') [chunk, encoding, callback] = [undefined, undefined, chunk];
  else if (typeof encoding === 'function') [encoding, callback] = [undefined, encoding];
  if (chunk !== undefined && chunk !== null) chunk = checkedChunk(chunk);
  if (holdsBack(this)) {
    Duplex.prototype.end.call(this, chunk, encoding, orNull(callback));
    return this;
  }
  const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding ?? undefined) : chunk ?? undefined;
  const done = typeof callback === 'function' ? numberOf(callback) : undefined;
  follow(this[kNative], this);
  this._writableState.ending = this._writableState.ended = true;
  if (done === undefined) this[kNative].end(bytes);
  else this[kNative].end(bytes, done);
  return this;
};

/** The end of what the Duplex held back. */
Socket.prototype._final = function (callback) {
  this[kNative].end(undefined, numberOf(callback));
};

/** The contract has sent everything, and the end. */
function finished(socket) {
  const { _writableState: state, _readableState: readable } = socket;
  // The Duplex finishes by itself if the end was its own.
  if (state.finalCalled || state.finished || socket.destroyed) return;
  state.prefinished = state.finished = true;
  socket.emit('prefinish');
  socket.emit('finish');
  if (readable.endEmitted) socket.destroy();
}

/** `write` once the peer has ended, and with it the socket. */
function writeAfterEnd(chunk, encoding, callback) {
  if (!this.writableEnded) return Socket.prototype.write.call(this, chunk, encoding, callback);
  if (typeof encoding === 'function') callback = encoding;
  const error = nodeError('This socket has been ended by the other party', { code: 'EPIPE' });
  if (typeof callback === 'function') process.nextTick(callback, error);
  this.destroy(error);
  return false;
}

function ended() {
  if (!this.allowHalfOpen) this.write = writeAfterEnd;
}

// The end of it.

Socket.prototype.destroySoon = function () {
  if (this.writable) this.end();
  if (this.writableFinished) this.destroy();
  else this.once('finish', this.destroy);
};

Socket.prototype._destroy = function (error, callback) {
  this.connecting = false;
  this[kLookup] = null;
  // `close` says nothing of errors if there never was a connection.
  this[kHadError] = this[kHandle] ? Boolean(error) : undefined;
  this[kHandle] = null;
  follow(this[kNative], this);
  // A reset that waited for the connection is the contract's to do.
  if (!this[kResetting] || error) this[kNative].destroy();
  callback(error);
  if (this[kClosed]) process.nextTick(closed, this);
};

Socket.prototype.resetAndDestroy = function () {
  if (!this[kHandle]) this.destroy(new ERR_SOCKET_CLOSED());
  else {
    this[kNative].resetAndDestroy();
    // While the socket connects, the reset waits for the connection.
    if (this.connecting) this[kResetting] = true;
    else this.destroy();
  }
  return this;
};

/** An error with what JavaScript alone knows of the attempt to connect. */
function detailed(error, { host, port, localAddress, localPort, lookupError }) {
  if (lookupError !== undefined && error.code === lookupError.code) return lookupError;
  if (error.code === 'ERR_INVALID_ADDRESS_FAMILY') Object.assign(error, { host, port });
  if (error.syscall === 'connect' && localAddress && localPort) Object.assign(error, { localAddress, localPort });
  return error;
}

function closed(socket) {
  socket[kClosed] = true;
  // The contract closes once both sides have ended. Here the program may have to read first.
  if (!socket.destroyed) return;
  unfollow(socket[kNative], socket);
  if (socket[kHadError] === undefined) socket.emit('close');
  else socket.emit('close', socket[kHadError]);
}

// Connecting.

Socket.prototype.connect = function (...args) {
  const [options, callback] = isNormalized(args[0]) ? args[0] : normalizeArgs(args);
  if (created.hasSubscribers) created.publish({ socket: this });
  if (callback !== null) this.once('connect', callback);
  if (this._parent?.connecting) return this;
  if (options.port === undefined && options.path == null) {
    throw new ERR_MISSING_ARGS(['options', 'port', 'path']);
  }
  if (this.write !== Socket.prototype.write) this.write = Socket.prototype.write;
  if (this.destroyed) this[kHandle] = null;
  if (!this[kHandle]) {
    // A socket that has closed, or ended without a connection, begins anew.
    this._undestroy();
    this[kHandle] = this[kNative];
    this[kReading] = this[kEndHeld] = this[kNeedDrain] = this[kHadError] = this[kClosed] = false;
    this[kNative].pause();
  }
  const { connecting } = this;
  this.connecting = true;
  follow(this[kNative], this);
  try {
    if (options.path) {
      validateString(options.path, 'options.path');
      this[kNative].connectPath(options.path);
    } else connectTcp(this, options);
  } catch (error) {
    this.connecting = connecting;
    throw error;
  }
  return this;
};

function connectTcp(socket, options) {
  const { localAddress, localPort, lookup } = options;
  const host = options.host || 'localhost';
  validateStringWithoutNullBytes(host, 'options.host');
  if (localPort) validateNumber(localPort, 'options.localPort');
  if (typeof options.port !== 'number' && typeof options.port !== 'string') {
    throw new ERR_INVALID_ARG_TYPE('options.port', ['number', 'string'], options.port);
  }
  validatePort(options.port);
  if (options.autoSelectFamily != null) validateBoolean(options.autoSelectFamily, 'options.autoSelectFamily');
  if (options.autoSelectFamilyAttemptTimeout != null) {
    validateInt32(options.autoSelectFamilyAttemptTimeout, 'options.autoSelectFamilyAttemptTimeout', 1);
  }
  const isName = isIP(host) === 0;
  if (isName && lookup != null) validateFunction(lookup, 'options.lookup');
  socket._host = isName ? host : null;
  socket[kAttempt] = { host: options.host, port: options.port | 0, localAddress, localPort };

  const families = { 4: 'IPv4', 6: 'IPv6', IPv4: 'IPv4', IPv6: 'IPv6' };
  socket[kNative].connect({
    port: options.port | 0,
    host,
    localAddress: localAddress || undefined,
    localPort: localPort || undefined,
    family: families[options.family],
    hints: options.hints || 0,
    lookup: isName && lookup != null,
    autoSelectFamily: options.autoSelectFamily ?? undefined,
    autoSelectFamilyAttemptTimeout: options.autoSelectFamilyAttemptTimeout ?? undefined,
    noDelay: false,
    keepAlive: undefined,
    timeout: undefined,
  });
  if (isName && lookup != null) askProgram(socket, host, options);
}

/** Calls the option `lookup`, within `connect` as Node does. */
function askProgram(socket, host, options) {
  const family = { IPv4: 4, IPv6: 6 }[options.family] ?? options.family;
  const request = { family, hints: options.hints || 0 };
  const single = family === 4 || family === 6;
  if (!single && request.hints === 0) request.hints = require('dns').ADDRCONFIG;
  const auto = options.autoSelectFamily ?? binding.net.getDefaultAutoSelectFamily();
  if (!single && !options.localAddress && auto) request.all = true;

  const lookup = { requested: false, answer: null };
  socket[kLookup] = lookup;
  options.lookup(host, request, (error, found, foundFamily) => {
    if (socket[kLookup] !== lookup || lookup.answer !== null) return;
    if (error) socket[kAttempt].lookupError = error;
    const addresses = request.all && Array.isArray(found) ? found : [{ address: found, family: foundFamily }];
    lookup.answer = [
      error || null,
      error ? [] : addresses.map((one) => ({ address: String(one?.address), family: Number(one?.family) || 0 })),
    ];
    if (lookup.requested) answer(socket);
  });
}

function requested(socket) {
  if (socket[kLookup] === null) return;
  socket[kLookup].requested = true;
  if (socket[kLookup].answer !== null) answer(socket);
}

function answer(socket) {
  const [error, addresses] = socket[kLookup].answer;
  socket[kLookup] = null;
  socket[kNative].lookedUp(error, addresses);
}

function connected(socket) {
  socket.connecting = false;
  socket.emit('connect');
  if (socket[kResetting] && !socket.destroyed) {
    socket.destroy();
    socket[kResetting] = false;
  }
}

// Options and properties.

Socket.prototype.setTimeout = function (milliseconds, callback) {
  if (this.destroyed) return this;
  this.timeout = milliseconds;
  validateNumber(milliseconds, 'msecs');
  if (milliseconds < 0 || !Number.isFinite(milliseconds)) {
    throw new ERR_OUT_OF_RANGE('msecs', 'a non-negative finite number', milliseconds);
  }
  if (milliseconds > TIMEOUT_MAX) {
    process.emitWarning(`${milliseconds} does not fit into a 32-bit signed integer.` +
      `\nTimer duration was truncated to ${TIMEOUT_MAX}.`, 'TimeoutOverflowWarning');
  }
  // A timer of Node takes at least a millisecond, and 0 is none.
  this[kNative].setTimeout(milliseconds === 0 ? 0 : Math.max(1, Math.trunc(Math.min(milliseconds, TIMEOUT_MAX))));
  if (milliseconds !== 0) follow(this[kNative], this);
  if (callback !== undefined) {
    validateFunction(callback, 'callback');
    if (milliseconds === 0) this.removeListener('timeout', callback);
    else this.once('timeout', callback);
  }
  return this;
};

Socket.prototype.setNoDelay = function (enable = true) {
  this[kNative].setNoDelay(Boolean(enable));
  return this;
};

Socket.prototype.setKeepAlive = function (enable, initialDelay, interval, count) {
  if (enable !== null && typeof enable === 'object') ({ enable, initialDelay, interval, count } = enable);
  const whole = (value) => Math.max(0, Math.trunc(Number(value) || 0));
  this[kNative].setKeepAlive(
    Boolean(enable), whole(initialDelay),
    interval === undefined ? undefined : whole(interval),
    count === undefined ? undefined : whole(count),
  );
  return this;
};

Socket.prototype.setTypeOfService = function (tos) {
  if (Number.isNaN(tos)) throw new ERR_INVALID_ARG_TYPE('tos', 'number', tos);
  validateInt32(tos, 'tos', 0, maxTypeOfService);
  this[kNative].setTypeOfService(tos);
  return this;
};

Socket.prototype.getTypeOfService = function () {
  return this[kNative].getTypeOfService();
};

for (const name of ['ref', 'unref']) {
  Socket.prototype[name] = function () {
    this[kNative][name]();
    return this;
  };
}

Socket.prototype.address = function () {
  return this[kNative].address() ?? {};
};

Socket.prototype._getsockname = Socket.prototype.address;

Socket.prototype._getpeername = function () {
  return this[kNative].remoteAddress() ?? {};
};

function getter(name, get, enumerable = true) {
  Object.defineProperty(Socket.prototype, name, { configurable: !enumerable, enumerable, get });
}

getter('remoteAddress', function () { return this._getpeername().address; });
getter('remoteFamily', function () { return this._getpeername().family; });
getter('remotePort', function () { return this._getpeername().port; });
getter('localAddress', function () { return this.address().address; });
getter('localFamily', function () { return this.address().family; });
getter('localPort', function () { return this.address().port; });
getter('bytesRead', function () { return this[kNative].bytesRead(); });
getter('_bytesDispatched', function () { return this[kNative].bytesWritten(); });
getter('bytesWritten', function () {
  let bytes = this[kNative].bytesWritten();
  for (const { chunk, encoding } of this.writableBuffer) bytes += Buffer.byteLength(chunk, encoding);
  return bytes;
});
getter('_connecting', function () { return this.connecting; }, false);
getter('pending', function () { return !this[kHandle] || this.connecting; }, false);
getter('bufferSize', function () { return this[kHandle] ? this.writableLength : undefined; }, false);
getter('readyState', function () {
  if (this.connecting) return 'opening';
  if (this.readable) return this.writable ? 'open' : 'readOnly';
  return this.writable ? 'writeOnly' : 'closed';
}, false);
getter('autoSelectFamilyAttemptedAddresses', function () {
  return this[kNative].autoSelectFamilyAttemptedAddresses();
}, false);
getter('writableLength', function () {
  return this._writableState.length + this[kNative].bufferSize();
}, false);
getter('writableNeedDrain', function () {
  return !this.destroyed && !this.writableEnded && (this[kNeedDrain] || this._writableState.needDrain);
}, false);

Object.defineProperty(Socket.prototype, '_handle', {
  configurable: true,
  get() { return this[kHandle]; },
  set(handle) { this[kHandle] = handle; },
});

Object.defineProperty(Socket.prototype, 'blockList', {
  configurable: true,
  get() { return this[kBlockList]; },
  set(list) {
    this[kBlockList] = list;
    this[kNative].setBlockList(BlockList.native(list));
  },
});

module.exports = { Socket, nativeOf: (socket) => socket[kNative] };
