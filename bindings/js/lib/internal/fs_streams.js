// Streams of files.

'use strict';

const { Readable, Writable, finished } = require('stream');
const { Buffer } = require('buffer');
const { codes: { ERR_OUT_OF_RANGE } } = require('internal/errors');
const { validateInteger } = require('internal/validators');
const fs = require('fs');

function optionsOf(options) {
  return typeof options === 'string' ? { encoding: options } : { ...options };
}

/** What both kinds do: opening, and closing. */
function begin(stream, path, options, flag) {
  stream.path = path;
  stream.fd = typeof options.fd === 'number' ? options.fd : null;
  stream.flags = options.flags ?? flag;
  stream.mode = options.mode ?? 0o666;
  stream.autoClose = options.autoClose ?? true;
  stream.start = options.start;
}

function construct(callback) {
  if (this.fd !== null) {
    callback();
    return;
  }
  fs.open(this.path, this.flags, this.mode, (error, fd) => {
    if (error) {
      callback(error);
      return;
    }
    this.fd = fd;
    callback();
    this.emit('open', fd);
    this.emit('ready');
  });
}

function destroy(error, callback) {
  const { fd } = this;
  if (fd === null || !this.autoClose) {
    callback(error);
    return;
  }
  this.fd = null;
  fs.close(fd, (failed) => callback(failed || error));
}

class ReadStream extends Readable {
  bytesRead = 0;
  #position;

  constructor(path, options) {
    options = optionsOf(options);
    const { start = 0, end = Infinity } = options;
    validateInteger(start, 'start', 0);
    if (end !== Infinity) validateInteger(end, 'end', 0);
    if (start > end) throw new ERR_OUT_OF_RANGE('start', `<= "end" (here: ${end})`, start);
    super({ highWaterMark: 64 * 1024, ...options, autoDestroy: options.autoClose ?? true });
    begin(this, path, options, 'r');
    this.end = end;
    this.#position = options.start;
  }

  get pending() {
    return this.fd === null;
  }

  _read(size) {
    const from = this.#position;
    const left = this.end - (from ?? this.bytesRead) + 1;
    const wanted = Math.min(size, left);
    if (wanted <= 0) {
      this.push(null);
      return;
    }
    const buffer = Buffer.allocUnsafe(wanted);
    fs.read(this.fd, buffer, 0, wanted, from ?? null, (error, count) => {
      if (error) this.destroy(error);
      else if (count === 0) this.push(null);
      else {
        this.bytesRead += count;
        if (from !== undefined) this.#position = from + count;
        this.push(buffer.subarray(0, count));
      }
    });
  }

  close(callback) {
    if (callback) finished(this, callback);
    this.destroy();
  }
}

class WriteStream extends Writable {
  bytesWritten = 0;
  #position;

  constructor(path, options) {
    options = optionsOf(options);
    if (options.start !== undefined) validateInteger(options.start, 'start', 0);
    super({ decodeStrings: true, ...options, autoDestroy: options.autoClose ?? true });
    begin(this, path, options, 'w');
    this.#position = options.start;
    if (options.encoding) this.setDefaultEncoding(options.encoding);
  }

  get pending() {
    return this.fd === null;
  }

  _write(data, encoding, callback) {
    fs.write(this.fd, data, 0, data.length, this.#position ?? null, (error, count) => {
      if (error) {
        callback(error);
        return;
      }
      this.bytesWritten += count;
      if (this.#position !== undefined) this.#position += count;
      if (count < data.length) this._write(data.subarray(count), encoding, callback);
      else callback();
    });
  }

  close(callback) {
    if (callback) finished(this, callback);
    this.end();
  }
}

for (const Class of [ReadStream, WriteStream]) {
  Class.prototype._construct = construct;
  Class.prototype._destroy = destroy;
}

module.exports = {
  ReadStream,
  WriteStream,
  createReadStream: (path, options) => new ReadStream(path, options),
  createWriteStream: (path, options) => new WriteStream(path, options),
};
