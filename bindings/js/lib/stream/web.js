// Node's `stream/web`, from npm.

'use strict';

const web = require('npm/web-streams');

module.exports = {
  ByteLengthQueuingStrategy: web.ByteLengthQueuingStrategy,
  CountQueuingStrategy: web.CountQueuingStrategy,
  ReadableByteStreamController: web.ReadableByteStreamController,
  ReadableStream: web.ReadableStream,
  ReadableStreamBYOBReader: web.ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest: web.ReadableStreamBYOBRequest,
  ReadableStreamDefaultController: web.ReadableStreamDefaultController,
  ReadableStreamDefaultReader: web.ReadableStreamDefaultReader,
  TransformStream: web.TransformStream,
  TransformStreamDefaultController: web.TransformStreamDefaultController,
  WritableStream: web.WritableStream,
  WritableStreamDefaultController: web.WritableStreamDefaultController,
  WritableStreamDefaultWriter: web.WritableStreamDefaultWriter,
};
