// Runs one scenario on Node's `net` and prints its trace: see README.md.
//
//     node runner.mjs tcp|path FOLDER FILE.scn
//
// FOLDER is where the scenario's paths are; with `path` its ports are paths there, too. The test
// harness plays the peers: commands to it are lines of the standard output that begin with `@`,
// its replies come on the standard input.

import { readFileSync } from 'node:fs';
import { parse } from './runner/language.mjs';
import { usePlaces } from './runner/places.mjs';
import { Run } from './runner/run.mjs';

const [, , transport, folder, file] = process.argv;
usePlaces(transport, folder);
new Run(parse(readFileSync(file, 'utf8'))).start();
