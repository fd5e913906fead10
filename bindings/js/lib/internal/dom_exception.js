// DOMException.

'use strict';

const names = {
  IndexSizeError: 1, HierarchyRequestError: 3, WrongDocumentError: 4, InvalidCharacterError: 5,
  NoModificationAllowedError: 7, NotFoundError: 8, NotSupportedError: 9, InUseAttributeError: 10,
  InvalidStateError: 11, SyntaxError: 12, InvalidModificationError: 13, NamespaceError: 14, InvalidAccessError: 15,
  TypeMismatchError: 17, SecurityError: 18, NetworkError: 19, AbortError: 20, URLMismatchError: 21,
  QuotaExceededError: 22, TimeoutError: 23, InvalidNodeTypeError: 24, DataCloneError: 25,
};

class DOMException extends Error {
  #name;

  constructor(message = '', options = 'Error') {
    super(String(message));
    const name = typeof options === 'object' && options !== null ? options.name ?? 'Error' : String(options);
    this.#name = name;
    Object.defineProperty(this, 'stack', {
      configurable: true,
      writable: true,
      value: `${name}: ${this.message}${(this.stack ?? '').replace(/^[^\n]*?(?=\n {4}at )/s, '')}`,
    });
    if (typeof options === 'object' && options !== null && 'cause' in options) {
      Object.defineProperty(this, 'cause', { configurable: true, writable: true, value: options.cause });
    }
  }

  get name() {
    return this.#name;
  }

  get code() {
    return names[this.#name] ?? 0;
  }
}
Object.defineProperty(DOMException.prototype, Symbol.toStringTag, { configurable: true, value: 'DOMException' });
for (const [name, code] of Object.entries(names)) {
  const constant = `${name.replace(/Error$/, '').replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()}_ERR`;
  for (const of of [DOMException, DOMException.prototype]) {
    Object.defineProperty(of, constant, { enumerable: true, value: code });
  }
}

module.exports = { DOMException };
