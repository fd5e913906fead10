// Runs Node's own tests in the sandbox, file by file and as they are, and writes docs/node-tests.md.
//
//     node tests/node-tests/run.mjs PLUGNET FOLDER [NAME…]
//
// PLUGNET is a `plugnet` with the feature `js`, FOLDER the folder `test` of Node's source. With
// NAMEs only the files whose name contains one of them are run, and nothing is written.
// PLUGNET_ARGS is put before the file, for trying another runtime.

import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const [, , plugnet, source, ...names] = process.argv;
if (source === undefined) {
  console.error('usage: node run.mjs PLUGNET FOLDER [NAME…]');
  process.exit(2);
}
const before = (process.env.PLUGNET_ARGS ?? '').split(' ').filter(Boolean);
const atOnce = Number(process.env.PLUGNET_TESTS_AT_ONCE ?? 2);
const limit = 30_000;

/** Why a file cannot pass, by its name: see reasons.json. */
const reasons = JSON.parse(readFileSync(join(here, 'reasons.json'), 'utf8'));

/** The groups of files. Of `net` each is listed. */
const groups = [
  { name: 'net', pattern: /^test-(net|pipe)-.*\.m?js$/, listed: true },
  { name: 'events', pattern: /^test-event.*\.m?js$/ },
  { name: 'streams', pattern: /^test-stream.*\.m?js$/ },
  { name: 'string_decoder', pattern: /^test-string-decoder.*\.m?js$/ },
  { name: 'timers', pattern: /^test-timers.*\.m?js$/ },
  { name: 'buffer', pattern: /^test-buffer.*\.m?js$/ },
  { name: 'util', pattern: /^test-util.*\.m?js$/ },
];
const folders = ['parallel', 'sequential', 'pummel', 'async-hooks'];

/** A folder with the files and our own `../common` beside them. */
const work = mkdtempSync(join(tmpdir(), 'node-tests-'));
cpSync(join(here, 'common'), join(work, 'common'), { recursive: true });
if (existsSync(join(source, 'fixtures'))) cpSync(join(source, 'fixtures'), join(work, 'fixtures'), { recursive: true });

const files = [];
for (const folder of folders) {
  if (!existsSync(join(source, folder))) continue;
  mkdirSync(join(work, folder));
  for (const file of readdirSync(join(source, folder)).sort()) {
    const group = groups.find(({ pattern }) => pattern.test(file));
    if (group === undefined || (folder !== 'parallel' && group.name !== 'net')) continue;
    if (names.length > 0 && !names.some((name) => file.includes(name))) continue;
    cpSync(join(source, folder, file), join(work, folder, file));
    files.push({ folder, file, group: group.name, name: `${folder}/${file}` });
  }
}

/** A port that was free a moment ago. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function run(test) {
  const folder = mkdtempSync(join(work, 'tmp-'));
  const port = await freePort();
  const granted = [
    'run', '--allow-net', `--allow-ipc=${folder}/`, `--allow-ipc=${folder}0.txt`, '--allow-ipc=no-ent-file', '--allow-ipc=@/', '--allow-ipc=/tmp/fadagagsdfgsdf', `--dir=${work}`,
    `--env=PLUGNET_TEST_FOLDER=${folder}`, `--env=PLUGNET_TEST_PORT=${port}`,
  ];
  const child = spawn(plugnet, [...granted, ...before, join(work, test.folder, test.file)], {
    cwd: folder, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { output = (output + data).slice(-20_000); });
  const timer = setTimeout(() => {
    test.late = true;
    child.kill('SIGKILL');
  }, limit);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  rmSync(folder, { recursive: true, force: true });
  test.output = output;
  test.skipped = /# Skipped: (.*)/.exec(output)?.[1];
  test.passed = code === 0 && test.skipped === undefined;
}

const waiting = [...files];
await Promise.all(Array.from({ length: atOnce }, async () => {
  for (let test = waiting.shift(); test !== undefined; test = waiting.shift()) {
    await run(test);
    const how = test.passed ? 'passes' : test.skipped !== undefined ? `skipped: ${test.skipped}` : test.late ? 'does not end' : 'fails';
    console.log(`${test.name}: ${how}`);
    if (names.length > 0 && !test.passed) console.log(test.output);
    if (process.env.PLUGNET_TESTS_OUTPUT && !test.passed) {
      writeFileSync(join(process.env.PLUGNET_TESTS_OUTPUT, `${test.file}.txt`), test.output);
    }
  }
}));
rmSync(work, { recursive: true, force: true });

/** Why a file does not pass. */
function reasonOf({ name, skipped, late, output }) {
  if (reasons[name] !== undefined) return reasons[name];
  if (skipped !== undefined) return `skips itself: ${skipped}`;
  if (late) return 'does not end';
  const line = output.split('\n').find((text) => /Error|Mismatched|denied/.test(text));
  return (line ?? 'fails').trim().slice(0, 160).replaceAll('|', '\\|');
}

if (names.length > 0) process.exit(files.every(({ passed }) => passed) ? 0 : 1);

let text = `# Node's own tests

Tests of Node 18.20.4, of Debian's source package \`nodejs\`, run in the sandbox by
\`tests/node-tests/run.mjs\`: unmodified, with a \`../common\` of plugnet's. This file is made by the run.

| group | files | pass |
| --- | --- | --- |
`;
for (const { name } of groups) {
  const all = files.filter(({ group }) => group === name);
  text += `| ${name} | ${all.length} | ${all.filter(({ passed }) => passed).length} |\n`;
}
for (const { name, listed } of groups) {
  const all = files.filter(({ group }) => group === name);
  const shown = listed ? all : all.filter(({ passed }) => !passed);
  text += `\n## ${name}${listed ? '' : ': those that do not pass'}\n\n| file | |\n| --- | --- |\n`;
  for (const test of shown) text += `| \`${test.name}\` | ${test.passed ? 'passes' : reasonOf(test)} |\n`;
}
writeFileSync(join(here, '..', '..', 'docs', 'node-tests.md'), text);
console.log(`${files.filter(({ passed }) => passed).length} of ${files.length} pass`);
