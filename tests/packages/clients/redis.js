const assert = require('assert');
const { createClient } = require('redis');

module.exports = async ({ redis }) => {
  const client = await createClient({ url: `redis://127.0.0.1:${redis.port}` }).connect();
  const local = await createClient({ socket: { path: redis.path } }).connect();
  await client.hSet('hash', { a: '1', b: '2' });
  assert.strictEqual((await local.hGetAll('hash')).b, '2');
  const values = await Promise.all(Array.from({ length: 100 }, (_, i) => client.set(`k${i}`, i)));
  assert.strictEqual(values.length, 100);
  await Promise.all([client.close(), local.close()]);
};
