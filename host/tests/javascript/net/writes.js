// What is written at once, and what is held back by `cork` first, gives the same events.

'use strict';

const net = require('node:net');
const { once } = require('node:events');

async function sends(how, write) {
  const server = net.createServer((socket) => {
    let text = '';
    socket.setEncoding('latin1').on('data', (piece) => { text += piece; }).on('end', () => {
      console.log(how, 'received', text.length, text.slice(0, 40));
    });
  }).listen(0);
  await once(server, 'listening');
  const client = net.connect(server.address().port, '127.0.0.1');
  for (const event of ['ready', 'drain', 'finish', 'end', 'close']) client.on(event, () => console.log(how, event));
  await once(client, 'connect');
  write(client, (label) => (error) => console.log(how, 'callback', label, error));
  client.end((error) => console.log(how, 'ended', error));
  console.log(how, client.writableEnded, client.writableFinished, client.writable);
  await once(client, 'close');
  console.log(how, client.bytesWritten, client.writableFinished, client.destroyed, client.errored);
  server.close();
  await once(server, 'close');
}

function pieces(client, called) {
  console.log(client.write('text', called('text')));
  console.log(client.write('68656c6c6f', 'hex', called('hex')));
  console.log(client.write('é', 'latin1', called('latin1')));
  console.log(client.write(Buffer.from([1, 2]), called('bytes')));
  console.log(client.write(new Uint16Array([0x4142]), called('words')));
  console.log(client.write('', called('nothing')));
}

(async () => {
  await sends('at once', pieces);
  await sends('corked', (client, called) => {
    client.cork();
    pieces(client, called);
    console.log('corked', client.writableLength, client.writableCorked);
    process.nextTick(() => client.uncork());
  });
  await sends('uncorked', (client, called) => {
    client.cork();
    pieces(client, called);
    client.uncork();
    console.log('uncorked', client.writableCorked);
  });
})();
