// CommonJS: names, package.json, cycles, errors, and ES modules from CommonJS.
console.log(require('dual').kind, require('dual/sub'), require('cjs').x, require('#in'), require('./src/d.json').j, require('./src/cya'));
console.log(require('@s/p'), require.main === module, module.id, module.paths[0], require.resolve('dual'), require.resolve.paths('x')[0]);
try { require('dual/lib/hidden.js') } catch (e) { console.log(e.code, e.message) }
try { require('#nope') } catch (e) { console.log(e.code, e.message) }
try { require('node:nope') } catch (e) { console.log(e.code, e.message) }
try { require('') } catch (e) { console.log(e.code, e.message) }
try { require(5) } catch (e) { console.log(e.code, e.message) }
console.log(require('esm-only'), require('node:path') === require('path'));
import('dual').then(ns => console.log('dyn', ns.kind, ns));
import('cjs').then(ns => console.log('dyn cjs', Object.keys(ns), ns.default));
import('./nope.js').catch(e => console.log(e.code, e.message));
import('nope').catch(e => console.log(e.code, e.message));
import('./src/d.json').catch(e => console.log(e.code, e.message));
import('./src/d.json', { with: { type: 'json' } }).then(ns => console.log(ns));
import('data:text/javascript,export default 5').then(ns => console.log(ns.default));
import('./src').catch(e => console.log(e.code, e.message));
import('http://x/').catch(e => console.log(e.code, e.message));
console.log(typeof require('module').createRequire(__filename)('dual'), require('module').builtinModules.includes('net'), require('module').isBuiltin('node:net'));
