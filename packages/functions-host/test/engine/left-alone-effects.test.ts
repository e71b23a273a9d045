import { EntityId, type EntityContext, type OrchestrationContext } from 'durable-functions';
import { createMemoryStore } from '../../src/store/memory';
import type { StoredInstance, TaskHubStore } from '../../src/store/store';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { startTestEngine, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;

const counter = (key: string): EntityId => new EntityId('Counter', key);

const app: TestApp = {
  entities: {
    Counter: ({ df }: EntityContext<unknown>): void => df.return(df.operationName),
  },
  orchestrators: {
    *waits({ df }: OrchestrationContext): Yields {
      return yield df.waitForExternalEvent('go');
    },
    *first({ df }: OrchestrationContext): Yields {
      yield df.lock(counter('b'));
      return yield df.waitForExternalEvent('go');
    },
    *damaged({ df }: OrchestrationContext): Yields {
      yield df.lock(counter('a'), counter('b'), counter('c'));
      return yield df.waitForExternalEvent('go');
    },
    *parent({ df }: OrchestrationContext): Yields {
      return yield df.Task.all([df.callSubOrchestrator('waits', null, 'child'), df.waitForExternalEvent('go')]);
    },
    *asks({ df }: OrchestrationContext): Yields {
      return yield df.Task.all(['a', 'b', 'c'].map((key) => df.callEntity(counter(key), 'hello')));
    },
  },
};

/** A store in which the histories of some instances are damaged. */
function damaged(store: TaskHubStore, ...ids: string[]): TaskHubStore {
  const spoil = (stored: StoredInstance): StoredInstance =>
    ids.includes(stored.row.id)
      ? { ...stored, turns: stored.turns.map(({ turn, events }) => ({ turn, events: `${events} ` })) }
      : stored;
  return {
    ...store,
    takeOver: async (owner) => {
      const session = await store.takeOver(owner);
      return {
        ...session,
        unfinished: async function* () {
          for await (const page of session.unfinished()) yield page.map(spoil);
        },
      };
    },
  };
}

describe('an instance that is left alone and then terminated', () => {
  let host: TestEngine;
  afterEach(() => host.engine.stop(0));

  const restart = async (...ids: string[]): Promise<void> => {
    await host.engine.stop(0);
    host = await startTestEngine(app, { store: damaged(host.store, ...ids) });
    await host.engine.idle();
    const left = host.logged.filter((line) => line.includes('is left alone'));
    expect(left).toHaveLength(ids.length);
  };

  it('gives its locks back, and its requests for locks', async () => {
    host = await startTestEngine(app, { store: createMemoryStore() });
    await host.begin('first');
    const id = await host.begin('damaged');
    await restart(id);
    const asks = await host.begin('asks');
    await host.raise('first-1', 'go');
    expect((await host.row(asks)).status).toBe('Running');
    await host.engine.send(id, { kind: 'terminate', reason: 'enough' });
    await host.engine.idle();
    expect(await host.output(asks)).toEqual(['hello', 'hello', 'hello']);
  });

  it('takes a request back that waits for another holder', async () => {
    host = await startTestEngine(app, { store: createMemoryStore() });
    await host.begin('first');
    const id = await host.begin('damaged');
    await restart(id);
    await host.engine.send(id, { kind: 'terminate', reason: 'enough' });
    await host.raise('first-1', 'go');
    expect(await host.output(await host.begin('asks'))).toEqual(['hello', 'hello', 'hello']);
  });

  it('ends its sub-orchestrations', async () => {
    host = await startTestEngine(app, { store: createMemoryStore() });
    const id = await host.begin('parent');
    await restart(id);
    expect((await host.row('child')).status).toBe('Running');
    await host.engine.send(id, { kind: 'terminate', reason: 'enough' });
    await host.engine.idle();
    expect(await host.row('child')).toMatchObject({ status: 'Terminated', output: '"enough"' });
  });
});
