// What a trace looks like.

import { writeSync } from 'node:fs';
import { port, symbolic } from './places.mjs';

/** Prints one line. */
export function print(line) {
  const bytes = Buffer.from(`${line}\n`);
  for (let from = 0; from < bytes.length;) from += writeSync(1, bytes, from);
}

/** Node's `address()` of a server, or the parts of an address. */
export function address(info) {
  if (typeof info === 'string') return symbolic(info);
  const { address, family, port: number } = info ?? {};
  return address === undefined ? 'none' : `${address} ${family} ${port(number)}`;
}

/**
 * Without what stands only for JavaScript: a value in the message, a local address that is not
 * there, `null`, the port -1.
 */
export function error(e) {
  const message = symbolic(e.message)
    .replace(/ Received .*/s, '')
    .replace(' - Local (undefined:undefined)', '')
    .replace(/:(\d{4,5})(?!\d)/g, (_, digits) => `:${port(Number(digits))}`);
  let text = `${e.code ?? '-'} ${JSON.stringify(message)}`;
  if (e.syscall !== undefined) text += ` syscall=${e.syscall}`;
  if (e.address != null) text += ` address=${symbolic(e.address)}`;
  if (e.port !== undefined && e.port !== -1) text += ` port=${port(e.port)}`;
  if (e.hostname !== undefined) text += ` hostname=${e.hostname}`;
  for (const attempt of e.errors ?? []) text += ` [${error(attempt)}]`;
  return text;
}

/** `5 "hello"`, or `3000000 fnv=…` if it is long or no text. */
export function data(bytes) {
  const text = bytes.toString('utf8');
  if (bytes.length <= 64 && Buffer.from(text, 'utf8').equals(bytes) && !/[\0-\x1f\x7f-\x9f]/.test(text)) {
    return `${bytes.length} ${JSON.stringify(text)}`;
  }
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return `${bytes.length} fnv=${(hash >>> 0).toString(16).padStart(8, '0')}`;
}
