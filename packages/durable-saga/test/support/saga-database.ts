import { Pool } from 'pg';
import type { PoolClient } from 'pg';
import { startPostgres } from '../../../functions-host/src/supervisor/postgres';
import { ledgerMigrations } from '../../src/postgres';

export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

/** A PostgreSQL server of a test's own, with the package's tables in it. */
export interface SagaDatabase {
  readonly pool: Pool;
  readonly url: string;
  /** Commits or rolls back; runs again what the server says may be run again. */
  transaction<T>(work: (tx: PoolClient) => Promise<T>, isolation?: Isolation): Promise<T>;
  /** Resolves when a statement waits for another transaction. */
  someoneWaits(): Promise<void>;
  /** Resolves when the query gives a row. */
  until(query: string): Promise<void>;
  stop(): Promise<void>;
}

const RUN_AGAIN = ['40001', '40P01'];

export async function startSagaDatabase(): Promise<SagaDatabase> {
  const server = await startPostgres({ databases: ['sagas'] });
  const url = server.url('sagas');
  const pool = new Pool({ connectionString: url, max: 24 });
  // The pool's end does not wait for its connections to be closed: the server's end may still be told to them.
  pool.on('error', () => undefined);
  for (const { sql } of ledgerMigrations) await pool.query(sql);
  const until = async (query: string): Promise<void> => {
    const deadline = performance.now() + 20_000;
    while (performance.now() < deadline) if ((await pool.query(query)).rows.length > 0) return;
    throw new Error(`never came true: ${query}`);
  };
  return {
    pool,
    url,
    async transaction(work, isolation = 'read committed') {
      for (;;) {
        try {
          return await inTransaction(pool, work, isolation);
        } catch (error) {
          if (!(error instanceof Error && 'code' in error && RUN_AGAIN.includes(String(error.code)))) throw error;
        }
      }
    },
    someoneWaits: () => until(`select 1 from pg_stat_activity where wait_event_type = 'Lock'`),
    until,
    async stop() {
      await pool.end();
      await server.stop();
    },
  };
}

async function inTransaction<T>(pool: Pool, work: (tx: PoolClient) => Promise<T>, isolation: Isolation): Promise<T> {
  const tx = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error;
  };
  tx.on('error', onError);
  try {
    await tx.query(`begin isolation level ${isolation}`);
    const result = await work(tx);
    await tx.query('commit');
    return result;
  } catch (error) {
    await tx.query('rollback').catch(onError);
    throw error;
  } finally {
    tx.off('error', onError);
    tx.release(broken);
  }
}
