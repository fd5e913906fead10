// `performance`: the time since the start, marks and measures.

'use strict';

const { codes: { ERR_INVALID_ARG_VALUE, ERR_MISSING_ARGS } } = require('internal/errors');

const start = process.hrtime();
const timeOrigin = Date.now();

function now() {
  const [seconds, nanoseconds] = process.hrtime(start);
  return seconds * 1e3 + nanoseconds / 1e6;
}

class PerformanceEntry {
  constructor(name, entryType, startTime, duration, detail = null) {
    Object.assign(this, { name, entryType, startTime, duration, detail });
  }

  toJSON() {
    return { ...this };
  }
}

class PerformanceMark extends PerformanceEntry {
  constructor(name, options = {}) {
    if (arguments.length === 0) throw new ERR_MISSING_ARGS('name');
    super(`${name}`, 'mark', options?.startTime ?? now(), 0, options?.detail ?? null);
  }
}

class PerformanceMeasure extends PerformanceEntry {}

let entries = [];

function timeOf(mark) {
  if (typeof mark === 'number') return mark;
  const found = entries.findLast((entry) => entry.entryType === 'mark' && entry.name === mark);
  if (found === undefined) throw new ERR_INVALID_ARG_VALUE('mark', mark, 'is no performance mark');
  return found.startTime;
}

const performance = {
  timeOrigin,
  now,
  mark(name, options) {
    const mark = new PerformanceMark(name, options);
    entries.push(mark);
    return mark;
  },
  measure(name, startOrOptions, end) {
    const options = typeof startOrOptions === 'object' && startOrOptions !== null
      ? startOrOptions
      : { start: startOrOptions, end };
    let to = options.end === undefined ? undefined : timeOf(options.end);
    let from = options.start === undefined ? undefined : timeOf(options.start);
    if (options.duration !== undefined) {
      if (from === undefined) from = to - options.duration;
      else to = from + options.duration;
    }
    from ??= 0;
    to ??= now();
    const measure = new PerformanceMeasure(`${name}`, 'measure', from, to - from, options.detail ?? null);
    entries.push(measure);
    return measure;
  },
  clearMarks(name) {
    entries = entries.filter((entry) => entry.entryType !== 'mark' || (name !== undefined && entry.name !== name));
  },
  clearMeasures(name) {
    entries = entries.filter((entry) => entry.entryType !== 'measure' || (name !== undefined && entry.name !== name));
  },
  getEntries: () => [...entries].sort((a, b) => a.startTime - b.startTime),
  getEntriesByName: (name, type) => performance.getEntries()
    .filter((entry) => entry.name === name && (type === undefined || entry.entryType === type)),
  getEntriesByType: (type) => performance.getEntries().filter((entry) => entry.entryType === type),
  toJSON: () => ({ timeOrigin }),
};
Object.defineProperty(performance, Symbol.toStringTag, { value: 'Performance' });

module.exports = { PerformanceEntry, PerformanceMark, PerformanceMeasure, performance };
