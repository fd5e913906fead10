const assert = require('assert');
const mqtt = require('mqtt');

module.exports = async ({ mosquitto }) => {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${mosquitto.port}`);
  const message = new Promise((resolve) => client.on('message', (topic, payload) => resolve(`${topic} ${payload}`)));
  await client.subscribeAsync('topic', { qos: 1 });
  await client.publishAsync('topic', 'hello', { qos: 1 });
  assert.strictEqual(await message, 'topic hello');
  await client.endAsync();
};
