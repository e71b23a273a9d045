import { EntityId, type EntityContext, type OrchestrationContext } from 'durable-functions';
import { createMemoryStore } from '../../src/store/memory';
import type { InstanceCommit } from '../../src/store/store';
import { StoreRejected } from '../../src/store/store';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { MODES, startTestEngine, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;

const counter = new EntityId('Counter', 'c');
const account = (key: string): EntityId => new EntityId('Account', key);

interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}

const orchestrators: Record<string, Orchestrator> = {
  *addAndGet({ df }: OrchestrationContext): Yields {
    df.signalEntity(counter, 'add', 1);
    df.signalEntity(counter, 'add', 2);
    const before: unknown = yield df.callEntity(counter, 'get');
    const nothing: unknown = yield df.callEntity(counter, 'add', 40);
    df.signalEntity(counter, 'add', 100);
    const after: unknown = yield df.callEntity(counter, 'get');
    return [before, nothing === undefined ? 'nothing' : nothing, after];
  },
  *fan({ df }: OrchestrationContext): Yields {
    const calls = ['a', 'b', 'c'].map((key, i) => df.callEntity(new EntityId('Counter', key), 'addAndGet', i + 1));
    const all: unknown = yield df.Task.all(calls);
    const late = df.createTimer(new Date(df.currentUtcDateTime.getTime() + 60_000));
    const fast = df.callEntity(counter, 'addAndGet', 5);
    const winner: unknown = yield df.Task.any([late, fast]);
    late.cancel();
    return [all, winner === fast, fast.result];
  },
  *failing({ df }: OrchestrationContext): Yields {
    const said: string[] = [];
    for (const operation of ['throwText', 'throwError', 'setThenThrow']) {
      try {
        yield df.callEntity(counter, operation);
      } catch (error) {
        said.push((error as Error).message);
      }
    }
    said.push(String(yield df.callEntity(counter, 'get')));
    return said;
  },
  *unknown({ df }: OrchestrationContext): Yields {
    return yield df.callEntity(new EntityId('Nothing', 'x'), 'get');
  },
  *signalsThenFails({ df }: OrchestrationContext): Yields {
    df.signalEntity(counter, 'add', 7);
    yield df.callEntity(counter, 'get');
    df.signalEntity(counter, 'add', 8);
    throw new Error('on purpose');
  },
  *transfer({ df }: OrchestrationContext): Yields {
    const { from, to, amount } = df.getInput<Transfer>();
    const states = [df.isLocked().isLocked];
    const lock = (yield df.lock(account(from), account(to))) as { release(): void };
    states.push(df.isLocked().isLocked);
    const balance = (yield df.callEntity(account(from), 'get')) as number;
    if (balance >= amount) {
      yield df.callEntity(account(from), 'add', -amount);
      yield df.createTimer(new Date(df.currentUtcDateTime.getTime() + 10));
      yield df.callEntity(account(to), 'add', amount);
    }
    lock.release();
    states.push(df.isLocked().isLocked);
    df.signalEntity(counter, 'add', 1);
    return states;
  },
  *holds({ df }: OrchestrationContext): Yields {
    yield df.lock(account('a'), account('b'));
    return yield df.waitForExternalEvent('go');
  },
  *holdsAndFails({ df }: OrchestrationContext): Yields {
    yield df.lock(account('a'), account('b'));
    yield df.waitForExternalEvent('go');
    throw new Error('on purpose');
  },
  *holdsAndContinues({ df }: OrchestrationContext): Yields {
    if (df.getInput() === 'again') return 'done';
    yield df.lock(account('a'), account('b'));
    yield df.waitForExternalEvent('go');
    df.continueAsNew('again');
    return undefined;
  },
  *locksAgain({ df }: OrchestrationContext): Yields {
    for (let i = 0; i < 3; i++) {
      const lock = (yield df.lock(account('a'), account('b'))) as { release(): void };
      yield df.callEntity(account('a'), 'add', 1);
      lock.release();
      df.signalEntity(counter, 'add', 1);
    }
    return yield df.callEntity(account('a'), 'get');
  },
};

