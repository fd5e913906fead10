const assert = require('assert');
const { Client } = require('memjs');

module.exports = async ({ memcached }) => {
  const client = Client.create(`127.0.0.1:${memcached.port}`);
  await client.set('key', 'value', { expires: 60 });
  const { value } = await client.get('key');
  assert.strictEqual(value.toString(), 'value');
  client.close();
};
