const assert = require('assert');
const { StringCodec, connect } = require('nats');

module.exports = async ({ nats }) => {
  const connection = await connect({ servers: `127.0.0.1:${nats.port}` });
  const codec = StringCodec();
  const subscription = connection.subscribe('greet');
  (async () => {
    for await (const message of subscription) message.respond(codec.encode(`hello ${codec.decode(message.data)}`));
  })();
  const answer = await connection.request('greet', codec.encode('world'), { timeout: 5000 });
  assert.strictEqual(codec.decode(answer.data), 'hello world');
  await connection.drain();
};
