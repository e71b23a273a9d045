import { createPostgresStore } from '../../src/store/postgres';
import type { InstanceCommit } from '../../src/store/store';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';

/** A commit with something of everything, so that every part of the statement runs. */
function commitsOf(no: number): { first: InstanceCommit; second: InstanceCommit } {
  const rest = { no, forgetTurns: false, held: [], taken: [] };
  return {
    first: {
      ...rest,
      created: {
        no,
        id: `i${no % 50}-${no}`,
        name: 'o',
        version: undefined,
        executionId: 'e',
        parent: undefined,
        status: 'Running',
        createdAt: 1,
        updatedAt: 1,
        input: '1',
        output: undefined,
        customStatus: undefined,
      },
      changed: undefined,
      turn: { turn: 0, events: '{}' },
      held: [{ seq: 0, body: '1' }],
    },
    second: {
      ...rest,
      created: undefined,
      changed: { status: 'Completed', updatedAt: 2, output: '2' },
      turn: { turn: 1, events: '{}' },
      taken: [0],
    },
  };
}

describe('the statement of a commit', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startTestPostgres();
  });
  afterAll(() => server.stop());

  it('never reads a growing table from end to end, although it was planned when all were empty', async () => {
    const store = createPostgresStore({ url: server.url });
    await store.open();
    const session = await store.takeOver('test');
    let batch = 1;
    for (let no = 1; no <= 100; no++) {
      const { first, second } = commitsOf(no);
      await session.commit(batch++, [first]);
      await session.commit(batch++, [second]);
    }
    await store.close();
    const deadline = Date.now() + 10_000;
    for (;;) {
      const rows = await server.query(
        `SELECT relname, seq_scan::integer AS scans, n_tup_ins::integer AS inserted FROM pg_stat_user_tables
         WHERE relname IN ('instances', 'history', 'inbox') ORDER BY relname`,
      );
      if (rows.some((row) => row['inserted'] === 0) && Date.now() < deadline) continue;
      expect(rows.map((row) => row['inserted'])).toEqual([200, 100, 100]);
      // Making an index reads its empty table once.
      for (const row of rows) expect(row['scans']).toBeLessThan(5);
      return;
    }
  });
});
