// Node's `path` of POSIX systems, from npm.

'use strict';

const { unavailable, unavailableModule } = require('internal/errors');
const { validateObject, validateString } = require('internal/validators');

const posix = { ...require('npm/path') };

// npm's check their arguments with messages of their own.
for (const name of ['basename', 'dirname', 'extname', 'isAbsolute', 'normalize', 'parse']) {
  const method = posix[name];
  posix[name] = (path, ...rest) => {
    validateString(path, 'path');
    if (name === 'basename' && rest[0] !== undefined) validateString(rest[0], 'suffix');
    return method(path, ...rest);
  };
}
for (const name of ['join', 'resolve']) {
  const method = posix[name];
  posix[name] = (...paths) => {
    paths.forEach((path, index) => validateString(path, name === 'join' ? 'path' : `paths[${index}]`));
    return method(...paths);
  };
}
const { format, relative } = posix;
posix.relative = (from, to) => {
  validateString(from, 'from');
  validateString(to, 'to');
  return relative(from, to);
};
posix.format = (parts) => {
  validateObject(parts, 'pathObject');
  const { ext } = parts;
  return format(ext && ext[0] !== '.' ? { ...parts, ext: `.${ext}` } : parts);
};
posix.toNamespacedPath = (path) => path;
posix.matchesGlob = () => {
  throw unavailable('path.matchesGlob');
};
posix.posix = posix;
posix.win32 = unavailableModule('path.win32', [
  'basename', 'dirname', 'extname', 'format', 'isAbsolute', 'join', 'matchesGlob', 'normalize', 'parse', 'relative',
  'resolve', 'toNamespacedPath',
], { delimiter: ';', sep: '\\', posix });

module.exports = posix;
