// Node's `perf_hooks`: `performance` alone. Nothing here observes.

'use strict';

const { unavailable } = require('internal/errors');

class PerformanceObserver {
  static supportedEntryTypes = [];
  constructor() {
    throw unavailable('perf_hooks.PerformanceObserver');
  }
}

module.exports = {
  ...require('internal/performance'),
  PerformanceObserver,
  constants: {},
  createHistogram() { throw unavailable('perf_hooks.createHistogram'); },
  eventLoopUtilization() { throw unavailable('perf_hooks.eventLoopUtilization'); },
  monitorEventLoopDelay() { throw unavailable('perf_hooks.monitorEventLoopDelay'); },
  timerify() { throw unavailable('perf_hooks.timerify'); },
};
