// Runs one scenario on Node's `net` and prints its trace: see README.md.
//
//     node runner.mjs FILE.scn
//
// The test harness plays the peers: commands to it are lines of the standard output that begin
// with `@`, its replies come on the standard input.

import { readFileSync } from 'node:fs';
import { parse } from './runner/language.mjs';
import { Run } from './runner/run.mjs';

new Run(parse(readFileSync(process.argv[2], 'utf8'))).start();
