// Where servers and peers are: ports that the system chose, and paths in the scenario's folder.

/** Whether every port is a path. */
let overPaths = false;
let folder;

export function usePlaces(transport, path) {
  overPaths = transport === 'path';
  folder = path;
}

/** Ports by number. The first name of a port stays. */
const names = new Map();
const ports = new Map();

export function namePort(name, port) {
  if (!names.has(port)) names.set(port, name);
  ports.set(name, port);
}

/** The port that `@name` stands for, or a number. */
export function portOf(text) {
  if (!text.startsWith('@')) return Number(text);
  const port = ports.get(text.slice(1));
  if (port === undefined) throw new Error(`nobody has the port ${text}`);
  return port;
}

/** The name of a port in a trace. */
export function port(number) {
  if (names.has(number)) return `<port:${names.get(number)}>`;
  return number >= 1024 ? '<port>' : String(number);
}

/** The path that `@name` stands for, `@@name` an abstract one; any other is as it is. */
export function pathOf(text) {
  if (text.startsWith('@@')) return `\0${folder}/${text.slice(2)}`;
  return text.startsWith('@') ? `${folder}/${text.slice(1)}` : text;
}

/** The path that a step means: its own, or, over paths, the one its port stands for. */
export function pathFor({ path, port: at }, own) {
  if (path !== undefined) return pathOf(path);
  if (!overPaths) return undefined;
  const name = at ?? `@${own}`;
  if (!name.startsWith('@')) throw new Error(`the port ${name} is none over paths`);
  return pathOf(name);
}

/** A text with the names of paths instead of the paths themselves, and no NUL. */
export function symbolic(text) {
  return text.split(`\0${folder}/`).map(named('abstract')).join('')
    .split(`${folder}/`).map(named('path')).join('')
    .replaceAll('\0', '<nul>');
}

function named(kind) {
  return (part, index) => index === 0 ? part : part.replace(/^[a-z0-9/-]+/, (name) => `<${kind}:${name}>`);
}