function createApp(seen: string[] = [], invocations = new Set<unknown>()): TestApp {
  return {
    orchestrators,
    entities: {
      Counter(context: EntityContext<unknown>): void {
        const { df } = context;
        invocations.add(context);
        seen.push(`${df.entityKey}.${df.operationName ?? ''}`);
        const state = df.getState(() => 0) as number;
        const input = Number(df.getInput());
        switch (df.operationName) {
          case 'add':
            df.setState(state + input);
            return;
          case 'get':
            df.return(state);
            return;
          case 'addAndGet':
            df.setState(state + input);
            df.return(state + input);
            return;
          case 'delete':
            df.destructOnExit();
            return;
          case 'isNew':
            df.return(df.isNewlyConstructed);
            return;
          case 'forward':
            df.signalEntity(new EntityId('Counter', 'next'), 'add', input);
            df.signalEntity(new EntityId('Nowhere', 'x'), 'add', input);
            return;
          case 'throwText':
            // eslint-disable-next-line @typescript-eslint/only-throw-error
            throw 'a text';
          case 'throwError':
            throw new Error('what JSON has no word for');
          case 'setThenThrow':
            df.setState(99);
            // eslint-disable-next-line @typescript-eslint/only-throw-error
            throw 'after setState';
          default:
            throw new Error(`There is no operation '${df.operationName ?? ''}'.`);
        }
      },
      Account({ df }: EntityContext<unknown>): void {
        const state = df.getState(() => 100) as number;
        if (df.operationName === 'add') df.setState(state + Number(df.getInput()));
        else df.return(state);
      },
    },
  };
}

