// Node's `worker_threads`: there is one thread. It loads, and says so when it is called.

'use strict';

const { unavailableModule } = require('internal/errors');

const { BroadcastChannel, MessageChannel, MessagePort } = require('internal/messaging');

module.exports = unavailableModule('worker_threads', [
  'markAsUncloneable', 'markAsUntransferable', 'isMarkedAsUntransferable', 'moveMessagePortToContext',
  'receiveMessageOnPort', 'postMessageToThread', 'Worker', 'setEnvironmentData', 'getEnvironmentData',
], {
  MessageChannel,
  MessagePort,
  BroadcastChannel,
  SHARE_ENV: Symbol.for('nodejs.worker_threads.SHARE_ENV'),
  isInternalThread: false,
  isMainThread: true,
  parentPort: null,
  resourceLimits: {},
  threadId: 0,
  threadName: '',
  workerData: null,
});
