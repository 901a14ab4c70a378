// A second, independent client: what it did and saw, as one JSON object. Called by test_node_client.py.
const oracledb = require('oracledb');
oracledb.fetchAsString = [oracledb.CLOB];

async function main() {
  const [user, password, connectString] = process.argv.slice(2);
  const seen = {};
  const connection = await oracledb.getConnection({ user, password, connectString });
  seen.thin = connection.thin;
  seen.version = connection.oracleServerVersionString;
  await connection.execute(
    'create table node_rows (id number(9) primary key, name varchar2(20), at timestamp, note clob)');

  const at = new Date(Date.UTC(2026, 10, 23, 8, 5, 9, 678));
  const rows = [];
  for (let n = 1; n <= 500; n++) rows.push([n, `row ${n}`, at, null]);
  rows.push([7, 'twice', at, null], [501, 'much longer than twenty characters', at, null]);
  const result = await connection.executeMany(
    'insert into node_rows (id, name, at, note) values (:1, :2, :3, :4)', rows,
    { batchErrors: true, bindDefs: [
      { type: oracledb.NUMBER }, { type: oracledb.STRING, maxSize: 100 },
      { type: oracledb.DB_TYPE_TIMESTAMP }, { type: oracledb.STRING, maxSize: 10 }] });
  seen.rowsAffected = result.rowsAffected;
  seen.batchErrors = result.batchErrors.map((error) => [error.message.slice(0, 9), error.offset]);
  await connection.commit();

  const text = 'x\u20ac\u{1F600}'.repeat(20000);
  await connection.execute('update node_rows set note = :note where id = 3', { note: text });
  const updated = await connection.execute(
    'update node_rows set name = :name where id <= 2 returning id into :ids',
    { name: 'new', ids: { dir: oracledb.BIND_OUT, type: oracledb.NUMBER } });
  seen.returned = updated.outBinds.ids;
  const clob = await connection.execute('select note from node_rows where id = 3');
  seen.clobIsRight = clob.rows[0][0] === text;
  await connection.rollback();

  const all = await connection.execute(
    'select id, name, at, note from node_rows order by id', [], { fetchArraySize: 50 });
  seen.count = all.rows.length;
  seen.columns = all.metaData.map((column) => column.name);
  seen.first = [all.rows[0][0], all.rows[0][1], all.rows[0][2].getTime() === at.getTime(), all.rows[0][3]];
  try {
    await connection.execute('select * from no_such_table');
  } catch (error) {
    seen.error = [error.errorNum, error.message.split('\n')[0]];
  }
  await connection.execute('drop table node_rows');
  await connection.close();
  process.stdout.write(JSON.stringify(seen));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
