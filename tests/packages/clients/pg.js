const assert = require('assert');
const { Client, Pool } = require('pg');

module.exports = async ({ postgres }) => {
  const { port, folder, user, password } = postgres;
  // The password goes by SCRAM-SHA-256.
  for (const host of ['127.0.0.1', folder]) {
    const client = new Client({ host, port, user, password, database: 'postgres' });
    await client.connect();
    const { rows } = await client.query('SELECT $1::int + 1 AS sum, $2::text AS text', [41, 'grüße']);
    assert.deepStrictEqual({ ...rows[0] }, { sum: 42, text: 'grüße' });
    await client.end();
  }
  const pool = new Pool({ host: '127.0.0.1', port, user, password, database: 'postgres', max: 4 });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => pool.query('SELECT $1::int AS i', [i])));
  assert.strictEqual(answers[19].rows[0].i, 19);
  await assert.rejects(pool.query('SELECT nothing'), { code: '42703' });
  await pool.end();
};
