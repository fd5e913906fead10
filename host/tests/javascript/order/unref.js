// What is unref'd does not keep the program running; ref takes it back.
setTimeout(() => console.log('never'), 60_000).unref();
const kept = setTimeout(() => console.log('kept', kept.hasRef()), 20).unref();
kept.ref();
setInterval(() => console.log('never'), 60_000).unref();
const refreshed = setTimeout(() => console.log('refreshed'), 10);
refreshed.refresh();
console.log(typeof +refreshed, refreshed[Symbol.toPrimitive]() === +refreshed);
clearTimeout(+setTimeout(() => console.log('never'), 1));
clearImmediate(setImmediate(() => console.log('never')));
for (const wrong of [undefined, null, 'text', {}]) {
  try {
    setTimeout(wrong, 1);
  } catch (error) {
    console.log(error.code, error.message);
  }
}
