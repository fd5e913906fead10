// TextEncoder and TextDecoder: UTF-8, UTF-16LE and Latin-1.

'use strict';

const { Buffer } = require('buffer');
const { StringDecoder } = require('string_decoder');
const { codes: {
  ERR_ENCODING_INVALID_ENCODED_DATA, ERR_ENCODING_NOT_SUPPORTED, ERR_INVALID_ARG_TYPE, ERR_INVALID_THIS,
} } = require('internal/errors');
const { validateObject, validateString } = require('internal/validators');

class TextEncoder {
  get encoding() {
    return 'utf-8';
  }

  encode(input = '') {
    const bytes = Buffer.from(`${input}`, 'utf8');
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  encodeInto(source, destination) {
    validateString(source, 'src');
    if (!(destination instanceof Uint8Array)) throw new ERR_INVALID_ARG_TYPE('dest', 'Uint8Array', destination);
    let read = 0;
    let written = 0;
    for (const character of source) {
      const bytes = Buffer.from(character, 'utf8');
      if (written + bytes.length > destination.length) break;
      destination.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
}

/** The labels of the encodings that are there. */
const labels = {
  'utf-8': ['unicode-1-1-utf-8', 'unicode11utf8', 'unicode20utf8', 'utf-8', 'utf8', 'x-unicode20utf8'],
  'utf-16le': ['csunicode', 'iso-10646-ucs-2', 'ucs-2', 'unicode', 'unicodefeff', 'utf-16', 'utf-16le'],
  'windows-1252': ['ansi_x3.4-1968', 'ascii', 'cp1252', 'cp819', 'csisolatin1', 'ibm819', 'iso-8859-1', 'iso-ir-100',
    'iso8859-1', 'iso88591', 'iso_8859-1', 'iso_8859-1:1987', 'l1', 'latin1', 'us-ascii', 'windows-1252', 'x-cp1252'],
};
const byLabel = new Map(Object.entries(labels).flatMap(([name, all]) => all.map((label) => [label, name])));
const own = { 'utf-8': 'utf8', 'utf-16le': 'utf16le' };

/** What windows-1252 has from 0x80 to 0x9f. */
const windows = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

class TextDecoder {
  #encoding;
  #fatal;
  #ignoreBom;
  #decoder = null;
  #bomSeen = false;

  constructor(label = 'utf-8', options = {}) {
    const encoding = byLabel.get(`${label}`.trim().toLowerCase());
    if (encoding === undefined) throw new ERR_ENCODING_NOT_SUPPORTED(label);
    validateObject(options, 'options', { allowArray: true, allowFunction: true, nullable: true });
    this.#encoding = encoding;
    this.#fatal = Boolean(options?.fatal);
    this.#ignoreBom = Boolean(options?.ignoreBOM);
  }

  get encoding() {
    if (!(#encoding in this)) throw new ERR_INVALID_THIS('TextDecoder');
    return this.#encoding;
  }

  get fatal() { return this.#fatal; }
  get ignoreBOM() { return this.#ignoreBom; }

  decode(input = new Uint8Array(0), { stream = false } = {}) {
    if (!ArrayBuffer.isView(input) && Object.prototype.toString.call(input) !== '[object ArrayBuffer]' &&
        Object.prototype.toString.call(input) !== '[object SharedArrayBuffer]') {
      throw new ERR_INVALID_ARG_TYPE('list', ['SharedArrayBuffer', 'ArrayBuffer', 'ArrayBufferView'], input);
    }
    const bytes = ArrayBuffer.isView(input)
      ? Buffer.from(input.buffer, input.byteOffset, input.byteLength)
      : Buffer.from(input);
    let text;
    if (this.#encoding === 'windows-1252') {
      text = bytes.toString('latin1').replace(/[\x80-\x9f]/g, (c) => windows[c.charCodeAt(0) - 0x80]);
    } else {
      this.#decoder ??= new StringDecoder(own[this.#encoding]);
      text = this.#decoder.write(bytes);
      if (!stream) text += this.#decoder.end();
    }
    if (this.#fatal && text.includes('\ufffd') && !sameBytes(text, bytes, this.#encoding)) {
      this.#decoder = null;
      const error = new ERR_ENCODING_INVALID_ENCODED_DATA(this.#encoding);
      throw error;
    }
    if (!this.#bomSeen && text !== '') {
      this.#bomSeen = true;
      if (!this.#ignoreBom && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    if (!stream) {
      this.#decoder = null;
      this.#bomSeen = false;
    }
    return text;
  }
}

/** Whether the text has U+FFFD only where the bytes do. */
function sameBytes(text, bytes, encoding) {
  return Buffer.from(text, own[encoding]).equals(bytes);
}

for (const [Class, names] of [[TextEncoder, ['encoding', 'encode', 'encodeInto']],
  [TextDecoder, ['encoding', 'fatal', 'ignoreBOM', 'decode']]]) {
  for (const name of names) Object.defineProperty(Class.prototype, name, { enumerable: true });
  Object.defineProperty(Class.prototype, Symbol.toStringTag, { configurable: true, value: Class.name });
}

module.exports = { TextDecoder, TextEncoder };
