const assert = require('assert');
const Redis = require('ioredis');

module.exports = async ({ redis }) => {
  const client = new Redis({ host: '127.0.0.1', port: redis.port });
  const local = new Redis({ path: redis.path });
  const subscriber = new Redis(redis.port, '127.0.0.1');
  await client.set('key', 'value');
  assert.strictEqual(await local.get('key'), 'value');
  const pipeline = client.pipeline();
  for (let i = 0; i < 100; i++) pipeline.incr('count');
  assert.strictEqual((await pipeline.exec()).at(-1)[1], 100);
  assert.strictEqual(await client.eval('return ARGV[1]', 0, 'lua'), 'lua');
  await subscriber.subscribe('channel');
  const message = new Promise((resolve) => subscriber.on('message', (_, text) => resolve(text)));
  await client.publish('channel', 'hello');
  assert.strictEqual(await message, 'hello');
  await Promise.all([client, local, subscriber].map((one) => one.quit()));
};
