// Node's `querystring`.

'use strict';

const { Buffer } = require('buffer');
const { codes: { ERR_INVALID_URI } } = require('internal/errors');

function escape(text) {
  if (typeof text !== 'string') text = typeof text === 'object' ? String(text) : `${text}`;
  try {
    return encodeURIComponent(text);
  } catch {
    throw new ERR_INVALID_URI();
  }
}

function unescapeBuffer(text) {
  const bytes = [];
  const from = Buffer.from(`${text}`);
  for (let i = 0; i < from.length; i++) {
    const hex = from[i] === 0x25 ? from.toString('latin1', i + 1, i + 3) : '';
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      i += 2;
    } else bytes.push(from[i]);
  }
  return Buffer.from(bytes);
}

function unescape(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return unescapeBuffer(text).toString();
  }
}

function primitive(value) {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return `${value}`;
  if (typeof value === 'bigint' || typeof value === 'boolean') return `${value}`;
  return '';
}

function stringify(object, separator = '&', equals = '=', options) {
  if (object === null || typeof object !== 'object') return '';
  const encode = options?.encodeURIComponent ?? module.exports.escape;
  return Object.keys(object).flatMap((key) => {
    const name = encode(primitive(key)) + (equals || '=');
    const values = Array.isArray(object[key]) ? object[key] : [object[key]];
    return values.map((value) => name + encode(primitive(value)));
  }).join(separator || '&');
}

function parse(text, separator = '&', equals = '=', options) {
  const found = { __proto__: null };
  if (typeof text !== 'string' || text.length === 0) return found;
  const own = options?.decodeURIComponent ?? module.exports.unescape;
  const decode = (part) => {
    const spaced = part.replaceAll('+', ' ');
    try {
      return own(spaced);
    } catch {
      return unescape(spaced);
    }
  };
  const max = typeof options?.maxKeys === 'number' ? options.maxKeys : 1000;
  let parts = text.split(separator || '&').filter((part) => part !== '');
  if (max > 0) parts = parts.slice(0, max);
  for (const part of parts) {
    const at = part.indexOf(equals || '=');
    const key = decode(at < 0 ? part : part.slice(0, at));
    const value = at < 0 ? '' : decode(part.slice(at + (equals || '=').length));
    if (!(key in found)) found[key] = value;
    else if (Array.isArray(found[key])) found[key].push(value);
    else found[key] = [found[key], value];
  }
  return found;
}

module.exports = { decode: parse, encode: stringify, escape, parse, stringify, unescape, unescapeBuffer };
