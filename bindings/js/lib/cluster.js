// Node's `cluster`: there are no other processes here. It loads, and says so when it is called.

'use strict';

const { unavailableModule } = require('internal/errors');

module.exports = unavailableModule('cluster', [
  'Worker', 'disconnect', 'fork', 'setupMaster', 'setupPrimary',
], {
  SCHED_NONE: 1,
  SCHED_RR: 2,
  isMaster: true,
  isPrimary: true,
  isWorker: false,
  schedulingPolicy: 2,
  settings: {},
  workers: {},
});
