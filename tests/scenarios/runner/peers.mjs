// The peers, which the harness plays: commands go out, replies come in.

import { createInterface } from 'node:readline';
import { namePort, pathFor, portOf } from './places.mjs';
import { print } from './trace.mjs';

export class Peers {
  #names = new Set();
  #lastId = 0;
  /** Commands that have no reply yet: `{ name, done }` by their ids. */
  #pending = new Map();
  #waiting = 0;
  #opened = false;

  isCommand({ words: [verb] }) {
    return ['peer', 'port', 'path'].includes(verb) || this.#names.has(verb.split('.')[0]);
  }

  /** Sends a command. What is returned takes what to do after the reply. */
  command({ words, options }) {
    this.#open();
    const [name, text] = this.#line(words, options);
    const id = ++this.#lastId;
    print(`@${id} ${name} ${text}`);
    return this.#stay(new Promise((done) => this.#pending.set(id, { name, done })));
  }

  /** When all commands to a peer have their replies. */
  idle(name) {
    const pending = [...this.#pending.values()].filter((command) => command.name === name);
    const all = pending.map((command) => new Promise((done) => {
      const before = command.done;
      command.done = () => (before(), done());
    }));
    return this.#stay(Promise.all(all));
  }

  #line([verb, ...rest], options) {
    if (rest.at(-1) === '&') rest.pop();
    const host = options.host ?? '127.0.0.1';
    if (verb === 'peer' || verb === 'port' || verb === 'path') {
      const [name, kind] = rest;
      this.#names.add(name);
      const path = pathFor(verb === 'path' ? { path: `@${name}` } : options, name);
      if (path !== undefined) return [name, `path ${kind} ${typed(path)}`];
      return [name, verb === 'port' ? `port ${kind}` : `listen ${host}`];
    }
    const [name, method] = verb.split('.');
    if (method === 'connect') {
      const path = pathFor(options);
      return [name, path === undefined ? `connect ${host} ${portOf(options.port)}` : `path connect ${typed(path)}`];
    }
    const argument = rest[0]?.text === undefined ? rest[0] ?? '' : `hex:${Buffer.from(rest[0].text).toString('hex')}`;
    return [name, `${method} ${argument}`.trim()];
  }

  #open() {
    if (this.#opened) return;
    this.#opened = true;
    createInterface({ input: process.stdin }).on('line', (line) => this.#reply(line));
    process.stdin.unref();
  }

  #reply(line) {
    const [, id, what, rest] = /^(\d+) (\S+) ?(.*)$/.exec(line);
    const { name, done } = this.#pending.get(Number(id));
    if (what === 'port') namePort(name, Number(rest));
    else {
      this.#pending.delete(Number(id));
      done();
    }
  }

  /** Keeps the program running until the promise is kept, if the main steps wait for it. */
  #stay(promise) {
    return {
      then: (done) => {
        if (this.#waiting++ === 0) process.stdin.ref();
        promise.then(() => {
          if (--this.#waiting === 0) process.stdin.unref();
          done();
        });
      },
    };
  }
}

/** A path as the harness takes it: an abstract one begins with `@`. */
function typed(path) {
  return path.replace('\0', '@');
}
