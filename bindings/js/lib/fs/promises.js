// Node's `fs/promises`.

'use strict';

const fs = require('fs');
const { Buffer } = require('buffer');

/** A promise of a synchronous call, kept or broken after the current turn. */
function promised(run) {
  return (...args) => new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(run(...args));
      } catch (error) {
        reject(error);
      }
    });
  });
}

class FileHandle extends require('events') {
  #fd;
  constructor(fd) {
    super();
    this.#fd = fd;
  }

  get fd() { return this.#fd; }

  async close() {
    const fd = this.#fd;
    if (fd === -1) return;
    this.#fd = -1;
    await promised(fs.closeSync)(fd);
    this.emit('close');
  }

  async read(buffer, ...rest) {
    if (buffer === undefined || !ArrayBuffer.isView(buffer)) {
      const options = buffer ?? {};
      buffer = options.buffer ?? Buffer.alloc(16384);
      rest = [options];
    }
    return { bytesRead: await promised(fs.readSync)(this.#fd, buffer, ...rest), buffer };
  }

  async write(data, ...rest) {
    return { bytesWritten: await promised(fs.writeSync)(this.#fd, data, ...rest), buffer: data };
  }

  async writev(buffers, position) {
    return { bytesWritten: await promised(fs.writevSync)(this.#fd, buffers, position), buffers };
  }

  appendFile(data, options) { return promised(fs.writeFileSync)(this.#fd, data, options); }
  createReadStream(options) { return fs.createReadStream(null, { ...options, fd: this.#fd }); }
  createWriteStream(options) { return fs.createWriteStream(null, { ...options, fd: this.#fd }); }
  datasync() { return promised(fs.fdatasyncSync)(this.#fd); }
  readFile(options) { return promised(fs.readFileSync)(this.#fd, options); }
  readLines(options) { return require('readline').createInterface({ input: this.createReadStream(options) }); }
  stat(options) { return promised(fs.fstatSync)(this.#fd, options); }
  sync() { return promised(fs.fsyncSync)(this.#fd); }
  truncate(length) { return promised(fs.ftruncateSync)(this.#fd, length); }
  writeFile(data, options) { return promised(fs.writeFileSync)(this.#fd, data, options); }
  [Symbol.asyncDispose]() { return this.close(); }
}

/** The path, or the descriptor of a handle. */
function target(path) {
  return path instanceof FileHandle ? path.fd : path;
}

const promises = { constants: fs.constants };
for (const name of [
  'access', 'chmod', 'chown', 'copyFile', 'cp', 'glob', 'lchmod', 'lchown', 'link', 'lstat', 'lutimes', 'mkdir',
  'mkdtemp', 'opendir', 'readdir', 'readlink', 'realpath', 'rename', 'rm', 'rmdir', 'stat', 'statfs', 'symlink',
  'truncate', 'unlink', 'utimes',
]) promises[name] = promised(fs[`${name}Sync`]);

promises.open = promised((path, flags, mode) => new FileHandle(fs.openSync(path, flags, mode)));
promises.readFile = promised((path, options) => {
  options?.signal?.throwIfAborted();
  return fs.readFileSync(target(path), options);
});
promises.appendFile = promised((path, data, options) => fs.appendFileSync(target(path), data, options));
promises.writeFile = async (path, data, options) => {
  if (typeof data === 'object' && !ArrayBuffer.isView(data) && data !== null) {
    const chunks = [];
    for await (const chunk of data) chunks.push(Buffer.from(chunk));
    data = Buffer.concat(chunks);
  }
  options?.signal?.throwIfAborted();
  return promised(fs.writeFileSync)(target(path), data, options);
};

module.exports = promises;
