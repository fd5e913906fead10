// The folder of a test, which the harness made and grants.

'use strict';

const path = require('path');

const folder = process.env.PLUGNET_TEST_FOLDER ?? '.';

module.exports = {
  path: folder,
  refresh() {},
  resolve: (...parts) => path.resolve(folder, ...parts),
  hasEnoughSpace: () => true,
};
