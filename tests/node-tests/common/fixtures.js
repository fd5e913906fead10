// Paths of Node's fixtures, which lie beside the tests.

'use strict';

const fs = require('fs');
const path = require('path');

const fixturesDir = path.join(__dirname, '..', 'fixtures');
const fixturesPath = (...parts) => path.join(fixturesDir, ...parts);

module.exports = {
  fixturesDir,
  path: fixturesPath,
  readSync: (parts, encoding) => fs.readFileSync(fixturesPath(...[parts].flat()), encoding),
  get utf8TestText() { return fs.readFileSync(fixturesPath('utf8_test_text.txt'), 'utf8'); },
  get utf8TestTextPath() { return fixturesPath('utf8_test_text.txt'); },
};
