// Hands the events of the contract to the servers and sockets that they are of.

'use strict';

const { makeError } = require('internal/net_errors');

/** Servers and sockets that events may come of, by their ids: those that are closed, weakly. */
const targets = new Map();
const gone = new FinalizationRegistry((id) => targets.delete(id));
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
  const target = targets.get(id);
  if (target instanceof WeakRef) target.deref()?._event(kind, value);
  else target?._event(kind, value);
});

/** From now on the events of `handle` go to `target._event`, which keeps `target` alive. */
function follow(handle, target) {
  targets.set(handle.id(), target);
}

/** From now on events no longer keep `target` alive: it is closed, or nothing is under way. */
function unfollow(handle, target) {
  const id = handle.id();
  targets.set(id, new WeakRef(target));
  gone.register(target, id);
}

/** The number of a callback, which is called once. */
function numberOf(callback) {
  lastCallback += 1;
  callbacks.set(lastCallback, callback);
  return lastCallback;
}

module.exports = { follow, numberOf, unfollow };
