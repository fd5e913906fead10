// The older name of Node's `util`.

'use strict';

module.exports = require('util');
