// Runs the steps of a scenario: the main ones, which may wait, and those of handlers.

import net from 'node:net';
import { eventOf } from './language.mjs';
import { Peers } from './peers.mjs';
import { ServerObject } from './server.mjs';
import { SocketObject } from './socket.mjs';
import { print, error } from './trace.mjs';

export class Run {
  #steps;
  #next = 0;
  /** Whether the main steps are being run. */
  #running = false;
  /** What the main steps wait for: a text for the trace's last line. */
  #blocked;
  #awaited;
  #objects = new Map();
  #handlers = [];
  /** How often each event came and no `wait` has taken it. */
  #came = new Map();
  #peers = new Peers();

  constructor(steps) {
    this.#steps = steps;
  }

  start() {
    process.on('beforeExit', () => {
      for (const object of this.#objects.values()) object.flush();
      print(this.#blocked ? `exit, waiting for ${this.#blocked}` : 'exit');
      process.exit();
    });
    this.#main();
  }

  /** Puts a connection of a server under its name. */
  add(name, object) {
    this.#objects.set(name, object);
  }

  get(name) {
    const object = this.#objects.get(name);
    if (object === undefined) throw new Error(`there is no ${name}`);
    return object;
  }

  /** Runs the handlers of an event, and goes on if the main steps wait for it. */
  emitted(source, event, total) {
    const key = `${source}.${event}`;
    if (total === undefined) this.#came.set(key, (this.#came.get(key) ?? 0) + 1);
    const isIt = (it) =>
      it.source === source && it.event === event && (it.total === undefined || total >= it.total);
    for (const handler of this.#handlers.filter((handler) => isIt(handler.of))) {
      handler.count += 1;
      if (handler.gone || (handler.nth && handler.count !== handler.nth)) continue;
      handler.gone = handler.once || handler.nth || handler.of.total !== undefined;
      for (const step of handler.steps) this.#execute(step);
    }
    this.#handlers = this.#handlers.filter((handler) => !handler.gone);
    if (this.#awaited && isIt(this.#awaited) && !this.#running) {
      this.#take(this.#awaited);
      this.#continue();
    }
  }

  /** The main steps have waited long enough. */
  #continue() {
    this.#blocked = this.#awaited = undefined;
    this.#main();
  }

  #main() {
    this.#running = true;
    while (this.#next < this.#steps.length && !this.#blocked) {
      const step = this.#steps[this.#next++];
      if (step.words[0] === 'wait') this.#wait(step);
      else if (this.#peers.isCommand(step)) this.#command(step);
      else this.#execute(step);
    }
    this.#running = false;
  }

  #wait({ words: [, ...what] }) {
    if (/^\d+ms$/.test(what[0])) {
      this.#blocked = what[0];
      setTimeout(() => this.#continue(), parseInt(what[0]));
    } else if (what[0].endsWith('.done')) {
      this.#block(what[0], this.#peers.idle(what[0].split('.')[0]));
    } else {
      const event = eventOf(what);
      if (event.event === 'data') event.total ??= 1;
      if (this.#take(event)) return;
      this.#blocked = what.join(' ');
      this.#awaited = event;
    }
  }

  #block(what, reply) {
    this.#blocked = what;
    reply.then(() => this.#continue());
  }

  /** Takes an event that came. */
  #take({ source, event, total }) {
    if (total !== undefined) return (this.#objects.get(source)?.received ?? 0) >= total;
    const key = `${source}.${event}`;
    const came = this.#came.get(key) ?? 0;
    this.#came.set(key, Math.max(came - 1, 0));
    return came > 0;
  }

  #command(step) {
    const done = this.#peers.command(step);
    if (step.words.at(-1) !== '&') this.#block(step.text, done);
  }

  #execute(step) {
    const { words, options, block } = step;
    const [verb, ...rest] = words;
    if (this.#peers.isCommand(step)) this.#peers.command(step);
    else if (verb === 'on' || verb === 'once') {
      const nth = options.nth && Number(options.nth);
      this.#handlers.push({ of: eventOf(rest), steps: block, once: verb === 'once', nth, count: 0 });
    } else if (verb === 'server') this.add(rest[0], new ServerObject(this, rest, options));
    else if (verb === 'socket') this.add(rest[0], SocketObject.create(this, rest, options));
    else if (verb === 'connect') this.#connect(rest, options);
    else if (verb === 'get') this.#get(rest[0]);
    else if (verb === 'same') print(`${rest[0]} is ${rest[1]} = ${this.#property(rest[0]) === this.#property(rest[1])}`);
    else if (verb === 'note') print(`note ${rest[0].text}`);
    else if (verb === 'is-ip') {
      const input = rest[0].text;
      const answers = [net.isIP(input), net.isIPv4(input), net.isIPv6(input)];
      print(`is-ip ${JSON.stringify(input)} = ${answers.join(' ')}`);
    } else if (verb === 'stop') {
      for (const object of this.#objects.values()) object.flush();
      print('stop');
      process.exit();
    } else this.#call(verb, rest, options);
  }

  #connect(words, options) {
    try {
      this.add(words[0], SocketObject.connect(this, words, options));
    } catch (e) {
      if (e.code === undefined) throw e;
      print(`connect throws ${error(e)}`);
    }
  }

  /** Calls `object.method`, and prints what it returned or threw. */
  #call(verb, rest, options) {
    const [name, method] = verb.split('.');
    const object = this.get(name);
    const call = object[method.replace(/-(.)/g, (_, letter) => letter.toUpperCase())];
    if (call === undefined) throw new Error(`there is no ${verb}`);
    let outcome;
    try {
      const result = call.call(object, rest, options);
      outcome = result === undefined ? '' : ` = ${result}`;
    } catch (e) {
      if (e.code === undefined) throw e;
      outcome = ` throws ${error(e)}`;
    }
    object.flush();
    print(`${verb}${outcome}`);
  }

  #get(path) {
    const [name, property] = path.split('.');
    const value = this.get(name).property(property);
    this.get(name).flush();
    print(`${path} = ${value}`);
  }

  /** A property whose system-chosen ports have their numbers. */
  #property(path) {
    const [name, property] = path.split('.');
    return this.get(name).exact(property);
  }
}
