import { EntityId, type EntityContext, type OrchestrationContext } from 'durable-functions';
import { createVirtualClock } from '../../src/clock-virtual';
import { isFinished } from '../../src/store/store';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { createFailingStore, type Fate } from '../support/failing-store';
import { useTestHubs } from '../support/test-hub';
import { MODES, START, startTestEngine, type Mode, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;

const counter = new EntityId('Counter', 'c');
const account = (key: string): EntityId => new EntityId('Counter', key);
const WORKERS = ['w1', 'w2', 'w3'];

/** Signals, calls, locks, signals between entities, an operation that throws, in two executions each. */
const app: TestApp = {
  entities: {
    Counter({ df }: EntityContext<unknown>): void {
      const state = df.getState(() => 0) as number;
      const input = Number(df.getInput());
      if (df.operationName === 'throw') throw new Error('on purpose');
      if (df.operationName === 'relay') df.signalEntity(new EntityId('Counter', 'relayed'), 'add', input);
      if (df.operationName === 'add') df.setState(state + input);
      df.return(state);
    },
  },
  orchestrators: {
    *worker({ df }: OrchestrationContext): Yields {
      df.signalEntity(counter, 'add', 1);
      yield df.callEntity(counter, 'add', 10);
      const lock = (yield df.lock(account('a'), account('b'))) as { release(): void };
      const balance = (yield df.callEntity(account('a'), 'get')) as number;
      yield df.callEntity(account('a'), 'add', -1);
      yield df.createTimer(new Date(df.currentUtcDateTime.getTime() + 100));
      if (balance - 1 !== (yield df.callEntity(account('a'), 'get'))) throw new Error('somebody came between');
      yield df.callEntity(account('b'), 'add', 1);
      const isLast = df.getInput() === 'last';
      // The first execution ends with its locks held.
      if (isLast) lock.release();
      let failure = '';
      try {
        if (isLast) yield df.callEntity(counter, 'throw');
      } catch (error) {
        failure = (error as Error).message;
      }
      if (isLast) {
        yield df.callEntity(counter, 'relay', 1);
        return failure;
      }
      df.continueAsNew('last');
      return undefined;
    },
  },
};

interface Kind {
  readonly mode: Mode;
  readonly storeName: string;
  /** Every such commit is tried, since all of them take minutes. */
  readonly stride: number;
}

const kinds: Kind[] = [
  ...MODES.map((mode) => ({ mode, storeName: 'memory', stride: mode === 'verified' ? 5 : 11 })),
  { mode: 'verified', storeName: 'PostgreSQL', stride: 13 },
];

describe.each(kinds)('entities in $storeName with $mode turns', ({ mode, storeName, stride }) => {
  const makeHub = useTestHubs(storeName);
  const engines: TestEngine[] = [];
  afterEach(async () => {
    await Promise.all(engines.splice(0).map(({ engine }) => engine.stop(0)));
  });

  const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  async function startWorkers({ engine, store }: TestEngine, isDead: () => boolean): Promise<void> {
    for (const id of WORKERS) {
      if (isDead() || (await store.readInstance(id)) !== undefined) continue;
      void engine.startInstance({ name: 'worker', id, version: undefined, input: '"first"' }).catch(() => undefined);
    }
    for (const at of [START + 150, START + 1_000]) {
      if (isDead() || (await store.readInstance('@counter@scheduled')) !== undefined) return;
      const message = { kind: 'operation', name: 'add', input: '1', dueAt: at } as const;
      void engine.signalEntity({ to: '@counter@scheduled', message }).catch(() => undefined);
    }
  }

  async function drive(host: TestEngine, isDead: () => boolean): Promise<void> {
    await startWorkers(host, isDead);
    for (let i = 0; i < 100 && !isDead(); i++) {
      await host.clock.advance(50);
      if (isDead()) return;
      const rows = await Promise.all(WORKERS.map((id) => host.store.readInstance(id)));
      if (i > 20 && rows.every((row) => row !== undefined && isFinished(row.status))) return;
    }
  }

  async function runWithCrash(crashAt: number, fate: Fate): Promise<{ host: TestEngine; crashed: boolean }> {
    const make = makeHub();
    let crashed = false;
    let current: TestEngine | undefined;
    const clock = createVirtualClock(START, async () => {
      const seen = { isIdle: false };
      void current?.engine.idle().then(() => (seen.isIdle = true));
      while (current !== undefined && !seen.isIdle && !crashed) await nextTurn();
    });
    const dying = createFailingStore(make());
    dying.fate = (count) => {
      if (count < crashAt) return 'applied';
      const isFirst = !crashed;
      crashed = true;
      return isFirst ? fate : 'not reached';
    };
    current = await startTestEngine(app, { mode, store: dying, clock });
    await drive(current, () => crashed);
    await current.engine.stop(0);
    const hasCrashed = crashed;
    crashed = false;
    current = await startTestEngine(app, { mode, store: make(), clock });
    engines.push(current);
    await drive(current, () => false);
    return { host: current, crashed: hasCrashed };
  }

  async function states({ row }: TestEngine): Promise<Record<string, unknown>> {
    const found: Record<string, unknown> = {};
    for (const key of ['a', 'b', 'c', 'relayed']) {
      const { state, lock } = JSON.parse((await row(`@counter@${key}`)).input) as { state: string; lock: unknown };
      found[key] = lock === undefined ? JSON.parse(state) : lock;
    }
    return found;
  }

  it.each(['not reached', 'answer lost'] as const)(
    'apply every operation once over a crash at any commit (the commit at which it dies: %s)',
    async (fate) => {
      let crashes = 0;
      for (let crashAt = 1; crashAt < 400; crashAt += stride) {
        const { host, crashed } = await runWithCrash(crashAt, fate);
        const outputs = await Promise.all(WORKERS.map((id) => host.output(id)));
        expect({ crashAt, outputs }).toEqual({ crashAt, outputs: WORKERS.map(() => '[object Object]') });
        expect({ crashAt, ...(await states(host)) }).toEqual({ crashAt, a: -6, b: 6, c: 66, relayed: 3 });
        await Promise.all(engines.splice(0).map(({ engine }) => engine.stop(0)));
        if (!crashed) break;
        crashes += 1;
      }
      expect(crashes).toBeGreaterThan(30 / stride);
    },
    120_000,
  );
});
