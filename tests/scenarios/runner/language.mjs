// Reads the text of a scenario: steps, each with its words, options and block.

/** The steps of a scenario, without its header. */
export function parse(text) {
  const root = { block: [], indent: -1 };
  const open = [root];
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.trim();
    if (content === '' || content.startsWith('#') || /^[a-z-]+ = /.test(content)) continue;
    const indent = line.length - line.trimStart().length;
    while (open.at(-1).indent >= indent) open.pop();
    const step = { line: index + 1, text: content, indent, block: [], ...split(content) };
    open.at(-1).block.push(step);
    open.push(step);
  }
  return root.block;
}

/** `a.b word "text" key=value &`: its words, and its options by their keys. */
function split(content) {
  const words = [];
  const options = {};
  const pattern = /([a-z-]+)=("(?:[^"\\]|\\.)*"|\S*)|("(?:[^"\\]|\\.)*")|(\S+)/g;
  for (const [, key, value, quoted, word] of content.matchAll(pattern)) {
    if (key !== undefined) options[key] = value.startsWith('"') ? JSON.parse(value) : value;
    else if (quoted !== undefined) words.push({ text: JSON.parse(quoted) });
    else words.push(word);
  }
  return { words, options };
}

/**
 * `client.data 5` as `{ source, event: 'data', total: 5 }`, `client.callback first` as
 * `{ source, event: 'callback first' }`.
 */
export function eventOf([name, detail]) {
  const [source, event] = name.split('.');
  if (detail === undefined) return { source, event };
  if (event === 'data') return { source, event, total: Number(detail) };
  return { source, event: `${event} ${detail}` };
}

/** The bytes, or the text, that a word stands for. */
export function dataOf(word) {
  if (word === undefined) return undefined;
  if (word.text !== undefined) return word.text;
  const [form, value] = word.split(':');
  if (form === 'hex') return Buffer.from(value, 'hex');
  if (form === 'pattern') return patternOf(Number(value));
  throw new Error(`no data: ${word}`);
}

function patternOf(length) {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 31 + (i >> 8) * 17 + (i >> 16) * 7;
  return bytes;
}