describe.each(MODES)('entities with %s turns', (mode) => {
  let host: TestEngine;
  const seen: string[] = [];
  const invocations = new Set<unknown>();
  beforeEach(async () => {
    seen.length = 0;
    invocations.clear();
    host = await startTestEngine(createApp(seen, invocations), { mode });
  });
  afterEach(async () => {
    await host.engine.stop(0);
  });

  const signal = async (id: string, name: string, input?: unknown, dueAt?: number): Promise<void> => {
    await host.engine.signalEntity({
      to: id,
      message: {
        kind: 'operation',
        name,
        ...(input !== undefined && { input: JSON.stringify(input) }),
        ...(dueAt !== undefined && { dueAt }),
      },
    });
    await host.engine.idle();
  };
  const state = async (id: string): Promise<unknown> => {
    const { input } = await host.row(id);
    const { state: text } = JSON.parse(input) as { state?: string };
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  };

  it('answers calls in the order in which they were sent among signals', async () => {
    await host.begin('addAndGet', null, 'o');
    expect(await host.output('o')).toEqual([3, 'nothing', 143]);
    expect(await host.row('@counter@c')).toMatchObject({
      name: '@counter@c',
      status: 'Running',
      customStatus: '{"entityExists":true}',
    });
  });

  it('takes calls of several entities in one wait', async () => {
    await host.begin('fan', null, 'o');
    expect(await host.output('o')).toEqual([[1, 2, 3], true, 8]);
  });

  it('gives the caller what the operation threw, as JSON has it, and goes on', async () => {
    await host.begin('failing', null, 'o');
    expect(await host.output('o')).toEqual(['a text', '[object Object]', 'after setState', '99']);
  });

  it('fails an orchestration that names an entity which is not there', async () => {
    await host.begin('unknown', null, 'o');
    expect((await host.row('o')).status).toBe('Failed');
    expect(await host.output('o')).toContain("The function 'nothing' doesn't exist, is disabled, or is not an entity");
  });

  it('sends what an orchestrator signalled before it failed', async () => {
    await host.begin('signalsThenFails', null, 'o');
    expect((await host.row('o')).status).toBe('Failed');
    expect(await state('@counter@c')).toBe(15);
  });

  it('makes, deletes and makes an entity anew', async () => {
    await signal('@counter@c', 'add', 5);
    expect(await state('@counter@c')).toBe(5);
    await signal('@counter@c', 'delete');
    expect(await state('@counter@c')).toBeUndefined();
    expect((await host.row('@counter@c')).customStatus).toBe('{"entityExists":false}');
    await signal('@counter@c', 'add', 1);
    expect(await state('@counter@c')).toBe(1);
  });

  it('takes a signal at its time', async () => {
    await signal('@counter@c', 'add', 5, host.clock.now() + 1000);
    expect(seen).toEqual([]);
    await host.clock.advance(999);
    expect(seen).toEqual([]);
    await host.clock.advance(1);
    expect(await state('@counter@c')).toBe(5);
  });

  it('lets an entity signal others, and says which it can not', async () => {
    await signal('@counter@c', 'forward', 4);
    expect(await state('@counter@next')).toBe(4);
    expect(host.logged.join('\n')).toMatch(/signal 'add' to '@nowhere@x' is dropped: The function 'nowhere'/);
  });

  it('takes what waits for an entity in one invocation, in order', async () => {
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        host.engine.signalEntity({
          to: '@counter@c',
          message: { kind: 'operation', name: 'add', input: JSON.stringify(i) },
        }),
      ),
    );
    await host.engine.idle();
    expect(await state('@counter@c')).toBe((49 * 50) / 2);
    expect(seen).toHaveLength(50);
    expect(invocations.size).toBeLessThan(10);
  });

  it('keeps the money of twenty transfers that lock their accounts in any order', async () => {
    const keys = ['a', 'b', 'c', 'd'];
    const started = Array.from({ length: 20 }, (_, i) =>
      host.engine.startInstance({
        name: 'transfer',
        id: `t${i}`,
        version: undefined,
        input: JSON.stringify({ from: keys[i % 4], to: keys[(i * 7 + 1 + (i % 3)) % 4], amount: 30 + i }),
      }),
    );
    await Promise.all(started);
    await host.engine.idle();
    await host.clock.advance(60_000);
    for (let i = 0; i < 20; i++) expect(await host.output(`t${i}`)).toEqual([false, true, false]);
    const balances = await Promise.all(keys.map(async (key) => Number((await state(`@account@${key}`)) ?? 100)));
    expect(balances.reduce((sum, balance) => sum + balance, 0)).toBe(400);
    expect(await state('@counter@c')).toBe(20);
    for (const key of keys) expect(JSON.parse((await host.row(`@account@${key}`)).input)).not.toHaveProperty('lock');
  });

  it('keeps others out while an entity is locked, and takes them in order afterwards', async () => {
    await host.begin('holds', null, 'o');
    await signal('@account@a', 'add', 5);
    await host.begin('transfer', { from: 'a', to: 'b', amount: 1 }, 't');
    expect(await state('@account@a')).toBeUndefined();
    expect((await host.row('t')).status).toBe('Running');
    expect(await host.raise('o', 'go', 'ended')).toBe('accepted');
    await host.clock.advance(1000);
    expect(await host.output('t')).toEqual([false, true, false]);
    expect([await state('@account@a'), await state('@account@b')]).toEqual([104, 101]);
  });

  it.each(['holds', 'holdsAndFails', 'holdsAndContinues'])('gives locks back when %s ends', async (name) => {
    await host.begin(name, null, 'o');
    await host.raise('o', 'go');
    await host.begin('transfer', { from: 'b', to: 'a', amount: 1 }, 't');
    await host.clock.advance(1000);
    expect(await host.output('t')).toEqual([false, true, false]);
  });

  it('gives locks back, and takes requests for them back, when an orchestration is terminated', async () => {
    await host.begin('holds', null, 'first');
    await host.begin('holds', null, 'second');
    await host.begin('transfer', { from: 'b', to: 'a', amount: 1 }, 't');
    await host.engine.send('second', { kind: 'terminate', reason: '' });
    await host.engine.send('first', { kind: 'terminate', reason: '' });
    await host.engine.idle();
    await host.clock.advance(1000);
    expect(await host.output('t')).toEqual([false, true, false]);
  });

  it('locks and releases again and again', async () => {
    await host.begin('locksAgain', null, 'o');
    expect(await host.output('o')).toBe(103);
    expect(await state('@counter@c')).toBe(3);
  });

  it('purges an entity that waits for nothing, and no other', async () => {
    await signal('@counter@c', 'add', 5);
    await host.begin('holds', null, 'o');
    expect(await host.engine.purge(await host.row('@account@a'))).toBe(0);
    expect(await host.engine.purge(await host.row('@counter@c'))).toBe(1);
    expect(await host.engine.readInstance('@counter@c')).toBeUndefined();
    await signal('@counter@c', 'add', 1);
    expect(await state('@counter@c')).toBe(1);
  });

  it('fails loudly when a replay signals or locks something else', async () => {
    let changed = false;
    const app = createApp();
    const other: TestApp = {
      ...app,
      orchestrators: {
        *signals({ df }: OrchestrationContext): Yields {
          df.signalEntity(counter, changed ? 'delete' : 'add', 1);
          return yield df.waitForExternalEvent('go');
        },
        *locks({ df }: OrchestrationContext): Yields {
          yield df.lock(account(changed ? 'b' : 'a'));
          return yield df.waitForExternalEvent('go');
        },
        *calls({ df }: OrchestrationContext): Yields {
          yield df.callEntity(account(changed ? 'b' : 'a'), 'get');
          return yield df.waitForExternalEvent('go');
        },
      },
    };
    const store = createMemoryStore();
    const first = await startTestEngine(other, { mode, store });
    for (const name of ['signals', 'locks', 'calls']) await first.begin(name);
    await first.engine.stop(0);
    changed = true;
    const second = await startTestEngine(other, { mode, store });
    for (const [name, expected, got] of [
      ['signals', "a signal 'add' to entity '@counter@c'", "a signal 'delete' to entity '@counter@c'"],
      ['locks', "a lock of entities '@account@a'", "a lock of entities '@account@b'"],
      ['calls', "a call 'get' to entity '@account@a'", "a call 'get' to entity '@account@b'"],
    ] as const) {
      await second.raise(`${name}-1`, 'go');
      expect(await second.output(`${name}-1`)).toBe(
        `Orchestrator function '${name}' failed: Non-deterministic orchestrator: ` +
          `Turn 0, task 0: the history has ${expected}, the code asks for ${got}.`,
      );
    }
    await second.engine.stop(0);
  });
});

