// A `net.Server`: its events in the trace, and the steps that concern it.

import net from 'node:net';
import { SocketObject, blocking } from './socket.mjs';
import { namePort, pathFor, portOf } from './places.mjs';
import { address, error, print } from './trace.mjs';

export class ServerObject {
  #run;
  #name;
  #options;
  #accepted = 0;
  handle;

  constructor(run, [name, ...flags], options) {
    this.#run = run;
    this.#name = name;
    this.#options = { ...options, unread: flags.includes('unread') };
    this.handle = net.createServer({
      allowHalfOpen: flags.includes('allow-half-open'),
      pauseOnConnect: flags.includes('pause-on-connect'),
      noDelay: flags.includes('no-delay'),
      keepAlive: options['keep-alive'] !== undefined,
      keepAliveInitialDelay: Number(options['keep-alive'] ?? 0),
      ...(options['high-water-mark'] && { highWaterMark: Number(options['high-water-mark']) }),
    });
    this.#listen();
  }

  #listen() {
    const tell = (event, what = '') => {
      print(`${this.#name} ${event}${what}`);
      this.#run.emitted(this.#name, event);
    };
    this.handle.on('listening', () => {
      this.#learnPort();
      tell('listening');
    });
    this.handle.on('connection', (socket) => {
      this.#accepted += 1;
      const base = this.#options.accept ?? 'conn';
      const name = this.#accepted === 1 ? base : base + this.#accepted;
      this.#run.add(name, new SocketObject(this.#run, name, socket, this.#options.unread));
      tell('connection', ` ${name}`);
    });
    this.handle.on('drop', (drop) => {
      // Node has nothing to tell of a path.
      const side = (which) => drop && address({
        address: drop[`${which}Address`],
        family: drop[`${which}Family`],
        port: drop[`${which}Port`],
      });
      tell('drop', ` ${side('local') ?? 'none'} ${side('remote') ?? 'none'}`);
    });
    this.handle.on('error', (e) => tell('error', ` ${error(e)}`));
    this.handle.on('close', () => tell('close'));
  }

  #learnPort() {
    const port = this.handle.address()?.port;
    if (port !== undefined) namePort(this.#name, port);
  }

  #callback({ callback }) {
    if (callback === undefined) return [];
    return [(e) => {
      print(`${this.#name} callback ${callback}${e ? ` ${error(e)}` : ''}`);
      this.#run.emitted(this.#name, `callback ${callback}`);
    }];
  }

  flush() {}

  listen(flags, options) {
    const path = pathFor(options, this.#name);
    const place = path === undefined
      ? { port: portOf(options.port ?? '0'), host: options.host }
      : { path, readableAll: flags.includes('readable-all'), writableAll: flags.includes('writable-all') };
    this.handle.listen({
      ...place,
      backlog: options.backlog && Number(options.backlog),
      exclusive: flags.includes('exclusive'),
      ipv6Only: flags.includes('ipv6-only'),
    }, ...this.#callback(options));
    this.#learnPort();
  }

  listenHandle([other], options) {
    const backlog = options.backlog ? [Number(options.backlog)] : [];
    this.handle.listen(this.#run.get(other).handle, ...backlog, ...this.#callback(options));
    this.#learnPort();
  }

  close(_, options) {
    this.handle.close(...this.#callback(options));
  }

  getConnections(_, { callback }) {
    this.handle.getConnections((_, count) => {
      print(`${this.#name} connections ${callback} ${count}`);
      this.#run.emitted(this.#name, `connections ${callback}`);
    });
  }

  setMaxConnections([value]) {
    this.handle.maxConnections = value === 'none' ? undefined : Number(value);
  }

  /** Node has it as an option alone, which it keeps here. */
  block(addresses) {
    this.handle.blockList = blocking(addresses);
  }

  ref() {
    this.handle.ref();
  }

  unref() {
    this.handle.unref();
  }

  property(name) {
    switch (name) {
      case 'listening': return this.handle.listening;
      case 'address': return address(this.handle.address());
      case 'path': {
        const path = this.handle.address();
        return typeof path === 'string' ? address(path) : 'none';
      }
      case 'connections': return this.handle._connections;
      case 'max-connections': return this.handle.maxConnections ?? 'none';
      default: throw new Error(`a server has no ${name}`);
    }
  }

  exact(name) {
    return name === 'port' ? this.handle.address()?.port : this.property(name);
  }
}
