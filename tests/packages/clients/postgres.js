const assert = require('assert');
const postgres = require('postgres');

module.exports = async ({ postgres: { port, folder, user, password } }) => {
  for (const host of ['127.0.0.1', folder]) {
    const sql = postgres({
      ...(host === folder ? { path: `${folder}/.s.PGSQL.${port}` } : { host, port }),
      user, password, database: 'postgres', ssl: false,
    });
    const [row] = await sql`SELECT ${41}::int + 1 AS sum, ${'grüße'}::text AS text`;
    assert.deepStrictEqual({ ...row }, { sum: 42, text: 'grüße' });
    await sql.end();
  }
};
