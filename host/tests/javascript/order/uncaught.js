// A listener of uncaughtException keeps the program running, wherever the error was thrown.
process.on('uncaughtExceptionMonitor', (error, origin) => console.log('monitor', error.message, origin));
process.on('uncaughtException', (error, origin) => console.log('caught', error.message, origin));
process.on('exit', (code) => console.log('exit', code));
const fail = (text) => () => { throw new Error(text); };
process.nextTick(fail('tick'));
queueMicrotask(fail('microtask'));
setTimeout(fail('timer'), 1);
setImmediate(fail('immediate'));
setTimeout(() => Promise.reject(new Error('rejection')), 1500);
require('net').createServer().listen(0, '127.0.0.1', function () {
  setTimeout(() => this.close(() => fail('listener')()), 2500);
});
process.exitCode = 3;
// The timer is due when the loop begins.
for (const start = Date.now(); Date.now() < start + 5;);
throw new Error('script');
