// Blob and File.

'use strict';

const { Buffer } = require('buffer');
const { codes: { ERR_INVALID_ARG_TYPE, ERR_MISSING_ARGS } } = require('internal/errors');
const { validateObject } = require('internal/validators');

class Blob {
  #bytes;
  #type = '';

  constructor(sources = [], options = {}) {
    if (sources === null || typeof sources?.[Symbol.iterator] !== 'function' || typeof sources === 'string') {
      throw new ERR_INVALID_ARG_TYPE('sources', 'a sequence', sources);
    }
    validateObject(options, 'options', { allowFunction: true, nullable: true });
    this.#bytes = Buffer.concat([...sources].map((source) => partOf(source, options?.endings)));
    const type = `${options?.type ?? ''}`;
    if (/^[\x20-\x7e]*$/.test(type)) this.#type = type.toLowerCase();
  }

  static bytesOf(blob) {
    return blob.#bytes;
  }

  get size() { return this.#bytes.length; }
  get type() { return this.#type; }

  slice(start = 0, end = this.size, type = '') {
    return new Blob([this.#bytes.slice(start, end)], { type });
  }

  async arrayBuffer() {
    return new Uint8Array(this.#bytes).buffer;
  }

  async bytes() {
    return new Uint8Array(this.#bytes);
  }

  async text() {
    return new TextDecoder().decode(this.#bytes);
  }

  stream() {
    const bytes = this.#bytes;
    const { ReadableStream } = require('stream/web');
    return new ReadableStream({
      type: 'bytes',
      start(controller) {
        if (bytes.length > 0) controller.enqueue(new Uint8Array(bytes));
        controller.close();
      },
    });
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    return `${this.constructor.name} ${inspect({ size: this.size, type: this.type }, options)}`;
  }
}

const { bytesOf } = Blob;
delete Blob.bytesOf;

function partOf(source, endings) {
  if (source instanceof Blob) return bytesOf(source);
  if (source instanceof ArrayBuffer) return Buffer.from(source);
  if (ArrayBuffer.isView(source)) return Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  const text = `${source}`;
  return Buffer.from(endings === 'native' ? text.replaceAll(/\r\n?/g, '\n') : text);
}

class File extends Blob {
  #name;
  #lastModified;

  constructor(bits, name, options = {}) {
    if (arguments.length < 2) throw new ERR_MISSING_ARGS('fileBits', 'fileName');
    super(bits, options);
    this.#name = `${name}`;
    this.#lastModified = options?.lastModified === undefined ? Date.now() : Math.trunc(Number(options.lastModified)) || 0;
  }

  get name() { return this.#name; }
  get lastModified() { return this.#lastModified; }
}

for (const Class of [Blob, File]) {
  Object.defineProperty(Class.prototype, Symbol.toStringTag, { configurable: true, value: Class.name });
}

module.exports = { Blob, File };
