// `../common/index.mjs`: the same, for tests that are ES modules.

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const common = require('./index.js');

export const { expectWarning, expectsError, hasCrypto, hasIPv6, mustCall, mustCallAtLeast, mustNotCall, mustSucceed, platformTimeout, skip } = common;
export default common;
