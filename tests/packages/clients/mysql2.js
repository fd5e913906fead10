const assert = require('assert');
const mysql = require('mysql2/promise');

module.exports = async ({ mariadb }) => {
  const { port, path, user, password } = mariadb;
  for (const place of [{ host: '127.0.0.1', port }, { socketPath: path }]) {
    const connection = await mysql.createConnection({ ...place, user, password });
    const [rows] = await connection.query('SELECT 41 + 1 AS sum, ? AS text', ['grüße']);
    assert.deepStrictEqual({ ...rows[0] }, { sum: 42, text: 'grüße' });
    const [prepared] = await connection.execute('SELECT ? AS text', ['prepared']);
    assert.strictEqual(prepared[0].text, 'prepared');
    await connection.end();
  }
};
