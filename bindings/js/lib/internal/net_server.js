// `net.Server`: an EventEmitter on a server of the contract, whose rules hold.

'use strict';

const EventEmitter = require('events');
const { channel, tracingChannel } = require('diagnostics_channel');
const { codes: {
  ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_SERVER_ALREADY_LISTEN, ERR_SERVER_NOT_RUNNING,
} } = require('internal/errors');
const { validateAbortSignal, validateNumber, validatePort } = require('internal/validators');
const { isPath, normalizeArgs, toNumber } = require('internal/net_arguments');
const { follow, unfollow } = require('internal/dispatch');
const { BlockList } = require('internal/blocklist');
const { Socket, nativeOf } = require('internal/net_socket');

const { Server: Handle, Socket: SocketHandle } = binding.net;

const kNative = Symbol('native');
const kMaxConnections = Symbol('maxConnections');
const kBlockList = Symbol('blockList');
const kPort = Symbol('port');

const defaultHighWaterMark = 64 * 1024;

const accepted = channel('net.server.socket');
const listening = tracingChannel('net.server.listen');

function Server(options, listener) {
  if (!(this instanceof Server)) return new Server(options, listener);
  EventEmitter.call(this);
  if (typeof options === 'function') {
    listener = options;
    options = {};
  } else if (options != null && typeof options !== 'object') {
    throw new ERR_INVALID_ARG_TYPE('options', 'Object', options);
  }
  options = { ...options };
  if (typeof listener === 'function') this.on('connection', listener);
  if (options.keepAliveInitialDelay !== undefined) {
    validateNumber(options.keepAliveInitialDelay, 'options.keepAliveInitialDelay');
    if (options.keepAliveInitialDelay < 0) options.keepAliveInitialDelay = 0;
  }
  if (options.highWaterMark !== undefined) {
    validateNumber(options.highWaterMark, 'options.highWaterMark');
    if (options.highWaterMark < 0) options.highWaterMark = defaultHighWaterMark;
  }
  if (options.blockList && !BlockList.isBlockList(options.blockList)) {
    throw new ERR_INVALID_ARG_TYPE('options.blockList', 'net.BlockList', options.blockList);
  }

  this.allowHalfOpen = options.allowHalfOpen || false;
  this.pauseOnConnect = Boolean(options.pauseOnConnect);
  this.noDelay = Boolean(options.noDelay);
  this.keepAlive = Boolean(options.keepAlive);
  this.keepAliveInitialDelay = ~~(options.keepAliveInitialDelay / 1000);
  this.highWaterMark = options.highWaterMark ?? defaultHighWaterMark;
  // Sockets end and begin to read by themselves: see `net.Socket`.
  this[kNative] = new Handle({
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: this.noDelay,
    keepAlive: this.keepAlive ? Math.trunc(options.keepAliveInitialDelay ?? 0) : undefined,
    highWaterMark: Math.trunc(this.highWaterMark),
  });
  if (options.blockList) this.blockList = options.blockList;
}
Object.setPrototypeOf(Server.prototype, EventEmitter.prototype);
Object.setPrototypeOf(Server, EventEmitter);

Server.prototype._event = function (kind, value) {
  switch (kind) {
    case 'listening':
      if (!this.listening) return undefined;
      nameConnections(this);
      return void this.emit('listening');
    case 'connection': return accept(this);
    case 'drop': return drop(this, value);
    case 'error':
      if (listening.hasSubscribers) listening.error.publish({ server: this, error: value });
      return void this.emit('error', value);
    case 'close':
      if (!this.listening) unfollow(this[kNative], this);
      return void this.emit('close');
    default: return undefined;
  }
};

/** Node's name of what a server listens on, by which it finds servers of a cluster. */
function nameConnections(server, port) {
  if (port !== undefined) server[kPort] = port;
  const address = server[kNative].address();
  server._connectionKey = address === undefined
    ? `-1:${server[kNative].path() ?? null}:-1`
    : `${address.family === 'IPv6' ? 6 : 4}:${address.address}:${server[kPort] ?? address.port}`;
}

function accept(server) {
  const handle = server[kNative].accept();
  if (handle === undefined) return;
  const socket = new Socket({
    handle,
    allowHalfOpen: server.allowHalfOpen,
    pauseOnCreate: server.pauseOnConnect,
    readableHighWaterMark: server.highWaterMark,
    writableHighWaterMark: server.highWaterMark,
  });
  socket.server = server;
  socket._server = server;
  server.emit('connection', socket);
  if (accepted.hasSubscribers) accepted.publish({ socket });
}

function drop(server, { local, remote }) {
  if (local === undefined && remote === undefined) {
    server.emit('drop');
    return;
  }
  server.emit('drop', {
    __proto__: null,
    localAddress: local?.address,
    localPort: local?.port,
    localFamily: local?.family,
    remoteAddress: remote?.address,
    remotePort: remote?.port,
    remoteFamily: remote?.family,
  });
}