describe('an entity', () => {
  const signal = (host: TestEngine, id: string, name: string, input: unknown): Promise<void> =>
    host.engine.signalEntity({ to: id, message: { kind: 'operation', name, input: JSON.stringify(input) } });

  it('is not in memory for ever, and comes back with its state', async () => {
    const host = await startTestEngine(createApp());
    for (let i = 0; i < 3000; i++) await signal(host, `@counter@k${i}`, 'add', i);
    await host.engine.idle();
    expect(host.engine.residentEntities).toBeLessThanOrEqual(1000);
    await signal(host, '@counter@k7', 'add', 1);
    await host.engine.idle();
    expect((await host.row('@counter@k7')).input).toContain('"state":"8"');
    await host.engine.stop(0);
    const again = await startTestEngine(createApp(), { store: host.store });
    expect(again.engine.residentEntities).toBe(0);
    await again.engine.stop(0);
  }, 120_000);

  it('is left alone when its state is damaged, and keeps what is sent to it', async () => {
    const host = await startTestEngine(createApp());
    await signal(host, '@counter@c', 'add', 5);
    await host.engine.idle();
    await host.engine.stop(0);
    const { store } = host;
    const damaged: typeof store = {
      ...store,
      readInstance: async (id) => {
        const row = await store.readInstance(id);
        return row && { ...row, input: row.input.replace('"5"', '"6"') };
      },
    };
    const again = await startTestEngine(createApp(), { store: damaged });
    await signal(again, '@counter@c', 'add', 5);
    await again.engine.idle();
    expect(again.logged.join('\n')).toMatch(/Critical Entity '@counter@c' is left alone: .* its text has checksum/);
    const row = await store.readInstance('@counter@c');
    expect(row?.input).toContain('"state":"5"');
    expect(await store.readHeld(row?.no ?? 0)).toHaveLength(1);
    await again.engine.stop(0);
  });

  it('stays as it was when the store refuses what it became, and its callers are told', async () => {
    const store = createMemoryStore();
    const refuses = ({ changed }: InstanceCommit): boolean => changed?.input?.includes('"state":"666"') === true;
    const picky: typeof store = {
      ...store,
      takeOver: async (owner) => {
        const session = await store.takeOver(owner);
        return {
          ...session,
          commit: async (batch, commits) => {
            if (commits.some(refuses)) throw new StoreRejected('not that number');
            await session.commit(batch, commits);
          },
        };
      },
    };
    const app = createApp();
    const host = await startTestEngine(
      {
        ...app,
        orchestrators: {
          *asks({ df }: OrchestrationContext): Yields {
            try {
              return yield df.callEntity(counter, 'addAndGet', df.getInput());
            } catch (error) {
              return (error as Error).message;
            }
          },
        },
      },
      { store: picky },
    );
    await host.begin('asks', 600, 'o1');
    await host.begin('asks', 66, 'o2');
    await host.begin('asks', 1, 'o3');
    expect(await host.output('o2')).toBe("What entity '@counter@c' did can't be stored: not that number");
    expect(await host.output('o3')).toBe(601);
    await host.engine.stop(0);
  });
});
