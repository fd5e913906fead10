// Node's `domain`: there is none here. It loads, and says so when it is called.

'use strict';

const { unavailableModule } = require('internal/errors');

module.exports = unavailableModule('domain', ['Domain', 'create', 'createDomain'], { active: null });
