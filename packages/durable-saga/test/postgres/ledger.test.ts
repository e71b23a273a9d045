import { Pool } from 'pg';
import type { PoolClient } from 'pg';
import { startPostgres } from '../../../functions-host/src/supervisor/postgres';
import type { RunningPostgres } from '../../../functions-host/src/supervisor/postgres';
import { createLedger, ledgerMigrations, LedgerTombstone } from '../../src/postgres';

let server: RunningPostgres;
let pool: Pool;
let now = new Date('2026-01-01T00:00:00Z');
const ledger = createLedger({ clock: () => now });

beforeAll(async () => {
  server = await startPostgres({ databases: ['ledger'] });
  pool = new Pool({ connectionString: server.url('ledger'), max: 8 });
  // The pool's end does not wait for its connections to be closed: the server's end may still be told to them.
  pool.on('error', () => undefined);
  for (const { sql } of ledgerMigrations) await pool.query(sql);
  await pool.query('create table effects (key text, what text)');
}, 120_000);

afterAll(async () => {
  await pool.end();
  await server.stop();
});

beforeEach(async () => {
  now = new Date('2026-01-01T00:00:00Z');
  await pool.query('truncate saga_ledger, effects');
});

async function transaction<T>(work: (tx: PoolClient) => Promise<T>): Promise<T> {
  const tx = await pool.connect();
  try {
    await tx.query('begin');
    const result = await work(tx);
    await tx.query('commit');
    return result;
  } catch (error) {
    await tx.query('rollback');
    throw error;
  } finally {
    tx.release();
  }
}

async function effect(tx: PoolClient, key: string, what: string): Promise<{ what: string }> {
  await tx.query('insert into effects values ($1, $2)', [key, what]);
  return { what };
}

async function effects(): Promise<string[]> {
  const { rows } = await pool.query<{ what: string }>('select what from effects order by what');
  return rows.map(({ what }) => what);
}

/** Runs `work` while what it is given is held back; lets it go at the end, however `work` ends. */
async function holding<T>(work: (held: Promise<void>, letGo: () => void) => Promise<T>): Promise<T> {
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  try {
    return await work(held, letGo);
  } finally {
    letGo();
  }
}

/** Resolves when a transaction has written and stands still. */
async function someoneHolds(): Promise<void> {
  await until(`select 1 from pg_stat_activity where state = 'idle in transaction' and backend_xid is not null`);
}

/** Resolves when a statement on the ledger waits for another transaction. */
async function someoneWaits(): Promise<void> {
  await until(`select 1 from pg_stat_activity where wait_event_type = 'Lock'`);
}

async function until(condition: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (performance.now() < deadline) {
    const { rows } = await pool.query(condition);
    if (rows.length > 0) return;
  }
  throw new Error(`never came true: ${condition}`);
}

describe('once', () => {
  it('runs the effect, and gives its value again without running it a second time', async () => {
    const run = () => transaction((tx) => ledger.once(tx, 'k', () => effect(tx, 'k', 'paid')));
    expect(await run()).toEqual({ what: 'paid' });
    expect(await run()).toEqual({ what: 'paid' });
    expect(await effects()).toEqual(['paid']);
  });

  it.each([[undefined], [null], [0], ['text'], [{ nested: [1, null, 'two'] }], ['a\u0000b'], [true]])(
    'keeps the value %j',
    async (value) => {
      const run = () => transaction((tx) => ledger.once(tx, 'k', async () => value));
      expect(await run()).toEqual(value);
      expect(await run()).toEqual(value);
    },
  );

  it('stores nothing when the effect throws, so that the next attempt has its chance', async () => {
    const broken = transaction((tx) =>
      ledger.once(tx, 'k', async () => {
        await effect(tx, 'k', 'half');
        throw new Error('broken');
      }),
    );
    await expect(broken).rejects.toThrow('broken');
    expect(await effects()).toEqual([]);
    expect(await transaction((tx) => ledger.once(tx, 'k', () => effect(tx, 'k', 'whole')))).toEqual({ what: 'whole' });
  });

  it('stores nothing when the effect throws and the caller commits all the same', async () => {
    await transaction(async (tx) => {
      await ledger.once(tx, 'k', () => Promise.reject(new Error('refused'))).catch(() => undefined);
    });
    expect(await transaction((tx) => ledger.find(tx, 'k'))).toBeUndefined();
  });

  it('passes the error on when a statement of the effect has failed the transaction', async () => {
    const broken = transaction((tx) => ledger.once(tx, 'k', () => tx.query('select 1 / 0')));
    await expect(broken).rejects.toThrow('division by zero');
  });

  it('stores nothing when the transaction is rolled back afterwards', async () => {
    const rolledBack = transaction(async (tx) => {
      await ledger.once(tx, 'k', () => effect(tx, 'k', 'paid'));
      throw new Error('rolled back');
    });
    await expect(rolledBack).rejects.toThrow('rolled back');
    expect(await transaction((tx) => ledger.find(tx, 'k'))).toBeUndefined();
  });

  it('makes a second attempt at the same moment wait, and gives it the value of the first', () =>
    holding(async (held, letGo) => {
      const first = transaction(async (tx) => {
        const value = await ledger.once(tx, 'k', () => effect(tx, 'k', 'first'));
        await held;
        return value;
      });
      await someoneHolds();
      const second = transaction((tx) => ledger.once(tx, 'k', () => effect(tx, 'k', 'second')));
      await someoneWaits();
      letGo();
      expect(await Promise.all([first, second])).toEqual([{ what: 'first' }, { what: 'first' }]);
      expect(await effects()).toEqual(['first']);
    }));

  it('lets a second attempt at the same moment have the effect when the first is rolled back', () =>
    holding(async (held, letGo) => {
      const first = transaction(async (tx) => {
        await ledger.once(tx, 'k', () => effect(tx, 'k', 'first'));
        await held;
        throw new Error('rolled back');
      });
      await someoneHolds();
      const second = transaction((tx) => ledger.once(tx, 'k', () => effect(tx, 'k', 'second')));
      await someoneWaits();
      letGo();
      await expect(first).rejects.toThrow('rolled back');
      expect(await second).toEqual({ what: 'second' });
      expect(await effects()).toEqual(['second']);
    }));

  it('has the effect once for many attempts at the same moment', async () => {
    const attempts = Array.from({ length: 20 }, (_, n) =>
      transaction((tx) => ledger.once(tx, 'k', () => effect(tx, 'k', `attempt ${n}`))),
    );
    const values = await Promise.all(attempts);
    expect(new Set(values.map(({ what }) => what)).size).toBe(1);
    expect(await effects()).toHaveLength(1);
  });
});

