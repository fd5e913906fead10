// Node's `fs`, on the runtime's synchronous calls: files answer at once, and what has a callback
// calls it later.

'use strict';

const { Buffer } = require('buffer');
const { errno: errnos } = require('internal/errno');
const { makeSystemError } = require('internal/system_error');
const { codes: { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE }, unavailable } = require('internal/errors');
const {
  validateBoolean, validateFunction, validateInteger, validateString, validateUint32,
} = require('internal/validators');
const constants = require('internal/fs_constants');

const native = binding.fs;

/** Calls the runtime; its failures become Node's errors. */
function call(syscall, path, destination, run) {
  try {
    return run();
  } catch (cause) {
    const code = cause?.code;
    if (errnos[code] === undefined) throw cause;
    throw makeSystemError(code, syscall, path, destination);
  }
}

function pathOf(path, name = 'path') {
  if (path instanceof Uint8Array) path = Buffer.from(path).toString();
  else if (typeof path === 'object' && path !== null && path.href !== undefined && path.protocol !== undefined) {
    path = require('url').fileURLToPath(path);
  } else if (typeof path !== 'string') throw new ERR_INVALID_ARG_TYPE(name, ['string', 'Buffer', 'URL'], path);
  if (path.includes('\0')) {
    throw new ERR_INVALID_ARG_VALUE(name, path, 'must be a string, Uint8Array, or URL without null bytes');
  }
  return path;
}

function descriptor(fd, name = 'fd') {
  if (typeof fd !== 'number') throw new ERR_INVALID_ARG_TYPE(name, 'number', fd);
  validateInteger(fd, name, 0, 2147483647);
  return fd;
}

/** Options that may be a text, the encoding. */
function optionsOf(options, defaults) {
  if (options === undefined || options === null || typeof options === 'function') return { ...defaults };
  if (typeof options === 'string') return { ...defaults, encoding: checkEncoding(options) };
  if (typeof options !== 'object') throw new ERR_INVALID_ARG_TYPE('options', ['string', 'Object'], options);
  if (options.encoding != null) checkEncoding(options.encoding);
  return { ...defaults, ...options };
}

function checkEncoding(encoding) {
  if (encoding !== 'buffer' && !Buffer.isEncoding(encoding)) {
    throw new ERR_INVALID_ARG_VALUE('encoding', encoding, 'is invalid encoding');
  }
  return encoding;
}

function encoded(text, encoding) {
  if (encoding === 'buffer') return Buffer.from(text);
  return encoding == null || encoding === 'utf8' || encoding === 'utf-8' ? text : Buffer.from(text).toString(encoding);
}

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } = constants;
const flags = {
  r: O_RDONLY, rs: O_RDONLY | O_SYNC, sr: O_RDONLY | O_SYNC,
  'r+': O_RDWR, 'rs+': O_RDWR | O_SYNC, 'sr+': O_RDWR | O_SYNC,
  w: O_TRUNC | O_CREAT | O_WRONLY, wx: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL, xw: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
  'w+': O_TRUNC | O_CREAT | O_RDWR, 'wx+': O_TRUNC | O_CREAT | O_RDWR | O_EXCL, 'xw+': O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
  a: O_APPEND | O_CREAT | O_WRONLY, ax: O_APPEND | O_CREAT | O_WRONLY | O_EXCL, xa: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
  as: O_APPEND | O_CREAT | O_WRONLY | O_SYNC, sa: O_APPEND | O_CREAT | O_WRONLY | O_SYNC,
  'a+': O_APPEND | O_CREAT | O_RDWR, 'ax+': O_APPEND | O_CREAT | O_RDWR | O_EXCL, 'xa+': O_APPEND | O_CREAT | O_RDWR | O_EXCL,
  'as+': O_APPEND | O_CREAT | O_RDWR | O_SYNC, 'sa+': O_APPEND | O_CREAT | O_RDWR | O_SYNC,
};

function flagsOf(value) {
  if (typeof value === 'number') return value;
  if (value == null) return O_RDONLY;
  if (flags[value] === undefined) throw new ERR_INVALID_ARG_VALUE('flags', value);
  return flags[value];
}

function modeOf(mode, fallback) {
  if (mode == null) return fallback;
  if (typeof mode === 'string') {
    if (!/^[0-7]+$/.test(mode)) {
      throw new ERR_INVALID_ARG_VALUE('mode', mode, 'must be a 32-bit unsigned integer or an octal string');
    }
    return Number.parseInt(mode, 8);
  }
  validateUint32(mode, 'mode');
  return mode;
}

