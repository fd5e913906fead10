// A `net.Socket`: its events in the trace, and the steps that concern it.

import net from 'node:net';
import { dataOf } from './language.mjs';
import { pathFor, portOf } from './places.mjs';
import { address, data, error, print } from './trace.mjs';

/** A block list of these addresses. */
export function blocking(addresses) {
  const list = new net.BlockList();
  for (const address of addresses) list.addAddress(address, address.includes(':') ? 'ipv6' : 'ipv4');
  return list;
}

function socketOptions(flags, options) {
  const highWaterMark = options['high-water-mark'];
  return {
    allowHalfOpen: flags.includes('allow-half-open'),
    ...(highWaterMark && { highWaterMark: Number(highWaterMark) }),
  };
}

/** Those of `socket.connect`. */
function connectOptions(flags, options) {
  const path = pathFor(options);
  if (path !== undefined) return { path };
  const number = (key) => options[key] === undefined ? undefined : Number(options[key]);
  const auto = options['auto-select-family'];
  return {
    port: portOf(options.port),
    host: options.host,
    localAddress: options['local-address'],
    localPort: options['local-port'] && portOf(options['local-port']),
    family: number('family'),
    hints: number('hints'),
    ...(auto && { autoSelectFamily: auto === 'true' }),
    ...(options['attempt-timeout'] && { autoSelectFamilyAttemptTimeout: number('attempt-timeout') }),
  };
}

export class SocketObject {
  #run;
  #name;
  /** What came since the last line of this socket. */
  #chunks = [];
  /** The functions of callbacks, by their labels. */
  #callbacks = new Map();
  /** Node's callback of the last request of a lookup. */
  #lookedUp;
  /** How many bytes came in all. */
  received = 0;
  handle;

  static create(run, [name, ...flags], options) {
    const socket = new net.Socket(socketOptions(flags, options));
    return new SocketObject(run, name, socket, flags.includes('unread'));
  }

  /** Creates a socket that connects. */
  static connect(run, [name, ...flags], options) {
    const { timeout, 'keep-alive': keepAlive } = options;
    const socket = net.createConnection({
      ...socketOptions(flags, options),
      ...connectOptions(flags, options),
      ...(timeout && { timeout: Number(timeout) }),
      ...(keepAlive && { keepAlive: true, keepAliveInitialDelay: Number(keepAlive) }),
      noDelay: flags.includes('no-delay'),
    });
    return new SocketObject(run, name, socket, flags.includes('unread'));
  }

  constructor(run, name, socket, unread) {
    this.#run = run;
    this.#name = name;
    this.handle = socket;
    this.#listen(unread);
  }

