// Node's `readline`: lines of a stream. Editing a line at a terminal is not there.

'use strict';

const EventEmitter = require('events');
const { StringDecoder } = require('string_decoder');
const { codes: { ERR_INVALID_ARG_TYPE }, nodeError, unavailable } = require('internal/errors');
const { validateAbortSignal, validateString } = require('internal/validators');

class Interface extends EventEmitter {
  #decoder = new StringDecoder('utf8');
  #rest = '';
  #prompt = '> ';
  #question = null;
  #onData;
  #onEnd;
  /** Whether the last line ended with a carriage return: a newline then belongs to it. */
  #carriage = false;

  constructor(input, output) {
    super();
    const options = input?.input === undefined ? { input, output } : input;
    if (typeof options.input?.on !== 'function') throw new ERR_INVALID_ARG_TYPE('input', 'Stream', options.input);
    if (options.signal !== undefined) validateAbortSignal(options.signal, 'options.signal');
    if (options.prompt !== undefined) this.#prompt = `${options.prompt}`;
    this.input = options.input;
    this.output = options.output ?? undefined;
    this.terminal = false;
    this.closed = false;
    this.line = '';
    this.history = [];
    this.#onData = (chunk) => this.#take(typeof chunk === 'string' ? chunk : this.#decoder.write(chunk));
    this.#onEnd = () => {
      this.#take(this.#decoder.end());
      if (this.#rest !== '') this.#emitLine(this.#rest);
      this.#rest = '';
      this.close();
    };
    this.input.on('data', this.#onData);
    this.input.on('end', this.#onEnd);
    options.signal?.addEventListener('abort', () => this.close(), { once: true });
    if (options.signal?.aborted) process.nextTick(() => this.close());
    this.input.resume();
  }

  #take(text) {
    if (text === '') return;
    if (this.#carriage && text[0] === '\n') text = text.slice(1);
    this.#carriage = text.endsWith('\r');
    const lines = (this.#rest + text).split(/\r\n|\n|\r|\u2028|\u2029/);
    this.#rest = lines.pop();
    for (const line of lines) this.#emitLine(line);
  }

  #emitLine(line) {
    if (this.closed) return;
    if (this.#question !== null) {
      const answer = this.#question;
      this.#question = null;
      answer(line);
    } else this.emit('line', line);
  }

  getPrompt() { return this.#prompt; }
  setPrompt(prompt) { this.#prompt = `${prompt}`; }

  prompt() {
    if (this.closed) throw nodeError('readline was closed', { code: 'ERR_USE_AFTER_CLOSE' });
    this.output?.write(this.#prompt);
    this.resume();
  }

  question(query, options, callback) {
    if (typeof options === 'function') [options, callback] = [{}, options];
    validateString(query, 'query');
    if (this.closed) throw nodeError('readline was closed', { code: 'ERR_USE_AFTER_CLOSE' });
    this.output?.write(query);
    this.#question = callback;
    options?.signal?.addEventListener('abort', () => { this.#question = null; }, { once: true });
    this.resume();
  }

  write(data) {
    if (this.closed) throw nodeError('readline was closed', { code: 'ERR_USE_AFTER_CLOSE' });
    this.#take(typeof data === 'string' ? data : this.#decoder.write(data));
  }

  pause() {
    this.input.pause();
    this.emit('pause');
    return this;
  }

  resume() {
    this.input.resume();
    this.emit('resume');
    return this;
  }

  close() {
    if (this.closed) return;
    this.input.removeListener('data', this.#onData);
    this.input.removeListener('end', this.#onEnd);
    this.input.pause();
    this.closed = true;
    this.emit('pause');
    this.emit('close');
  }

  [Symbol.dispose]() {
    this.close();
  }

  async* [Symbol.asyncIterator]() {
    for await (const [line] of EventEmitter.on(this, 'line', { close: ['close'] })) yield line;
  }
}

function createInterface(input, output) {
  return new Interface(input, output);
}

module.exports = {
  Interface,
  clearLine() { throw unavailable('readline.clearLine'); },
  clearScreenDown() { throw unavailable('readline.clearScreenDown'); },
  createInterface,
  cursorTo() { throw unavailable('readline.cursorTo'); },
  emitKeypressEvents() { throw unavailable('readline.emitKeypressEvents'); },
  moveCursor() { throw unavailable('readline.moveCursor'); },
  get promises() { return require('readline/promises'); },
};
