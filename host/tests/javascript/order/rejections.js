// A rejection that is handled late is told of, and one that is handled in time is not.
process.on('unhandledRejection', (reason, promise) => {
  console.log('unhandled', reason.message, promise === late);
  late.catch(() => console.log('handled'));
});
process.on('rejectionHandled', (promise) => console.log('rejectionHandled', promise === late));
const late = Promise.reject(new Error('late'));
const inTime = Promise.reject(new Error('in time'));
process.nextTick(() => inTime.catch(() => console.log('in time')));
setTimeout(() => console.log('timer'), 5);
