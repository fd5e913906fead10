// What `net` makes of its arguments: the rows of docs/node-compatibility.md that only JavaScript has.

'use strict';

const net = require('node:net');
const { EventEmitter, once } = require('node:events');
const { Duplex } = require('node:stream');

/** Prints what a call throws. */
function tried(name, call) {
  try {
    console.log(name, 'returns', typeof call());
  } catch (error) {
    console.log(name, error.name, error.code, error.message);
  }
}

const nothing = () => {};

// S7, S17, S21, S25
for (const port of [-1, 65536, 1.5, '', 'x1', NaN, {}, true]) {
  tried(`S17 listen ${String(port)}`, () => net.createServer().listen({ port }));
}
for (const options of [1, 'text', true]) tried(`S21 ${options}`, () => net.createServer(options));
tried('S21 keepAliveInitialDelay', () => net.createServer({ keepAliveInitialDelay: '1' }));
tried('S21 highWaterMark', () => net.createServer({ highWaterMark: 'a' }));
tried('S21 blockList', () => net.createServer({ blockList: {} }));
tried('S9 listen {}', () => net.createServer().listen({}));
tried('S9 listen { path: 1 }', () => net.createServer().listen({ path: 1 }));
const server = net.createServer();
console.log('S25', server.listen(0) === server, server.ref() === server, server.unref() === server,
  server.getConnections(nothing) === server, server.close('no function') === server);

// C1 to C6
const connected = (...args) => net.connect(...args).on('error', nothing);
tried('C1', () => connected());
tried('C1 {}', () => connected({}));
for (const port of [true, {}, [], null, nothing]) tried(`C2 ${typeof port}`, () => connected({ port }));
for (const port of [-1, 65536, 1.5, NaN, '', ' ', 'x']) tried(`C3 ${String(port)}`, () => connected({ port }));
for (const port of ['0x50', ' 80', '1e3']) {
  tried(`C4 ${port}`, () => new net.Socket().connect({ port, host: '127.0.0.1', lookup: nothing }).on('error', nothing).destroy());
}
for (const path of [1, {}, true]) tried(`C6 ${typeof path}`, () => connected({ path }));
tried('C5 localAddress', () => connected({ port: 1, localAddress: 'no address' }));
tried('C5 localPort', () => connected({ port: 1, localPort: 'x' }));
tried('C5 host', () => connected({ port: 1, host: 'a\0b' }));
tried('C5 lookup', () => connected({ port: 1, host: 'name', lookup: 'x' }));
tried('C5 autoSelectFamily', () => connected({ port: 1, autoSelectFamily: 'x' }));
tried('C5 attempt timeout', () => connected({ port: 1, autoSelectFamilyAttemptTimeout: 'x' }));
tried('C5 attempt timeout 0', () => connected({ port: 1, autoSelectFamilyAttemptTimeout: 0 }));

// W14, T1, T3, O
for (const data of [true, 1, {}, [], null, undefined, nothing]) {
  tried(`W14 ${data === null ? 'null' : typeof data}`, () => new net.Socket().on('error', nothing).write(data));
}
for (const time of ['1', undefined, null, {}]) tried(`T1 ${time === null ? 'null' : typeof time}`, () => new net.Socket().setTimeout(time));
for (const time of [-1, NaN, Infinity]) tried(`T2 ${time}`, () => new net.Socket().setTimeout(time));
for (const callback of [1, {}, null]) tried(`T3 ${callback === null ? 'null' : typeof callback}`, () => new net.Socket().setTimeout(1, callback));
tried('O objectMode', () => new net.Socket({ objectMode: true }));
tried('O readableObjectMode', () => new net.Socket({ readableObjectMode: true }));
tried('O6 -1', () => new net.Socket().setTypeOfService(-1));
tried('O6 NaN', () => new net.Socket().setTypeOfService(NaN));
tried('O6 text', () => new net.Socket({ typeOfService: 'x' }));
tried('setDefaultAutoSelectFamily', () => net.setDefaultAutoSelectFamily(1));
tried('setDefaultAutoSelectFamilyAttemptTimeout', () => net.setDefaultAutoSelectFamilyAttemptTimeout(0));

// O5, I4, and what things are
console.log('O5', net.Server() instanceof net.Server, net.Socket() instanceof net.Socket, net.Stream === net.Socket);
console.log('is', server instanceof EventEmitter, new net.Socket() instanceof Duplex, typeof server[Symbol.asyncDispose]);
console.log('I4', [undefined, null, 1, {}, ['127.0.0.1'], { toString: () => '::1' }].map((input) => net.isIP(input)));

// BlockList and SocketAddress
tried('addAddress', () => new net.BlockList().addAddress(1));
tried('addAddress family', () => new net.BlockList().addAddress('1.1.1.1', 'ipv5'));
tried('addAddress invalid', () => new net.BlockList().addAddress('1.1.1'));
tried('addSubnet', () => new net.BlockList().addSubnet('1.1.1.1', 33));
tried('addSubnet type', () => new net.BlockList().addSubnet('1.1.1.1', '8'));
tried('addRange', () => new net.BlockList().addRange('1.1.1.2', '1.1.1.1'));
tried('SocketAddress', () => new net.SocketAddress(1));
tried('SocketAddress port', () => new net.SocketAddress({ port: -1 }));
tried('SocketAddress address', () => new net.SocketAddress({ address: 'x' }));
const list = new net.BlockList();
list.addSubnet('10.0.0.0', 8);
console.log(list.rules, list.check('10.1.2.3'), list.check('::ffff:10.1.2.3', 'ipv6'), net.BlockList.isBlockList(list));
console.log(new net.SocketAddress({ address: '::1', family: 'ipv6', port: 80 }).toJSON());

// C29, S16, async iteration, Symbol.asyncDispose
(async () => {
  const echo = net.createServer((socket) => socket.end('one two')).listen('0');
  await once(echo, 'listening');
  console.log('S16', typeof echo.address().port);
  const { port } = echo.address();
  const socket = net.connect({ port, host: '127.0.0.1' }).setEncoding('utf8');
  let text = '';
  for await (const piece of socket) text += piece;
  console.log('for await', text);
  await echo[Symbol.asyncDispose]();
  console.log('disposed', echo.listening);
})();
