// Syntax errors as Node shows them: the file and the line, the source, and a caret.

'use strict';

/** Gives a syntax error of QuickJS's the place in the file that it has. */
function complete(error, file, content, before) {
  if (!(error instanceof SyntaxError)) return error;
  const match = /\n    at (?:.*\()?([^\n]*?):(\d+)(?::(\d+))?\)?/.exec(`\n${error.stack}`);
  if (match === null) return error;
  const line = Number(match[2]);
  let column = Number(match[3] ?? 1);
  if (line === 1) column = Math.max(1, column - before);
  const source = content.split(/\r?\n/)[line - 1] ?? '';
  const caret = `${source.slice(0, column - 1).replace(/[^\t]/g, ' ')}^`;
  Object.defineProperty(error, 'stack', {
    configurable: true,
    enumerable: false,
    writable: true,
    value: `${file}:${line}\n${source}\n${caret}\n\nSyntaxError: ${error.message}\n    at ${file}:${line}:${column}`,
  });
  arrowed.add(error);
  return error;
}

/** The errors whose stack begins with their place. */
const arrowed = new WeakSet();

module.exports = { arrowed, complete };
