// Node's `v8`: QuickJS is no V8. It loads, and says so when it is called.

'use strict';

const { unavailableModule } = require('internal/errors');

module.exports = unavailableModule('v8', [
  'cachedDataVersionTag', 'getHeapSnapshot', 'getHeapStatistics', 'getHeapSpaceStatistics',
  'getHeapCodeStatistics', 'getCppHeapStatistics', 'setFlagsFromString', 'Serializer', 'Deserializer',
  'DefaultSerializer', 'DefaultDeserializer', 'deserialize', 'takeCoverage', 'stopCoverage', 'serialize',
  'writeHeapSnapshot', 'queryObjects', 'setHeapSnapshotNearHeapLimit', 'setHeapProfileNearHeapLimit',
  'GCProfiler', 'isStringOneByteRepresentation', 'startCpuProfile', 'startHeapProfile',
]);
