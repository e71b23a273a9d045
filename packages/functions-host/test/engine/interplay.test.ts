import type { OrchestrationContext } from 'durable-functions';
import { createMemoryStore } from '../../src/store/memory';
import { StoreRejected, type TaskHubStore } from '../../src/store/store';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { createFailingStore } from '../support/failing-store';
import { MODES, startTestEngine, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;

/** What two features do to each other. */
describe.each(MODES)('with %s turns', (mode) => {
  const engines: TestEngine[] = [];
  const start = async (app: TestApp, more: Parameters<typeof startTestEngine>[1] = {}): Promise<TestEngine> => {
    const host = await startTestEngine(app, { mode, ...more });
    engines.push(host);
    return host;
  };
  afterEach(async () => {
    await Promise.all(engines.splice(0).map(({ engine }) => engine.stop(0)));
  });

  const waits: TestApp = {
    orchestrators: {
      *waits({ df }: OrchestrationContext): Yields {
        yield df.waitForExternalEvent('go');
        return df.currentUtcDateTime.toISOString();
      },
    },
  };

  it('code that goes on in the turn of its resume reads the time of that turn', async () => {
    const host = await start(waits);
    const id = await host.begin('waits');
    await host.engine.send(id, { kind: 'suspend', reason: '' });
    await host.raise(id, 'go');
    await host.clock.advance(60_000);
    await host.engine.send(id, { kind: 'resume', reason: '' });
    await host.engine.idle();
    expect(await host.output(id)).toBe('2026-01-01T00:01:00.000Z');
  });

  it('a start is acknowledged that is suspended before its first turn', async () => {
    const host = await start(waits);
    const started = host.engine.startInstance({ name: 'waits', id: 'w', version: undefined, input: 'null' });
    const suspended = host.engine.send('w', { kind: 'suspend', reason: '' });
    expect(await Promise.all([started, suspended])).toEqual([{ kind: 'started', id: 'w' }, { kind: 'accepted' }]);
    await host.engine.send('w', { kind: 'resume', reason: '' });
    await host.raise('w', 'go');
    expect((await host.row('w')).status).toBe('Completed');
  });

  it('an activity that throws what JSON has no word for fails, and the host lives', async () => {
    const host = await start({
      activities: {
        huge: () => {
          // eslint-disable-next-line @typescript-eslint/only-throw-error
          throw 10n;
        },
      },
      orchestrators: {
        *huge({ df }: OrchestrationContext): Yields {
          return yield df.callActivity('huge');
        },
      },
    });
    const id = await host.begin('huge');
    expect((await host.row(id)).status).toBe('Failed');
    expect(await host.output(id)).toContain("Activity function 'huge' failed:  10");
  });

  it('an activity that waits for its turn is not run when its orchestration has ended', async () => {
    const ran: unknown[] = [];
    let endFirst: (value: unknown) => void = () => undefined;
    const first = new Promise((resolve) => (endFirst = resolve));
    const host = await start(
      {
        activities: {
          note(input) {
            ran.push(input);
            return input === 0 ? first : undefined;
          },
        },
        orchestrators: {
          *fan({ df }: OrchestrationContext): Yields {
            return yield df.Task.all([0, 1, 2].map((n) => df.callActivity('note', n)));
          },
        },
      },
      { maxConcurrentActivities: 1 },
    );
    await host.engine.startInstance({ name: 'fan', id: 'f', version: undefined, input: 'null' });
    await host.engine.send('f', { kind: 'terminate', reason: 'enough' });
    endFirst(undefined);
    await host.engine.idle();
    expect(ran).toEqual([0]);
  });

  it('sub-orchestrations end with their terminated parent over a crash in between, and theirs', async () => {
    const app: TestApp = {
      orchestrators: {
        ...waits.orchestrators,
        *middle({ df }: OrchestrationContext): Yields {
          return yield df.callSubOrchestrator('waits', null, 'low');
        },
        *top({ df }: OrchestrationContext): Yields {
          return yield df.callSubOrchestrator('middle', null, 'middle');
        },
      },
    };
    const kept = createMemoryStore();
    const dying = createFailingStore(kept);
    const first = await start(app, { store: dying });
    await first.begin('top');
    // The last commit that gets through is the one that terminates the parent.
    let last = Infinity;
    dying.fate = (count) => (count > last ? 'not reached' : 'applied');
    last = dying.attempts + 1;
    await first.engine.send('top-1', { kind: 'terminate', reason: 'enough' });
    await first.engine.stop(0);
    const second = await start(app, { store: kept });
    await second.engine.idle();
    for (const id of ['top-1', 'middle', 'low']) {
      expect(await second.row(id)).toMatchObject({ id, status: 'Terminated', output: '"enough"' });
    }
  });

  it('a parent is told of a sub-orchestration that the store takes in no form', async () => {
    const inner = createMemoryStore();
    const store: TaskHubStore = {
      ...inner,
      takeOver: async (owner) => {
        const session = await inner.takeOver(owner);
        return {
          ...session,
          commit: async (batch, commits) => {
            if (commits.some(({ created }) => created?.id === 'child')) throw new StoreRejected('no such thing');
            await session.commit(batch, commits);
          },
        };
      },
    };
    const host = await start(
      {
        orchestrators: {
          ...waits.orchestrators,
          *parent({ df }: OrchestrationContext): Yields {
            return yield df.callSubOrchestrator('waits', null, 'child');
          },
        },
      },
      { store },
    );
    const id = await host.begin('parent');
    expect(await host.row(id)).toMatchObject({ status: 'Failed', output: expect.stringContaining('no such thing') });
  });

  it.each(['with a made-up id', 'with a given id'])(
    'the result of a sub-orchestration that a rewind made void is not taken for that of another one (%s)',
    async (which) => {
      const broken = new Set(['boom']);
      const id = which === 'with a given id' ? 'given' : undefined;
      const host = await start({
        activities: {
          step(input) {
            if (broken.has(String(input))) throw new Error('broken');
            return input;
          },
        },
        orchestrators: {
          *old({ df }: OrchestrationContext): Yields {
            return ['old', yield df.waitForExternalEvent('go')];
          },
          *fresh({ df }: OrchestrationContext): Yields {
            return ['fresh', yield df.waitForExternalEvent('go')];
          },
          *cleansUp({ df }: OrchestrationContext): Yields {
            try {
              yield df.callActivity('step', 'boom');
            } catch (error) {
              const late = df.createTimer(new Date(df.currentUtcDateTime.getTime() + 1000));
              yield df.Task.any([df.callSubOrchestrator('old', null, id), late]);
              throw error;
            }
            try {
              return yield df.callSubOrchestrator('fresh', null, id);
            } catch (error) {
              return (error as Error).message;
            }
          },
        },
      });
      const parent = await host.begin('cleansUp');
      await host.clock.advance(2000);
      expect((await host.row(parent)).status).toBe('Failed');
      broken.clear();
      await host.engine.rewind(parent, 'again');
      await host.engine.idle();
      const rows = await host.engine.listInstances({ limit: 10 });
      for (const row of rows.filter(({ name }) => name === 'old')) await host.raise(row.id, 'go', 1);
      for (const row of rows.filter(({ name }) => name === 'fresh')) await host.raise(row.id, 'go', 2);
      const expected = which === 'with a given id' ? expect.stringContaining('already exists') : ['fresh', 2];
      expect(await host.output(parent)).toEqual(expected);
    },
  );
});
