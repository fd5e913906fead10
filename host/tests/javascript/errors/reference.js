// The stack of an error names the functions, files and lines.
function inner() {
  return missing;
}
class Thing {
  method() { inner(); }
}
try {
  new Thing().method();
} catch (error) {
  const lines = error.stack.split('\n').map((line) => line.replace(/:\d+\)$/, ')').replace(__dirname, ''));
  console.log(lines.slice(0, 2).join('\n'));
  console.log(error.stack.includes('method'), Error.stackTraceLimit);
}
Error.prepareStackTrace = (error, sites) => sites[0].getLineNumber() + ' ' + typeof sites[0].getTypeName;
console.log(new Error('x').stack);
Error.prepareStackTrace = undefined;
const target = {};
Error.captureStackTrace(target);
console.log(target.stack.split('\n')[0]);
console.log(require('util').inspect(new RangeError('shown')).split('\n')[0]);
