// UTF-8, for the runtime's own modules.

'use strict';

const { buffer } = binding;

module.exports = {
  decode: (bytes) => buffer.utf8Slice(bytes, 0, bytes.length),
  encode: (text) => buffer.fromString(text, 'utf8'),
};
