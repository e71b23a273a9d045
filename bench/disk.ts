/** What contenders keep on disk. */
import { Client } from 'pg';
import type { Disk } from './contender';

/** Of a PostgreSQL database; its log's files are of fixed size and used again, so what was written to it is told instead. */
export async function readDatabase(url: string): Promise<Disk> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ data: string; log: string }>(
      "SELECT pg_database_size(current_database()) AS data, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS log",
    );
    const [row] = rows;
    if (row === undefined) throw new Error('Expected one row.');
    return { data: Number(row.data), log: Number(row.log) };
  } finally {
    await client.end();
  }
}