describe('undo', () => {
  const undo = (what = 'undone') =>
    transaction((tx) =>
      ledger.undo<{ what: string }>(tx, 'k', async (value) => {
        await effect(tx, 'k', `${what} ${value === undefined ? 'nothing' : value.what}`);
      }),
    );

  it('runs its effect once, with the value that was stored', async () => {
    await transaction((tx) => ledger.once(tx, 'k', () => effect(tx, 'k', 'paid')));
    await undo();
    await undo();
    expect(await effects()).toEqual(['paid', 'undone paid']);
    expect(await transaction((tx) => ledger.find(tx, 'k'))).toEqual({ state: 'undone' });
  });

  it('runs its effect without a value when nothing had happened, and keeps a late attempt from happening', async () => {
    await undo();
    const late = transaction((tx) => ledger.once(tx, 'k', () => effect(tx, 'k', 'late')));
    await expect(late).rejects.toThrow(LedgerTombstone);
    await expect(late).rejects.toMatchObject({ code: 'undone', key: 'k' });
    await undo();
    expect(await effects()).toEqual(['undone nothing']);
  });

  it('writes no tombstone when its effect throws', async () => {
    await transaction((tx) => ledger.once(tx, 'k', () => effect(tx, 'k', 'paid')));
    const broken = transaction((tx) => ledger.undo(tx, 'k', () => Promise.reject(new Error('broken'))));
    await expect(broken).rejects.toThrow('broken');
    expect(await transaction((tx) => ledger.find(tx, 'k'))).toEqual({ state: 'done', value: { what: 'paid' } });
    await undo();
    expect(await effects()).toEqual(['paid', 'undone paid']);
  });

  it('waits for an attempt under way, and undoes what that did', () =>
    holding(async (held, letGo) => {
      const attempt = transaction(async (tx) => {
        await ledger.once(tx, 'k', () => effect(tx, 'k', 'paid'));
        await held;
      });
      await someoneHolds();
      const undone = undo();
      await someoneWaits();
      letGo();
      await Promise.all([attempt, undone]);
      expect(await effects()).toEqual(['paid', 'undone paid']);
    }));

  it('has its effect once for many undos at the same moment', async () => {
    await transaction((tx) => ledger.once(tx, 'k', () => effect(tx, 'k', 'paid')));
    await Promise.all(Array.from({ length: 20 }, (_, n) => undo(`undo ${n}`)));
    expect(await effects()).toHaveLength(2);
  });

  it('and do, raced many times, leave either both or neither', async () => {
    const keys = Array.from({ length: 30 }, (_, n) => `race-${n}`);
    await Promise.all(
      keys.flatMap((key) => [
        transaction((tx) => ledger.once(tx, key, () => effect(tx, key, 'done'))).catch((error: unknown) => {
          if (!(error instanceof LedgerTombstone)) throw error;
        }),
        transaction((tx) =>
          ledger.undo(tx, key, async (value) => {
            if (value !== undefined) await effect(tx, key, 'undone');
          }),
        ),
      ]),
    );
    const { rows } = await pool.query<{ key: string; count: number }>(
      'select key, count(*)::int from effects group by key having count(*) <> 2',
    );
    expect(rows).toEqual([]);
  });
});

describe('expire', () => {
  it('deletes what was last written before, oldest first, at most so many', async () => {
    for (const [n, key] of ['a', 'b', 'c', 'd'].entries()) {
      now = new Date(Date.UTC(2026, 0, 1 + n));
      await transaction((tx) => ledger.once(tx, key, async () => key));
    }
    const before = new Date(Date.UTC(2026, 0, 4));
    expect(await transaction((tx) => ledger.expire(tx, before, 2))).toBe(2);
    expect(await transaction((tx) => ledger.find(tx, 'b'))).toBeUndefined();
    expect(await transaction((tx) => ledger.find(tx, 'c'))).toEqual({ state: 'done', value: 'c' });
    expect(await transaction((tx) => ledger.expire(tx, before, 100))).toBe(1);
    expect(await transaction((tx) => ledger.expire(tx, before, 100))).toBe(0);
    expect(await transaction((tx) => ledger.find(tx, 'd'))).toEqual({ state: 'done', value: 'd' });
  });
});
