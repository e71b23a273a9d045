import type { OrchestrationContext } from 'durable-functions';
import { createVirtualClock } from '../../src/clock-virtual';
import { createMemoryStore } from '../../src/store/memory';
import { createPostgresStore } from '../../src/store/postgres';
import { StoreFenced, StoreRejected, StoreUnavailable, type TaskHubStore } from '../../src/store/store';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { createFailingStore } from '../support/failing-store';
import { startTestPostgres } from '../support/postgres-server';
import { START, startTestEngine, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;

const app: TestApp = {
  activities: { double: (input) => (input as number) * 2 },
  orchestrators: {
    *chain({ df }: OrchestrationContext): Yields {
      const results: number[] = [];
      for (let i = 0; i < 5; i++) results.push(yield df.callActivity('double', i));
      return results;
    },
    *waiter({ df }: OrchestrationContext): Yields {
      return [yield df.waitForExternalEvent('item'), yield df.waitForExternalEvent('item')];
    },
    *large({ df }: OrchestrationContext): Yields {
      yield df.callActivity('double', 1);
      return 'never stored';
    },
  },
};

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error('Waited for too long.');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Starts a chain, however long the store is away: a machine that is busy takes longer to restart it than senders wait. */
async function startSurely({ engine }: TestEngine, id: string): Promise<string> {
  for (;;) {
    try {
      await engine.startInstance({ name: 'chain', id, version: undefined, input: 'null' });
      return id;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }
}

describe('an engine whose store fails', () => {
  const engines: TestEngine[] = [];
  const start = async (...args: Parameters<typeof startTestEngine>): Promise<TestEngine> => {
    const host = await startTestEngine(...args);
    engines.push(host);
    return host;
  };
  afterEach(async () => {
    await Promise.all(engines.splice(0).map(({ engine }) => engine.stop(0)));
  });

  it.each(['not reached', 'answer lost'] as const)(
    'makes every commit again until it is known to be applied (%s)',
    async (fate) => {
      const store = createFailingStore(createMemoryStore());
      store.fate = (count) => (count % 2 === 1 ? fate : 'applied');
      const storeClock = createVirtualClock(START);
      const host = await start(app, { store, storeClock });
      const started = host.engine.startInstance({ name: 'chain', id: 'c', version: undefined, input: 'null' });
      const idle = host.engine.idle();
      for (let i = 0; i < 100; i++) await storeClock.advance(100);
      await idle;
      await started;
      expect(await host.output('c')).toEqual([0, 2, 4, 6, 8]);
      expect((await store.readTurns((await host.row('c')).no)).map(({ turn }) => turn)).toEqual([0, 1, 2, 3, 4, 5]);
    },
  );

  it('tells senders that the store is away, and keeps what it had accepted', async () => {
    const store = createFailingStore(createMemoryStore());
    const storeClock = createVirtualClock(START);
    const host = await start(app, { store, storeClock });
    await host.begin('waiter', null, 'w');
    store.isAway = true;
    const raised = host.engine.send('w', { kind: 'event', name: 'item', input: '"during"', at: START });
    const refused = expect(raised).rejects.toThrow(StoreUnavailable);
    await storeClock.advance(6_000);
    await refused;
    const another = host.engine.startInstance({ name: 'chain', id: 'later', version: undefined, input: 'null' });
    await expect(another).rejects.toThrow(StoreUnavailable);
    await expect(host.engine.readInstance('w')).rejects.toThrow(StoreUnavailable);

    store.isAway = false;
    await storeClock.advance(5_000);
    await host.engine.idle();
    expect((await host.row('w')).status).toBe('Running');
    expect(await host.raise('w', 'item', 'after')).toBe('accepted');
    expect(await host.output('w')).toEqual(['during', 'after']);
    expect(host.logged).toContain('Information The task hub store is back.');
    expect((await host.engine.listInstances({ limit: 9 })).map(({ id }) => id)).toEqual(['w']);
  });

  it('stops working, and says so, when another host takes the task hub over', async () => {
    const kept = createMemoryStore();
    const old = await start(app, { store: kept });
    await old.begin('waiter', null, 'w');
    const next = await start(app, { store: kept });
    await expect(old.engine.send('w', { kind: 'event', name: 'item', input: '1', at: START })).rejects.toThrow(
      StoreFenced,
    );
    await expect(old.engine.readInstance('w')).rejects.toThrow(StoreFenced);
    expect(old.logged.some((line) => line.startsWith('Critical This host stops working'))).toBe(true);
    await next.raise('w', 'item', 1);
    await next.raise('w', 'item', 2);
    expect(await next.output('w')).toEqual([1, 2]);
  });

  it('fails the one instance whose turn the store refuses for good, and no other', async () => {
    const inner = createMemoryStore();
    const rejecting: TaskHubStore = {
      ...inner,
      takeOver: async (owner) => {
        const session = await inner.takeOver(owner);
        return {
          ...session,
          commit: async (batch, commits) => {
            if (commits.some(({ changed }) => changed?.output === '"never stored"')) {
              throw new StoreRejected('too large for the store');
            }
            await session.commit(batch, commits);
          },
        };
      },
    };
    const host = await start(app, { store: rejecting });
    await Promise.all(
      ['large', 'chain', 'chain'].map((name, i) =>
        host.engine.startInstance({ name, id: `${name}-${i}`, version: undefined, input: 'null' }),
      ),
    );
    await host.engine.idle();
    expect((await host.row('large-0')).status).toBe('Failed');
    expect(await host.output('large-0')).toBe(
      "Orchestrator function 'large' failed: its turn can't be stored: too large for the store",
    );
    expect(await host.output('chain-1')).toEqual([0, 2, 4, 6, 8]);
    expect(await host.output('chain-2')).toEqual([0, 2, 4, 6, 8]);
    expect(host.engine.liveCount).toBe(0);
  });

  it('goes on after PostgreSQL was killed in the middle, and has lost nothing that was acknowledged', async () => {
    const server = await startTestPostgres();
    try {
      const host = await start(app, { store: createPostgresStore({ url: server.url }) });
      const acknowledged: string[] = [];
      const starts = Array.from({ length: 40 }, async (_, i) => {
        await new Promise((resolve) => setTimeout(resolve, i * 5));
        acknowledged.push(await startSurely(host, `c${i}`));
      });
      await until(() => acknowledged.length >= 5);
      await server.kill();
      await server.restart();
      await Promise.all(starts);
      await host.engine.idle();
      expect(acknowledged).toHaveLength(40);
      for (const id of acknowledged) expect(await host.output(id)).toEqual([0, 2, 4, 6, 8]);
      const turns = await server.query('SELECT no, count(*)::integer AS turns FROM task_hub.history GROUP BY no');
      expect(new Set(turns.map((row) => row['turns']))).toEqual(new Set([6]));
    } finally {
      await Promise.all(engines.splice(0).map(({ engine }) => engine.stop(0)));
      await server.stop();
    }
  });
});
