import { outboxContract } from '../../src/contracts';
import { createOutbox, drainOutbox } from '../../src/postgres';
import type { OutgoingMessage, Published } from '../../src/postgres';
import type { SagaDatabase } from '../support/saga-database';
import { startSagaDatabase } from '../support/saga-database';

let database: SagaDatabase;

beforeAll(async () => {
  database = await startSagaDatabase();
}, 120_000);

afterAll(() => database.stop());

beforeEach(async () => {
  await database.pool.query('truncate saga_outbox restart identity');
});

describe('the outbox in PostgreSQL', () => {
  const cases = outboxContract(async (options) => ({
    outbox: createOutbox(options),
    transaction: (work) => database.transaction(work),
    someoneWaits: () => database.someoneWaits(),
  }));
  for (const { title, run } of cases) it(title, run);

  const outbox = createOutbox({ clock: () => new Date(0) });
  const sent: OutgoingMessage[] = [];
  const send = async (messages: readonly OutgoingMessage[]): Promise<Published[]> => {
    sent.push(...messages);
    return messages.map(() => ({ ok: true }));
  };

  beforeEach(() => {
    sent.length = 0;
  });

  async function put(lane: string, ...numbers: number[]): Promise<void> {
    await database.transaction(async (tx) => {
      for (const n of numbers) {
        await outbox.put(tx, { id: `${lane}${n}`, topic: 't', payload: n, orderingKey: lane });
      }
    });
  }

  it('gives what a relay had taken to another when its connection is cut, the ids being the same', async () => {
    await put('a', 1, 2, 3);
    const cut = database.transaction((tx) =>
      outbox.relay(tx, {
        async publish(messages) {
          const results = await send(messages);
          if (sent.length === 2) await tx.query('select pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
          return results;
        },
      }),
    );
    await expect(cut).rejects.toThrow();
    expect(sent.map(({ id }) => id)).toEqual(['a1', 'a2', 'a3']);
    const round = await drainOutbox({
      outbox,
      publisher: { publish: send },
      transaction: (work) => database.transaction(work),
    });
    expect(round).toEqual({ taken: 3, sent: 3, failed: 0, dead: 0 });
    expect(sent.map(({ id }) => id)).toEqual(['a1', 'a2', 'a3', 'a1', 'a2', 'a3']);
  });

  it('keeps what it put and what it did together when the connection is cut before the commit', async () => {
    const cut = database.transaction(async (tx) => {
      await outbox.put(tx, { id: 'm', topic: 't', payload: 1, orderingKey: 'a' });
      await tx.query('select pg_terminate_backend(pg_backend_pid())');
    });
    await expect(cut).rejects.toThrow();
    await put('a', 1);
    await database.transaction((tx) => outbox.relay(tx, { publish: send }));
    expect(sent.map(({ id }) => id)).toEqual(['a1']);
  });

  it('numbers messages right under SERIALIZABLE, and relays that meet may be run again', async () => {
    await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        database.transaction(
          (tx) => outbox.put(tx, { id: `m${n}`, topic: 't', payload: n, orderingKey: 'a' }),
          'serializable',
        ),
      ),
    );
    await Promise.all(
      Array.from({ length: 3 }, () =>
        drainOutbox({
          outbox,
          publisher: { publish: send },
          transaction: (work) => database.transaction(work, 'serializable'),
        }),
      ),
    );
    expect(new Set(sent.map(({ id }) => id)).size).toBe(8);
    const { rows } = await database.pool.query(`select 1 from saga_outbox where state <> 'sent'`);
    expect(rows).toEqual([]);
  });
});
