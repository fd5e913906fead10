// Node's `os`: what a program in a sandbox may know of the system is little.

'use strict';

const { systemErrno } = require('internal/errno');
const { unavailable } = require('internal/errors');

const signals = {
  SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGILL: 4, SIGTRAP: 5, SIGABRT: 6, SIGIOT: 6, SIGBUS: 7, SIGFPE: 8, SIGKILL: 9,
  SIGUSR1: 10, SIGSEGV: 11, SIGUSR2: 12, SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15, SIGCHLD: 17, SIGSTKFLT: 16,
  SIGCONT: 18, SIGSTOP: 19, SIGTSTP: 20, SIGTTIN: 21, SIGTTOU: 22, SIGURG: 23, SIGXCPU: 24, SIGXFSZ: 25,
  SIGVTALRM: 26, SIGPROF: 27, SIGWINCH: 28, SIGIO: 29, SIGPOLL: 29, SIGPWR: 30, SIGSYS: 31,
};

module.exports = {
  EOL: '\n',
  arch: () => process.arch,
  availableParallelism: () => 1,
  constants: {
    UV_UDP_REUSEADDR: 4,
    dlopen: {},
    errno: { ...systemErrno },
    priority: {
      PRIORITY_LOW: 19, PRIORITY_BELOW_NORMAL: 10, PRIORITY_NORMAL: 0, PRIORITY_ABOVE_NORMAL: -7,
      PRIORITY_HIGH: -14, PRIORITY_HIGHEST: -20,
    },
    signals,
  },
  cpus: () => [],
  devNull: '/dev/null',
  endianness: () => 'LE',
  freemem() { throw unavailable('os.freemem'); },
  getPriority() { throw unavailable('os.getPriority'); },
  homedir: () => process.env.HOME ?? '/',
  hostname: () => 'localhost',
  loadavg: () => [0, 0, 0],
  machine: () => process.arch,
  networkInterfaces: () => ({}),
  platform: () => process.platform,
  release: () => '',
  setPriority() { throw unavailable('os.setPriority'); },
  tmpdir: () => (process.env.TMPDIR || process.env.TMP || process.env.TEMP || '/tmp').replace(/(?<=.)\/$/, ''),
  totalmem() { throw unavailable('os.totalmem'); },
  type: () => 'Linux',
  uptime() { throw unavailable('os.uptime'); },
  userInfo() { throw unavailable('os.userInfo'); },
  version: () => '',
};
