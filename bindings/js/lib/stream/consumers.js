// Node's `stream/consumers`.

'use strict';

const { Buffer, Blob } = require('buffer');

async function buffer(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks);
}

async function text(stream) {
  const decoder = new TextDecoder();
  let whole = '';
  for await (const chunk of stream) {
    whole += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
  }
  return whole + decoder.decode();
}

module.exports = {
  async arrayBuffer(stream) {
    const { buffer: bytes, byteOffset, byteLength } = await buffer(stream);
    return bytes.slice(byteOffset, byteOffset + byteLength);
  },
  async blob(stream) {
    return new Blob([await buffer(stream)]);
  },
  buffer,
  async bytes(stream) {
    return new Uint8Array(await buffer(stream));
  },
  json: async (stream) => JSON.parse(await text(stream)),
  text,
};