Server.prototype.listen = function (...args) {
  let [options, callback] = normalizeArgs(args);
  if (this.listening) throw new ERR_SERVER_ALREADY_LISTEN();
  if (listening.hasSubscribers) listening.asyncStart.publish({ server: this, options });
  if (callback !== null) this.once('listening', callback);
  const backlogArgument =
    toNumber(args.length > 1 && args[1]) || toNumber(args.length > 2 && args[2]) || undefined;
  const native = this[kNative];
  const begin = (how) => {
    follow(native, this);
    how();
    if (this.listening) nameConnections(this, options.port);
    if (listening.hasSubscribers && this.listening) listening.asyncEnd.publish({ server: this });
    return this;
  };

  if (options instanceof Server) {
    const other = options;
    return begin(() => native.listenServer(other[kNative], backlogArgument));
  }
  if (options instanceof Socket) {
    const other = options;
    return begin(() => native.listenSocket(nativeOf(other), backlogArgument));
  }
  options = options._handle || options.handle || options;
  if (options instanceof Handle) {
    return begin(() => native.listenServer(options, backlogArgument));
  }
  if (options instanceof SocketHandle) {
    return begin(() => native.listenSocket(options, backlogArgument));
  }
  closeOnAbort(this, options.signal);
  if (typeof options.fd === 'number' && options.fd >= 0) {
    return begin(() => native.listenFd(options.fd, backlogArgument));
  }

  // `listen()`, `listen(null)`, `listen(callback)`, `listen({ port: undefined })`: any port.
  if (args.length === 0 || typeof args[0] === 'function' ||
      (options.port === undefined && 'port' in options) || options.port === null) {
    options.port = 0;
  }
  const backlog = toNumber(options.backlog) || backlogArgument;
  const exclusive = Boolean(options.exclusive);
  if (typeof options.port === 'number' || typeof options.port === 'string') {
    validatePort(options.port, 'options.port');
    return begin(() => native.listen({
      port: options.port | 0,
      host: options.host || undefined,
      backlog,
      exclusive,
      ipv6Only: options.ipv6Only === true,
      reusePort: options.reusePort === true,
    }));
  }
  if (options.path && isPath(options.path)) {
    if (options.path[0] === '\0' && (options.readableAll || options.writableAll)) {
      throw new ERR_INVALID_ARG_VALUE('options', options,
        'can not set readableAll or writableAllt to true when path is abstract unix socket');
    }
    return begin(() => native.listenPath({
      path: options.path,
      backlog,
      exclusive,
      readableAll: options.readableAll === true,
      writableAll: options.writableAll === true,
    }));
  }
  if (!('port' in options || 'path' in options)) {
    throw new ERR_INVALID_ARG_VALUE('options', options, 'must have the property "port" or "path"');
  }
  throw new ERR_INVALID_ARG_VALUE('options', options);
};

function closeOnAbort(server, signal) {
  if (signal === undefined) return;
  validateAbortSignal(signal, 'options.signal');
  const close = () => server.close();
  if (signal.aborted) process.nextTick(close);
  else {
    const listener = EventEmitter.addAbortListener(signal, close);
    server.once('close', () => listener[Symbol.dispose]());
  }
}

Server.prototype.close = function (callback) {
  if (typeof callback === 'function') {
    if (this.listening) this.once('close', callback);
    else this.once('close', () => callback(new ERR_SERVER_NOT_RUNNING()));
  }
  follow(this[kNative], this);
  this[kNative].close();
  return this;
};

Server.prototype[Symbol.asyncDispose] = function () {
  if (!this.listening) return Promise.resolve();
  return new Promise((resolve, reject) => this.close((error) => error ? reject(error) : resolve()));
};

Server.prototype.address = function () {
  return this[kNative].address() ?? this[kNative].path() ?? null;
};

Server.prototype.getConnections = function (callback) {
  process.nextTick(callback, null, this[kNative].connections());
  return this;
};

Server.prototype.ref = function () {
  this[kNative].ref();
  return this;
};

Server.prototype.unref = function () {
  this[kNative].unref();
  return this;
};

Server.prototype[EventEmitter.captureRejectionSymbol] = function (error, event, socket) {
  if (event === 'connection') socket.destroy(error);
  else this.emit('error', error);
};

Object.defineProperties(Server.prototype, {
  listening: {
    configurable: true,
    enumerable: true,
    get() { return this[kNative].listening(); },
  },
  _handle: {
    configurable: true,
    get() { return this.listening ? this[kNative] : null; },
  },
  _connections: {
    configurable: true,
    get() { return this[kNative].connections(); },
  },
  maxConnections: {
    configurable: true,
    enumerable: true,
    get() { return this[kMaxConnections]; },
    set(value) {
      this[kMaxConnections] = value;
      // Above that number connections are dropped; of what is no number, none is.
      const number = value == null ? NaN : Number(value);
      this[kNative].setMaxConnections(Number.isFinite(number) ? Math.max(0, Math.ceil(number)) : undefined);
    },
  },
  blockList: {
    configurable: true,
    enumerable: true,
    get() { return this[kBlockList]; },
    set(list) {
      this[kBlockList] = list;
      this[kNative].setBlockList(BlockList.native(list));
    },
  },
});

module.exports = { Server };
