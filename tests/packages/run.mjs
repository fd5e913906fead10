// Runs clients from npm, as they are, in the sandbox against servers on this machine, and writes
// docs/packages.md.
//
//     node tests/packages/run.mjs PLUGNET [NAME…]
//
// PLUGNET is a `plugnet` with the feature `js`. Servers that are not installed are left out, and
// the table says so. With NAMEs only those clients are run, and nothing is written. PLUGNET_ARGS is
// put before the file, for trying another runtime.

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const [, , plugnet, ...names] = process.argv;
if (plugnet === undefined) {
  console.error('usage: node run.mjs PLUGNET [NAME…]');
  process.exit(2);
}
const before = (process.env.PLUGNET_ARGS ?? '').split(' ').filter(Boolean);
const limit = 60_000;

const work = mkdtempSync(join(tmpdir(), 'packages-'));
chmodSync(work, 0o755);
const program = join(work, 'program');
cpSync(here, program, { recursive: true });
if (!existsSync(join(program, 'node_modules'))) {
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: program, stdio: ['ignore', 'ignore', 'inherit'] });
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Where a program of Debian's is, or undefined. */
function find(name) {
  const folders = [...process.env.PATH.split(':'), '/usr/sbin'];
  for (const version of existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : []) {
    folders.unshift(`/usr/lib/postgresql/${version}/bin`);
  }
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

const running = [];

/** Starts a server, and waits until it answers at a port. As root, `user` runs it. */
async function start(file, args, port, user) {
  const [command, all] = process.getuid() === 0 && user !== undefined
    ? ['setpriv', [`--reuid=${user}`, `--regid=${user}`, '--clear-groups', file, ...args]]
    : [file, args];
  const child = spawn(command, all, { cwd: work, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { said = (said + data).slice(-2000); });
  running.push(child);
  for (let i = 0; i < 150; i++) {
    if (child.exitCode !== null) throw new Error(`${file} ended: ${said}`);
    const up = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (up) return;
    await sleep(200);
  }
  throw new Error(`${file} does not answer: ${said}`);
}

/** A folder that `user` may write to. */
function folderFor(name, user) {
  const folder = join(work, name);
  mkdirSync(folder, { mode: 0o755 });
  if (process.getuid() === 0 && user !== undefined) execFileSync('chown', [user, folder]);
  return folder;
}

function asUser(user, file, args) {
  if (process.getuid() === 0) execFileSync('setpriv', [`--reuid=${user}`, `--regid=${user}`, '--clear-groups', file, ...args], { cwd: work, stdio: 'ignore' });
  else execFileSync(file, args, { cwd: work, stdio: 'ignore' });
}

const makers = {
  async redis(file) {
    const port = await freePort();
    const folder = folderFor('redis');
    await start(file, ['--port', port, '--save', '', '--dir', folder, '--unixsocket', join(folder, 's')], port);
    return { port, path: join(folder, 's'), grant: [join(folder, 's')] };
  },
  async postgres(file) {
    const port = await freePort();
    const [data, folder] = [folderFor('postgres-data', 'postgres'), folderFor('postgres', 'postgres')];
    writeFileSync(join(folder, 'password'), 'secret');
    asUser('postgres', find('initdb'), ['-D', data, '-U', 'tester', `--pwfile=${join(folder, 'password')}`, '-A', 'scram-sha-256']);
    await start(file, ['-D', data, '-p', port, '-k', folder, '-h', '127.0.0.1'], port, 'postgres');
    return { port, folder, user: 'tester', password: 'secret', grant: [`${folder}/`] };
  },
  async mariadb(file) {
    const port = await freePort();
    const [data, folder] = [folderFor('mariadb-data', 'mysql'), folderFor('mariadb', 'mysql')];
    asUser('mysql', find('mariadb-install-db'), [`--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db']);
    const path = join(folder, 's');
    const init = join(folder, 'init.sql');
    writeFileSync(init, "CREATE USER 'tester'@'%' IDENTIFIED BY 'secret';\nCREATE USER 'tester'@'localhost' IDENTIFIED BY 'secret';\n");
    await start(file, ['--no-defaults', `--datadir=${data}`, `--port=${port}`, `--socket=${path}`, '--bind-address=127.0.0.1', `--init-file=${init}`, `--pid-file=${join(folder, 'pid')}`], port, 'mysql');
    return { port, path, user: 'tester', password: 'secret', grant: [path] };
  },
  async mosquitto(file) {
    const port = await freePort();
    await start(file, ['-p', port], port);
    return { port };
  },
  async memcached(file) {
    const port = await freePort();
    await start(file, ['-l', '127.0.0.1', '-p', port, ...(process.getuid() === 0 ? ['-u', 'nobody'] : [])], port);
    return { port };
  },
  async nats(file) {
    const port = await freePort();
    await start(file, ['-a', '127.0.0.1', '-p', port], port);
    return { port };
  },
};
const files = {
  redis: 'redis-server', postgres: 'postgres', mariadb: 'mariadbd', mosquitto: 'mosquitto', memcached: 'memcached', nats: 'nats-server',
};

/** The clients, and the server that each needs. */
const clients = {
  ioredis: 'redis', redis: 'redis', pg: 'postgres', postgres: 'postgres', mysql2: 'mariadb', mqtt: 'mosquitto',
  memjs: 'memcached', nats: 'nats', amqplib: null, kafkajs: null,
};

async function run(name, servers, grants) {
  const child = spawn(plugnet, [
    'run', '--allow-net', ...grants.map((grant) => `--allow-ipc=${grant}`), `--dir=${program}`,
    ...before, join(program, 'main.js'), name, JSON.stringify(servers),
  ], { cwd: program, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { output = (output + data).slice(-10_000); });
  const timer = setTimeout(() => child.kill('SIGKILL'), limit);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  return { works: code === 0 && output.includes('works'), output };
}

const versions = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')).dependencies;
let failed = 0;
let table = '';
const made = new Map();
try {
  for (const [name, server] of Object.entries(clients)) {
    if (names.length > 0 && !names.includes(name)) continue;
    let outcome;
    const file = server === null ? null : find(files[server]);
    if (file === undefined) outcome = `not tried: no \`${files[server]}\` on this machine`;
    else {
      if (server !== null && !made.has(server)) made.set(server, await makers[server](file));
      const { grant = [], ...place } = made.get(server) ?? {};
      const { works, output } = await run(name, server === null ? {} : { [server]: place }, grant);
      if (!works) {
        failed += 1;
        console.log(output);
      }
      const where = server === null ? 'loads' : grant.length > 0 ? 'works, over TCP and a UNIX socket' : 'works, over TCP';
      outcome = works ? where : `fails: \`${(/(?:^|\n)[^\n]*Error[^\n]*/.exec(output)?.[0] ?? 'does not end').trim().slice(0, 120)}\``;
    }
    console.log(`${name}: ${outcome}`);
    table += `| \`${name}\` | ${versions[name]} | ${server === null ? '' : `\`${files[server]}\``} | ${outcome} |\n`;
  }
} finally {
  for (const child of running) child.kill();
  await Promise.all(running.map((child) => child.exitCode === null && new Promise((resolve) => child.on('close', resolve))));
  rmSync(work, { recursive: true, force: true });
}
if (names.length === 0) {
  writeFileSync(join(here, '..', '..', 'docs', 'packages.md'), `# Packages from npm

Clients of real servers, unmodified from npm, run in the sandbox by \`tests/packages/run.mjs\` against servers of
Debian's on loopback. This file is made by the run.

| package | version | server | |
| --- | --- | --- | --- |
${table}`);
}
process.exit(failed > 0 ? 1 : 0);
