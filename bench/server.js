'use strict';
// The servers that the benchmark measures, on Node's `net`.
//
// Arguments: `ROLE LANE PLACE [UPSTREAM]`, as for every other side of the benchmark; there is one
// lane. It prints `listening PLACE` once it listens.

const net = require('node:net');

const [role, , place, upstream] = process.argv.slice(2);
const CHUNK = 64 * 1024;
const block = Buffer.from(Array.from({ length: CHUNK }, (_, at) => at % 251));

function target(text) {
  if (text.includes('/')) return { path: text };
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

const roles = {
  // Sends back what comes.
  echo(socket) {
    socket.on('data', (data) => {
      if (!socket.write(data)) socket.pause();
    });
    socket.on('drain', () => socket.resume());
  },

  // Takes everything, and answers with its length.
  sink(socket) {
    let count = 0n;
    socket.on('data', (data) => {
      count += BigInt(data.length);
    });
    socket.on('end', () => {
      const answer = Buffer.alloc(8);
      answer.writeBigUInt64LE(count);
      socket.end(answer);
    });
  },

  // Sends as many bytes as it is asked for.
  source(socket) {
    let question = Buffer.alloc(0);
    let count = 0;
    const send = () => {
      while (count > 0) {
        const length = Math.min(count, CHUNK);
        count -= length;
        const goesOn = socket.write(length === CHUNK ? block : block.subarray(0, length));
        if (count === 0) socket.end();
        else if (!goesOn) return;
      }
    };
    socket.on('data', (data) => {
      question = Buffer.concat([question, data]);
      if (question.length === 8) {
        count = Number(question.readBigUInt64LE());
        send();
      }
    });
    socket.on('drain', send);
  },

  // Connects each client with the upstream.
  proxy(socket) {
    const other = net.connect(target(upstream));
    socket.pipe(other);
    other.pipe(socket);
    other.on('error', () => socket.destroy());
    socket.on('error', () => other.destroy());
  },
};

const server = net.createServer({ allowHalfOpen: role === 'sink' }, (socket) => {
  // A client that is lost is no reason to stop.
  socket.on('error', () => {});
  roles[role](socket);
});
server.listen(target(place), () => {
  const address = server.address();
  const text = typeof address === 'string' ? address : `${address.address}:${address.port}`;
  console.log(`listening ${text}`);
});