  #listen(unread) {
    const on = (event, text = () => '') => this.handle.on(event, (...args) => {
      this.#tell(event, text(...args));
    });
    on('lookup', (e, ip, family, host) => ` ${host} ${e ? error(e) : `${ip} ${family}`}`);
    on('connect');
    on('ready');
    if (!unread) this.onData();
    on('drain');
    on('finish');
    on('end');
    on('timeout');
    on('error', (e) => ` ${error(e)}`);
    on('close', (hadError) => ` ${hadError ?? false}`);
  }

  #tell(event, text) {
    this.flush();
    print(`${this.#name} ${event}${text}`);
    this.#run.emitted(this.#name, event);
  }

  #callback({ callback }) {
    if (callback === undefined) return [];
    if (!this.#callbacks.has(callback)) {
      this.#callbacks.set(callback, (e) => {
        this.#tell(`callback ${callback}`, e ? ` ${error(e)}` : '');
      });
    }
    return [this.#callbacks.get(callback)];
  }

  /** Prints what came since the last line of this socket. */
  flush() {
    if (this.#chunks.length === 0) return;
    const chunks = this.#chunks.splice(0);
    const isText = typeof chunks[0] === 'string';
    const bytes = isText ? Buffer.from(chunks.join('')) : Buffer.concat(chunks);
    print(`${this.#name} ${isText ? 'text' : 'data'} ${data(bytes)}`);
  }

  onData() {
    this.handle.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.received += Buffer.byteLength(chunk);
      this.#run.emitted(this.#name, 'data', this.received);
    });
  }

  connect(flags, options) {
    const { timeout, 'keep-alive': keepAlive } = options;
    if (timeout) this.handle.setTimeout(Number(timeout));
    if (flags.includes('no-delay')) this.handle.setNoDelay(true);
    if (keepAlive) this.handle.setKeepAlive(true, Number(keepAlive));
    this.handle.connect({
      ...connectOptions(flags, options),
      lookup: flags.includes('lookup') ? this.#lookup.bind(this) : undefined,
    }, ...this.#callback(options));
  }

  /** Node calls it within `connect`; as an event it comes after. */
  #lookup(hostname, { family, hints, all }, done) {
    this.#lookedUp = { done, all };
    const text = ` ${hostname} family=${family || 'none'} hints=${hints ?? 0} all=${all ?? false}`;
    process.nextTick(() => this.#tell('lookup-request', text));
  }

  /** Node would emit `lookup` within the call; here events come after it. */
  lookedUp(words, options) {
    if (this.#lookedUp === undefined) return;
    const { done, all } = this.#lookedUp;
    this.#lookedUp = undefined;
    const found = words.map((word) => {
      const [ip, family] = word.split('/');
      return { address: ip, family: Number(family) };
    });
    if (options.error) {
      const e = Object.assign(new Error(options.message), { code: options.error });
      process.nextTick(done, e);
    } else if (all) process.nextTick(done, null, found);
    else process.nextTick(done, null, found[0].address, found[0].family);
  }

  write([word], options) {
    const encoding = options.encoding === undefined ? [] : [options.encoding];
    return this.handle.write(dataOf(word), ...encoding, ...this.#callback(options));
  }

  end([word], options) {
    const chunk = word === undefined ? [] : [dataOf(word)];
    this.handle.end(...chunk, ...this.#callback(options));
  }

  destroy(_, options) {
    const e = options.error && Object.assign(new Error(options.message), { code: options.error });
    this.handle.destroy(e);
  }

  resetAndDestroy() {
    this.handle.resetAndDestroy();
  }

  pause() {
    this.handle.pause();
  }

  resume() {
    this.handle.resume();
  }

  read() {
    const chunk = this.handle.read();
    return chunk === null ? 'none' : data(Buffer.from(chunk));
  }

  setEncoding([encoding]) {
    this.handle.setEncoding(encoding);
  }

  setTimeout([milliseconds], options) {
    this.handle.setTimeout(Number(milliseconds), ...this.#callback(options));
  }

  setNoDelay([value]) {
    this.handle.setNoDelay(value === 'true');
  }

  setKeepAlive([enable, delay, ...probes]) {
    this.handle.setKeepAlive(enable === 'true', Number(delay ?? 0), ...probes.map(Number));
  }

  destroySoon() {
    this.handle.destroySoon();
  }

  /** Node has it as an option alone, which it keeps here. */
  block(addresses) {
    this.handle.blockList = blocking(addresses);
  }

  pipe([destination], options) {
    this.handle.pipe(this.#run.get(destination).handle, { end: options.end !== 'false' });
  }

  unpipe([destination]) {
    this.handle.unpipe(destination && this.#run.get(destination).handle);
  }

  ref() {
    this.handle.ref();
  }

  unref() {
    this.handle.unref();
  }

  property(name) {
    const socket = this.handle;
    switch (name) {
      case 'address': return address(socket.address());
      case 'remote-address': return address(this.#remote());
      case 'bytes-read': return socket.bytesRead;
      case 'bytes-written': return socket.bytesWritten;
      case 'buffer-size': return socket.writableLength;
      case 'connecting': return socket.connecting;
      case 'pending': return socket.pending;
      case 'destroyed': return socket.destroyed;
      case 'ready-state': return socket.readyState;
      case 'timeout': return socket.timeout ?? 'none';
      case 'is-paused': return socket.isPaused();
      default: throw new Error(`a socket has no ${name}`);
    }
  }

  exact(name) {
    switch (name) {
      case 'port': return this.handle.localPort;
      case 'remote-port': return this.handle.remotePort;
      default: return this.property(name);
    }
  }

  #remote() {
    const { remoteAddress, remoteFamily, remotePort } = this.handle;
    return { address: remoteAddress, family: remoteFamily, port: remotePort };
  }
}
