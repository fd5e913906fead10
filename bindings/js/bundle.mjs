// Makes one CommonJS file of each package that the runtime takes from npm:
//
//     npm ci && node bundle.mjs OUTDIR
//
// What a package requires of Node stays a `require` of the runtime's own module.

import { mkdirSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const packages = join(here, 'node_modules');

/** The files, and where each begins. */
const entries = {
  assert: 'assert/build/assert.js',
  buffer: 'buffer/index.js',
  'cjs-module-lexer': 'cjs-module-lexer/lexer.js',
  inspect: 'node-inspect-extracted/dist/inspect.js',
  path: 'path-browserify/index.js',
  stream: 'readable-stream/lib/stream.js',
  url: 'url/url.js',
  'web-streams': 'web-streams-polyfill/dist/ponyfill.js',
  'whatwg-url': 'whatwg-url/index.js',
};

/** The runtime's own modules that packages may require, with or without a slash after the name. */
const own = ['assert', 'buffer', 'events', 'process', 'stream', 'string_decoder', 'util'];

const external = {
  name: 'external',
  setup(build) {
    build.onResolve({ filter: /^[a-z_]+\/?$/ }, ({ path, kind }) => {
      const name = path.replace(/\/$/, '');
      return kind !== 'entry-point' && own.includes(name) ? { path: name, external: true } : undefined;
    });
    // The runtime has AbortController and EventTarget itself.
    build.onResolve({ filter: /^abort-controller$/ }, () => ({ path: 'internal/abort_controller', external: true }));
  },
};

const outdir = process.argv[2];
if (outdir === undefined) {
  console.error('usage: node bundle.mjs OUTDIR');
  process.exit(2);
}
mkdirSync(outdir, { recursive: true });
await build({
  entryPoints: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, join(packages, file)])),
  outdir,
  bundle: true,
  format: 'cjs',
  platform: 'neutral',
  mainFields: ['main'],
  target: 'es2022',
  legalComments: 'inline',
  logLevel: 'warning',
  plugins: [external],
});
