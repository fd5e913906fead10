// ES modules: names, import.meta, top-level await, CommonJS from ES modules.
import fs, { readFileSync } from 'node:fs';
import { kind } from 'dual';
import d, * as all from 'cjs';
import { x, y } from 'cjs';
import data from './src/d.json' with { type: 'json' };
import { createRequire } from 'module';
console.log(kind, d, Object.keys(all), x, typeof y, data, fs.readFileSync === readFileSync, typeof require, this);
console.log(import.meta.url, import.meta.filename, import.meta.dirname, import.meta.resolve('dual'), import.meta.resolve('./x.js'), import.meta.main);
const v = await Promise.resolve(7);
console.log(v, createRequire(import.meta.url)('dual').kind);
export { v };

await new Promise(r => setTimeout(r, 5));
console.log((await import('./src/cya.js')).default);
