// Hands the events of the contract to the servers and sockets that they are of.

'use strict';

const { makeError } = require('internal/net_errors');

/** Servers and sockets that events may come of, by their ids. */
const targets = new Map();
/** The functions of calls that complete later, by their numbers. */
const callbacks = new Map();
let lastCallback = 0;

binding.net.setMakeError(makeError);
binding.net.setDispatcher((id, kind, value) => {
  if (kind === 'callback') {
    const callback = callbacks.get(value.callback);
    callbacks.delete(value.callback);
    callback?.(value.error ?? null);
    return;
  }
  targets.get(id)?._event(kind, value);
});

/** From now on the events of `handle` go to `target._event`, which keeps `target` alive. */
function follow(handle, target) {
  targets.set(handle.id(), target);
}

function unfollow(handle) {
  targets.delete(handle.id());
}

/** The number of a callback, which is called once. */
function numberOf(callback) {
  lastCallback += 1;
  callbacks.set(lastCallback, callback);
  return lastCallback;
}

module.exports = { follow, numberOf, unfollow };
