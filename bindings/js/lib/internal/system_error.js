// The errors that native functions throw.

'use strict';

const texts = {
  E2BIG: 'argument list too long', EACCES: 'permission denied', EAGAIN: 'resource temporarily unavailable',
  EBADF: 'bad file descriptor', EBUSY: 'resource busy or locked', EDQUOT: 'disk quota exceeded',
  EEXIST: 'file already exists', EFAULT: 'bad address in system call argument', EFBIG: 'file too large',
  EILSEQ: 'illegal byte sequence', EINTR: 'interrupted system call', EINVAL: 'invalid argument', EIO: 'i/o error',
  EISDIR: 'illegal operation on a directory', ELOOP: 'too many symbolic links encountered',
  EMFILE: 'too many open files', EMLINK: 'too many links', ENAMETOOLONG: 'name too long',
  ENFILE: 'file table overflow', ENODEV: 'no such device', ENOENT: 'no such file or directory',
  ENOLCK: 'no locks available', ENOMEM: 'not enough memory', ENOSPC: 'no space left on device',
  ENOSYS: 'function not implemented', ENOTDIR: 'not a directory', ENOTEMPTY: 'directory not empty',
  ENOTSUP: 'operation not supported on socket', ENOTTY: 'inappropriate ioctl for device',
  ENXIO: 'no such device or address', EOVERFLOW: 'value too large for defined data type',
  EPERM: 'operation not permitted', EPIPE: 'broken pipe', EROFS: 'read-only file system', ESPIPE: 'invalid seek',
  ETXTBSY: 'text file is busy', EXDEV: 'cross-device link not permitted',
};

/** The error of a call of the system's that failed, as Node has it. */
function makeSystemError(code, syscall, path, dest) {
  let message = `${code}: ${texts[code] ?? 'unknown error'}, ${syscall}`;
  if (path !== undefined) message += ` '${path}'`;
  if (dest !== undefined) message += ` -> '${dest}'`;
  const error = new Error(message);
  Error.captureStackTrace(error, makeSystemError);
  error.errno = -(require('internal/errno').errno[code] ?? 5);
  error.code = code;
  error.syscall = syscall;
  if (path !== undefined) error.path = path;
  if (dest !== undefined) error.dest = dest;
  return error;
}

/** Tells native code of it. */
function setMakers() {
  binding.setHooks({ makeSystemError });
}

module.exports = { makeSystemError, setMakers };
