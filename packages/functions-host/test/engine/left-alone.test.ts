import type { OrchestrationContext } from 'durable-functions';
import { createMemoryStore } from '../../src/store/memory';
import { createPostgresStore } from '../../src/store/postgres';
import type { TaskHubStore } from '../../src/store/store';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';
import { MODES, startTestEngine, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;

const app: TestApp = {
  orchestrators: {
    *waiter({ df }: OrchestrationContext): Yields {
      return [yield df.waitForExternalEvent('item'), yield df.waitForExternalEvent('item')];
    },
    *parent({ df }: OrchestrationContext): Yields {
      try {
        return yield df.callSubOrchestrator('waiter', null, 'child');
      } catch (error) {
        return (error as Error).message;
      }
    },
  },
};

let server: TestPostgres | undefined;

/** A store, and the way in which something beside the host changes a stored turn of it. */
interface Damageable {
  readonly store: () => TaskHubStore;
  damage(id: string, turn: number): Promise<void>;
}

const kinds: readonly { readonly name: string; make(): Damageable }[] = [
  {
    name: 'memory',
    make() {
      const store = createMemoryStore();
      const damaged = new Set<string>();
      const { readTurns, takeOver } = store;
      const spoil = (no: number, turn: { turn: number; events: string }) =>
        damaged.has(`${no}/${turn.turn}`)
          ? { ...turn, events: turn.events.replace('eventRaised', 'eventraised') }
          : turn;
      return {
        store: () => ({
          ...store,
          readTurns: async (no) => (await readTurns(no)).map((turn) => spoil(no, turn)),
          takeOver: async (owner) => {
            const session = await takeOver(owner);
            return {
              ...session,
              unfinished: async function* () {
                for await (const page of session.unfinished()) {
                  yield page.map((each) => ({ ...each, turns: each.turns.map((turn) => spoil(each.row.no, turn)) }));
                }
              },
            };
          },
        }),
        damage: async (id, turn) => void damaged.add(`${(await store.readInstance(id))?.no ?? 0}/${turn}`),
      };
    },
  },
  {
    name: 'PostgreSQL',
    make() {
      const schema = `hub_${count++}`;
      return {
        store: () => createPostgresStore({ url: server?.url ?? '', schema }),
        damage: async (id, turn) => {
          await server?.query(
            `UPDATE ${schema}.history SET events = replace(events, 'eventRaised', 'eventraised')
             WHERE turn = ${turn} AND no = (SELECT no FROM ${schema}.instances WHERE id = '${id}')`,
          );
        },
      };
    },
  },
];
let count = 0;

describe.each(kinds)('an instance whose history was damaged ($name)', ({ make }) => {
  const engines: TestEngine[] = [];
  beforeAll(async () => {
    server ??= await startTestPostgres();
  });
  afterEach(async () => {
    await Promise.all(engines.splice(0).map(({ engine }) => engine.stop(0)));
  });

  /** A parent with a child that has taken one event, and another instance; the child's turn is damaged while no host runs. */
  const prepare = async (mode: (typeof MODES)[number]): Promise<TestEngine> => {
    const kept = make();
    const first = await startTestEngine(app, { store: kept.store(), mode });
    await first.begin('parent', null, 'parent');
    await first.begin('waiter', null, 'other');
    for (const id of ['child', 'other']) await first.raise(id, 'item', 1);
    await first.engine.stop(0);
    await kept.damage('child', 1);
    const second = await startTestEngine(app, { store: kept.store(), mode });
    engines.push(second);
    return second;
  };

  it.each(MODES)('is left alone, named with its turn, while others go on (%s)', async (mode) => {
    const host = await prepare(mode);
    const said = host.logged.filter((line) => line.startsWith('Critical'));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(
      /^Critical Instance 'child' is left alone: History of instance 'child': Turn 1 is damaged: /,
    );
    expect((await host.row('child')).status).toBe('Running');
    await expect(host.raise('child', 'item', 2)).rejects.toThrow(
      "Instance 'child' is left alone; it can only be terminated, and then purged. History of instance 'child': Turn 1",
    );
    await expect(host.engine.readHistory(await host.row('child'))).rejects.toThrow('Turn 1 is damaged');
    const again = await host.engine.startInstance({ name: 'waiter', id: 'child', version: undefined, input: 'null' });
    expect(again).toEqual({ kind: 'exists', status: 'Running' });
    await host.raise('other', 'item', 2);
    expect(await host.output('other')).toEqual([1, 2]);
    expect((await host.row('parent')).status).toBe('Running');
  });

  it.each(MODES)('can be terminated, which its parent is told, and purged (%s)', async (mode) => {
    const host = await prepare(mode);
    expect(await host.engine.send('child', { kind: 'terminate', reason: 'damaged' })).toEqual({ kind: 'accepted' });
    await host.engine.idle();
    expect(await host.row('child')).toMatchObject({ status: 'Terminated', output: '"damaged"' });
    expect((await host.row('parent')).status).toBe('Completed');
    expect(await host.engine.send('child', { kind: 'terminate', reason: 'again' })).toEqual({ kind: 'finished' });
    expect(await host.engine.purge(await host.row('child'))).toBe(1);
    await host.begin('waiter', null, 'child');
    expect((await host.row('child')).status).toBe('Running');
  });
});

afterAll(() => server?.stop());
