// The signatures that `connect` and `listen` share.

'use strict';

const kNormalized = Symbol('normalizedArgs');

/** What a text or a number means as a number that is not negative, or false. */
function toNumber(value) {
  const number = Number(value);
  return number >= 0 ? number : false;
}

function isPath(value) {
  return typeof value === 'string' && toNumber(value) === false;
}

/** `[options, callback]` of `(options[, callback])`, `(path…)` and `(port[, host]…)`. */
function normalizeArgs(args) {
  let options = {};
  let callback = null;
  if (args.length > 0) {
    const [first, second] = args;
    if (typeof first === 'object' && first !== null) options = first;
    else if (isPath(first)) options.path = first;
    else {
      options.port = first;
      if (typeof second === 'string') options.host = second;
    }
    const last = args[args.length - 1];
    if (typeof last === 'function') callback = last;
  }
  const normalized = [options, callback];
  normalized[kNormalized] = true;
  return normalized;
}

function isNormalized(value) {
  return Array.isArray(value) && value[kNormalized] === true;
}

module.exports = { isNormalized, isPath, normalizeArgs, toNumber };
