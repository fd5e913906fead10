// Runs the program: the script that the command line names.

'use strict';

const { fs: files, process: native } = binding;
const path = require('path');
const fatal = require('internal/fatal');

function run() {
  const script = native.argv[1];
  const file = path.resolve(script);
  process.argv = ['plugnet', file, ...native.argv.slice(2)];
  const { Module } = require('internal/modules/cjs');
  let found;
  try {
    found = files.kind(file) === 0 ? file : Module._resolveFilename(file, null, true);
  } catch (error) {
    fatal.uncaught(error);
    return;
  }
  const esm = require('internal/modules/esm');
  if (esm.formatOf(found) === 'module') esm.runMain(found);
  else Module.runMain(found);
}

module.exports = { run };