/** The modes of what `readdir` of the runtime tells. */
const types = [0, constants.S_IFREG, constants.S_IFDIR, constants.S_IFLNK];

/** The kind of a file, of its mode. */
class Kind {
  #type;
  constructor(mode) {
    this.#type = mode & constants.S_IFMT;
  }

  isFile() { return this.#type === constants.S_IFREG; }
  isDirectory() { return this.#type === constants.S_IFDIR; }
  isSymbolicLink() { return this.#type === constants.S_IFLNK; }
  isSocket() { return this.#type === constants.S_IFSOCK; }
  isFIFO() { return this.#type === constants.S_IFIFO; }
  isCharacterDevice() { return this.#type === constants.S_IFCHR; }
  isBlockDevice() { return this.#type === constants.S_IFBLK; }
}

/** What `stat` of the runtime tells, in its order. */
const fields = [
  'dev', 'mode', 'nlink', 'uid', 'gid', 'rdev', 'blksize', 'ino', 'size', 'blocks', 'atimeMs', 'mtimeMs', 'ctimeMs',
  'birthtimeMs',
];

class Stats extends Kind {
  constructor(numbers, bigint) {
    super(numbers[1]);
    fields.forEach((name, index) => {
      this[name] = bigint ? BigInt(Math.trunc(numbers[index])) : numbers[index];
    });
    for (const name of fields.slice(10)) {
      const time = numbers[fields.indexOf(name)];
      if (bigint) this[name.replace('Ms', 'Ns')] = BigInt(Math.round(time * 1e6));
      this[name.slice(0, -2)] = new Date(time);
    }
  }
}

class Dirent extends Kind {
  constructor(name, parentPath, mode) {
    super(mode);
    this.name = name;
    this.parentPath = parentPath;
  }
}

// The synchronous functions; the others are made of them.

const sync = {
  access(path, mode = constants.F_OK) {
    path = pathOf(path);
    const [, permissions] = call('access', path, undefined, () => native.stat(path));
    const wanted = mode & 7;
    if (wanted !== 0 && ((permissions >> 6) & wanted) !== wanted) {
      call('access', path, undefined, () => { throw Object.assign(new Error(), { code: 'EACCES' }); });
    }
  },
  appendFile(path, data, options) {
    options = optionsOf(options, { encoding: 'utf8', flag: 'a' });
    sync.writeFile(path, data, options);
  },
  close(fd) {
    descriptor(fd);
    call('close', undefined, undefined, () => native.close(fd));
  },
  copyFile(from, to, mode = 0) {
    from = pathOf(from, 'src');
    to = pathOf(to, 'dest');
    const exclusive = (mode & constants.COPYFILE_EXCL) !== 0;
    const data = call('copyfile', from, to, () => readAll(from));
    call('copyfile', from, to, () => {
      const fd = native.open(to, O_WRONLY | O_CREAT | O_TRUNC | (exclusive ? O_EXCL : 0), 0o666);
      writeAll(fd, data, -1);
      native.close(fd);
    });
  },
  exists(path) {
    try {
      native.stat(pathOf(path));
      return true;
    } catch {
      return false;
    }
  },
  fstat(fd, options) {
    descriptor(fd);
    return new Stats(call('fstat', undefined, undefined, () => native.fstat(fd)), options?.bigint);
  },
  fsync(fd) {
    descriptor(fd);
    call('fsync', undefined, undefined, () => native.fsync(fd));
  },
  ftruncate(fd, length = 0) {
    descriptor(fd);
    validateInteger(length, 'len');
    call('ftruncate', undefined, undefined, () => native.ftruncate(fd, Math.max(0, length)));
  },
  link(from, to) {
    from = pathOf(from, 'existingPath');
    to = pathOf(to, 'newPath');
    call('link', from, to, () => native.link(from, to));
  },
  lstat(path, options) {
    return status('lstat', path, options);
  },
  mkdir(path, options) {
    path = pathOf(path);
    const { recursive = false, mode } = typeof options === 'object' && options !== null ? options : { mode: options };
    validateBoolean(recursive, 'options.recursive');
    if (!recursive) {
      call('mkdir', path, undefined, () => native.mkdir(path, modeOf(mode, 0o777)));
      return undefined;
    }
    const { dirname } = require('path');
    const missing = [];
    for (let at = path; !sync.exists(at); at = dirname(at)) missing.unshift(at);
    for (const one of missing) call('mkdir', one, undefined, () => native.mkdir(one, modeOf(mode, 0o777)));
    if (missing.length === 0 && !sync.stat(path).isDirectory()) {
      call('mkdir', path, undefined, () => { throw Object.assign(new Error(), { code: 'EEXIST' }); });
    }
    return missing[0];
  },
  mkdtemp(prefix, options) {
    validateString(prefix, 'prefix');
    const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
    const name = prefix + Array.from({ length: 6 }, () => letters[Math.floor(Math.random() * letters.length)]).join('');
    call('mkdtemp', `${prefix}XXXXXX`, undefined, () => native.mkdir(name, 0o700));
    return encoded(name, optionsOf(options, {}).encoding);
  },
  open(path, how = 'r', mode) {
    path = pathOf(path);
    const [bits, permissions] = [flagsOf(how), modeOf(mode, 0o666)];
    return call('open', path, undefined, () => native.open(path, bits, permissions));
  },
  opendir() { throw unavailable('fs.opendir'); },
  read(fd, buffer, offsetOrOptions, length, position) {
    descriptor(fd);
    if (!ArrayBuffer.isView(buffer)) throw new ERR_INVALID_ARG_TYPE('buffer', ['Buffer', 'TypedArray', 'DataView'], buffer);
    let offset = offsetOrOptions;
    if (offset !== null && typeof offset === 'object') ({ offset = 0, length = buffer.byteLength - offset, position = null } = offset);
    offset ??= 0;
    validateInteger(offset, 'offset', 0);
    length ??= buffer.byteLength - offset;
    if (length === 0) return 0;
    if (buffer.byteLength === 0) throw new ERR_INVALID_ARG_VALUE('buffer', buffer, 'is empty and cannot be written');
    if (length < 0 || offset + length > buffer.byteLength) {
      throw new ERR_OUT_OF_RANGE('length', `>= 0 && <= ${buffer.byteLength - offset}`, length);
    }
    return call('read', undefined, undefined, () => native.read(fd, bytesOf(buffer), offset, length, whole(position)));
  },
  readFile(path, options) {
    options = optionsOf(options, { flag: 'r' });
    const data = typeof path === 'number' ? readDescriptor(descriptor(path)) : readPath(path, options.flag);
    return options.encoding && options.encoding !== 'buffer' ? data.toString(options.encoding) : data;
  },
  readdir(path, options) {
    path = pathOf(path);
    options = optionsOf(options, { encoding: 'utf8' });
    const found = call('scandir', path, undefined, () => native.readdir(path));
    found.sort(([a], [b]) => a < b ? -1 : Number(a > b));
    const all = [];
    for (const [name, type] of found) {
      const mode = types[type];
      all.push(options.withFileTypes ? new Dirent(encoded(name, options.encoding), path, mode) : encoded(name, options.encoding));
      if (options.recursive && (mode & constants.S_IFMT) === constants.S_IFDIR) {
        for (const below of sync.readdir(`${path.replace(/\/$/, '')}/${name}`, options)) {
          all.push(options.withFileTypes ? below : `${name}/${below}`);
        }
      }
    }
    return all;
  },
  readlink(path, options) {
    path = pathOf(path);
    return encoded(call('readlink', path, undefined, () => native.readlink(path)), optionsOf(options, {}).encoding);
  },
  realpath(path, options) {
    path = require('path').resolve(pathOf(path));
    return encoded(resolveLinks(path, 0), optionsOf(options, {}).encoding);
  },
  rename(from, to) {
    from = pathOf(from, 'oldPath');
    to = pathOf(to, 'newPath');
    call('rename', from, to, () => native.rename(from, to));
  },
  rm(path, { force = false, recursive = false } = {}) {
    path = pathOf(path);
    if (force && !isThere(path)) return;
    const found = sync.lstat(path);
    if (!found.isDirectory()) {
      sync.unlink(path);
      return;
    }
    if (!recursive) {
      const error = new Error(`Path is a directory: rm returned EISDIR (is a directory) ${path}`);
      throw Object.assign(error, { name: 'SystemError', code: 'ERR_FS_EISDIR', errno: 21, syscall: 'rm', path });
    }
    for (const name of sync.readdir(path)) sync.rm(`${path.replace(/\/$/, '')}/${name}`, { force, recursive });
    sync.rmdir(path);
  },
  rmdir(path) {
    path = pathOf(path);
    call('rmdir', path, undefined, () => native.rmdir(path));
  },
  stat(path, options) {
    return status('stat', path, options);
  },
  symlink(target, path) {
    target = pathOf(target, 'target');
    path = pathOf(path);
    call('symlink', target, path, () => native.symlink(target, path));
  },
  truncate(path, length = 0) {
    path = pathOf(path);
    validateInteger(length, 'len');
    const fd = sync.open(path, 'r+');
    try {
      sync.ftruncate(fd, length);
    } finally {
      native.close(fd);
    }
  },
  unlink(path) {
    path = pathOf(path);
    call('unlink', path, undefined, () => native.unlink(path));
  },
  utimes(path, atime, mtime) {
    path = pathOf(path);
    call('utime', path, undefined, () => native.utimes(path, seconds(atime, 'atime'), seconds(mtime, 'mtime'), true));
  },
  write(fd, data, offsetOrOptions, lengthOrEncoding, position) {
    descriptor(fd);
    if (typeof data === 'string') {
      const bytes = Buffer.from(data, lengthOrEncoding);
      return call('write', undefined, undefined, () => native.write(fd, bytes, 0, bytes.length, whole(offsetOrOptions)));
    }
    if (!ArrayBuffer.isView(data)) {
      throw new ERR_INVALID_ARG_TYPE('buffer', ['string', 'Buffer', 'TypedArray', 'DataView'], data);
    }
    let offset = offsetOrOptions;
    let length = lengthOrEncoding;
    if (offset !== null && typeof offset === 'object') ({ offset = 0, length, position = null } = offset);
    offset ??= 0;
    length ??= data.byteLength - offset;
    validateInteger(offset, 'offset', 0, data.byteLength);
    validateInteger(length, 'length', 0, data.byteLength - offset);
    return call('write', undefined, undefined, () => native.write(fd, bytesOf(data), offset, length, whole(position)));
  },
  writeFile(path, data, options) {
    options = optionsOf(options, { encoding: 'utf8', flag: 'w', mode: 0o666 });
    if (typeof data !== 'string' && !ArrayBuffer.isView(data)) {
      throw new ERR_INVALID_ARG_TYPE('data', ['string', 'Buffer', 'TypedArray', 'DataView'], data);
    }
    const bytes = typeof data === 'string' ? Buffer.from(data, options.encoding) : bytesOf(data);
    const isOpen = typeof path === 'number';
    const fd = isOpen ? descriptor(path) : sync.open(path, options.flag, options.mode);
    try {
      call('write', undefined, undefined, () => writeAll(fd, bytes, -1));
    } finally {
      if (!isOpen) native.close(fd);
    }
  },
  writev(fd, buffers, position) {
    let written = 0;
    for (const buffer of buffers) {
      written += sync.write(fd, buffer, 0, buffer.byteLength, typeof position === 'number' ? position + written : null);
    }
    return written;
  },
};

/** What the sandbox has no call for. */
for (const name of ['chmod', 'chown', 'fchmod', 'fchown', 'lchmod', 'lchown', 'lutimes', 'statfs', 'cp', 'glob', 'readv']) {
  sync[name] = () => { throw unavailable(`fs.${name}`); };
}
sync.fdatasync = (fd) => {
  descriptor(fd);
  call('fdatasync', undefined, undefined, () => native.fdatasync(fd));
};
sync.futimes = (fd, atime, mtime) => {
  descriptor(fd);
  call('futime', undefined, undefined, () => native.futimes(fd, seconds(atime, 'atime'), seconds(mtime, 'mtime')));
};

function bytesOf(view) {
  return view instanceof Uint8Array ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** A position, or -1: where the file is. */
function whole(position) {
  if (position == null || (typeof position !== 'number' && typeof position !== 'bigint')) return -1;
  return Number(position);
}

function seconds(time, name) {
  const value = time instanceof Date ? time.getTime() / 1000 : Number(time);
  if (!Number.isFinite(value)) throw new ERR_INVALID_ARG_TYPE(name, ['Date', 'Time in seconds'], time);
  return value;
}

function isThere(path) {
  try {
    native.lstat(path);
    return true;
  } catch (error) {
    if (error?.code === 'ENOENT' || error?.code === 'ENOTDIR') return false;
    return true;
  }
}

function status(syscall, path, options) {
  path = pathOf(path);
  if (options?.throwIfNoEntry === false && !isThere(path)) return undefined;
  return new Stats(call(syscall, path, undefined, () => native[syscall](path)), options?.bigint);
}

function resolveLinks(path, depth) {
  const { dirname, join, resolve } = require('path');
  if (path === '/') return path;
  const parent = resolveLinks(dirname(path), depth);
  const whole = join(parent, path.slice(path.lastIndexOf('/') + 1));
  let found;
  try {
    found = native.lstat(whole);
  } catch (error) {
    // Folders above those that are granted cannot be looked at.
    if (isThere(path) && error?.code !== 'ENOENT') return whole;
    try {
      native.stat(path);
      return whole;
    } catch {
      return call('lstat', path, undefined, () => { throw error; });
    }
  }
  if ((found[1] & constants.S_IFMT) !== constants.S_IFLNK) return whole;
  if (depth > 40) call('realpath', path, undefined, () => { throw Object.assign(new Error(), { code: 'ELOOP' }); });
  return resolveLinks(resolve(parent, native.readlink(whole)), depth + 1);
}

function readDescriptor(fd) {
  const chunks = [];
  for (;;) {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    const count = call('read', undefined, undefined, () => native.read(fd, chunk, 0, chunk.length, -1));
    if (count === 0) return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, count));
  }
}

function readPath(path, flag) {
  const fd = sync.open(path, flag);
  try {
    return readDescriptor(fd);
  } finally {
    native.close(fd);
  }
}

function readAll(path) {
  const fd = native.open(path, O_RDONLY, 0o666);
  try {
    return readDescriptor(fd);
  } finally {
    native.close(fd);
  }
}

function writeAll(fd, bytes, position) {
  for (let from = 0; from < bytes.length;) {
    from += native.write(fd, bytes, from, bytes.length - from, position < 0 ? -1 : position + from);
  }
}

/** `fs.NAME(…, callback)`: the arguments are checked at once, and all else comes later. */
function withCallback(name) {
  const run = sync[name];
  return function (...args) {
    const callback = args.pop();
    validateFunction(callback, 'cb');
    let outcome;
    try {
      const value = run(...args);
      outcome = value === undefined && !['mkdir', 'lstat', 'stat'].includes(name) ? [null] : [null, value];
    } catch (error) {
      if (error.code?.startsWith('ERR_') && error.code !== 'ERR_FS_EISDIR') throw error;
      outcome = [error];
    }
    setImmediate(callback, ...outcome);
  };
}

const fs = { constants, Stats, Dirent };
for (const name of Object.keys(sync)) {
  fs[`${name}Sync`] = sync[name];
  fs[name] = withCallback(name);
}
for (const [name, method] of Object.entries(fs)) {
  if (typeof method === 'function' && !method.prototype) Object.defineProperty(method, 'name', { value: name });
}
fs.exists = (path, callback) => {
  validateFunction(callback, 'cb');
  setImmediate(callback, sync.exists(path));
};
fs.read = (fd, buffer, ...rest) => {
  const callback = rest.pop();
  validateFunction(callback, 'cb');
  if (typeof buffer === 'object' && !ArrayBuffer.isView(buffer)) {
    rest = [buffer];
    buffer = buffer.buffer ?? Buffer.alloc(16384);
  }
  buffer ??= Buffer.alloc(16384);
  later(callback, () => sync.read(fd, buffer, ...rest), buffer);
};
fs.write = (fd, data, ...rest) => {
  const callback = rest.pop();
  validateFunction(callback, 'cb');
  later(callback, () => sync.write(fd, data, ...rest), data);
};
fs.writev = (fd, buffers, ...rest) => {
  const callback = rest.pop();
  validateFunction(callback, 'cb');
  later(callback, () => sync.writev(fd, buffers, ...rest), buffers);
};

/** Two results: how much, and of what. */
function later(callback, run, second) {
  let outcome;
  try {
    outcome = [null, run(), second];
  } catch (error) {
    if (error.code?.startsWith('ERR_')) throw error;
    outcome = [error];
  }
  setImmediate(callback, ...outcome);
}
fs.realpath.native = fs.realpath;
fs.realpathSync.native = fs.realpathSync;
for (const name of ['watch', 'watchFile', 'unwatchFile', 'openAsBlob']) {
  fs[name] = () => { throw unavailable(`fs.${name}`); };
}
for (const name of ['F_OK', 'R_OK', 'W_OK', 'X_OK']) {
  Object.defineProperty(fs, name, { enumerable: false, value: constants[name] });
}


Object.defineProperties(fs, {
  promises: { configurable: true, enumerable: true, get: () => require('fs/promises') },
  ...Object.fromEntries(['ReadStream', 'WriteStream', 'createReadStream', 'createWriteStream'].map((name) => [name, {
    configurable: true, enumerable: true, get: () => require('internal/fs_streams')[name],
  }])),
});

module.exports = fs;
