// Ticks, microtasks, immediates and timers come in Node's order.
setImmediate(() => {
  console.log('immediate');
  process.nextTick(() => console.log('tick of the immediate'));
  Promise.resolve().then(() => console.log('microtask of the immediate'));
});
setImmediate(() => console.log('second immediate'));
process.nextTick(() => {
  console.log('tick');
  Promise.resolve().then(() => console.log('microtask of the tick'));
  process.nextTick(() => console.log('tick of the tick'));
});
process.nextTick(() => console.log('second tick'));
Promise.resolve().then(() => {
  console.log('microtask');
  process.nextTick(() => console.log('tick of the microtask'));
  queueMicrotask(() => console.log('microtask of the microtask'));
});
(async () => {
  console.log('async function');
  await null;
  console.log('after await');
})();
setTimeout(() => {
  console.log('timer');
  process.nextTick(() => console.log('tick of the timer'));
  setImmediate(() => console.log('immediate of the timer'));
}, 50);
setTimeout(() => {
  console.log('second timer');
  Promise.resolve().then(() => console.log('microtask of the second timer'));
}, 50);
const cleared = setTimeout(() => console.log('never'), 50);
setTimeout(() => console.log('third timer'), 50);
clearTimeout(cleared);
let again = true;
process.on('beforeExit', (code) => {
  console.log('beforeExit', code);
  if (!again) return;
  again = false;
  let rounds = 0;
  const interval = setInterval((word) => {
    rounds += 1;
    console.log(word, rounds);
    if (rounds === 3) clearInterval(interval);
  }, 5, 'interval');
});
process.on('exit', (code) => {
  console.log('exit', code);
  process.nextTick(() => console.log('never'));
});
console.log('end of the script');
// All timers are due when the loop begins.
for (const start = Date.now(); Date.now() < start + 60;);
