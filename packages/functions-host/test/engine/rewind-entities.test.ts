import { EntityId, type EntityContext, type OrchestrationContext } from 'durable-functions';
import { createVirtualClock } from '../../src/clock-virtual';
import type { TaskHubStore } from '../../src/store/store';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { createFailingStore } from '../support/failing-store';
import { useTestHubs } from '../support/test-hub';
import { MODES, START, startTestEngine, type Mode, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;

const counter = new EntityId('Counter', 'c');
const other = new EntityId('Counter', 'd');

/** Orchestrations around a counter; the activity `step` fails while its input is in `broken`. */
function createApp(): { app: TestApp; broken: Set<unknown>; ran: unknown[] } {
  const broken = new Set<unknown>(['boom']);
  const ran: unknown[] = [];
  const app: TestApp = {
    activities: {
      step(input) {
        ran.push(input);
        if (broken.has(input)) throw new Error(`${String(input)} is broken`);
        return `did ${String(input)}`;
      },
    },
    entities: {
      Counter({ df }: EntityContext<unknown>): void {
        const state = df.getState(() => 0) as number;
        if (df.operationName === 'add') df.setState(state + Number(df.getInput()));
        df.return(df.operationName === 'add' ? `added ${String(df.getInput())}` : state);
      },
    },
    orchestrators: {
      *holder({ df }: OrchestrationContext): Yields {
        const lock = (yield df.lock(counter)) as { release(): void };
        const before: unknown = yield df.callEntity(counter, 'get');
        yield df.waitForExternalEvent('go');
        const after: unknown = yield df.callEntity(counter, 'get');
        lock.release();
        return [before, after];
      },
      *calls({ df }: OrchestrationContext): Yields {
        return yield df.Task.all([df.callEntity(counter, 'add', 1), df.callActivity('step', 'boom')]);
      },
      *locks({ df }: OrchestrationContext): Yields {
        const lock = (yield df.lock(counter, other)) as { release(): void };
        const before: unknown = yield df.callEntity(counter, 'get');
        yield df.callEntity(counter, 'add', 1);
        const did: unknown = yield df.callActivity('step', 'boom');
        yield df.callEntity(other, 'add', 1);
        const after: unknown = yield df.callEntity(counter, 'get');
        lock.release();
        return [did, (after as number) - (before as number)];
      },
      *asks({ df }: OrchestrationContext): Yields {
        const [lock] = (yield df.Task.all([df.lock(counter), df.callActivity('step', 'boom')])) as [
          { release(): void },
        ];
        const found: unknown = yield df.callEntity(counter, 'get');
        lock.release();
        return found;
      },
      *cleansUp({ df }: OrchestrationContext): Yields {
        try {
          yield df.callActivity('step', 'boom');
        } catch (error) {
          const late = df.createTimer(new Date(df.currentUtcDateTime.getTime() + 1000));
          yield df.Task.any([df.callEntity(counter, 'add', 1), late]);
          throw error;
        }
        return yield df.Task.all([df.callEntity(counter, 'get'), df.callActivity('step', 'next')]);
      },
    },
  };
  return { app, broken, ran };
}

interface Kind {
  readonly mode: Mode;
  readonly storeName: string;
}
const kinds: Kind[] = [
  ...MODES.map((mode) => ({ mode, storeName: 'memory' })),
  { mode: 'verified', storeName: 'PostgreSQL' },
];

describe.each(kinds)(
  'an instance that is rewound among entities in $storeName with $mode turns',
  ({ mode, storeName }) => {
    const makeHub = useTestHubs(storeName);
    let engines: TestEngine[] = [];
    afterEach(async () => {
      await Promise.all(engines.splice(0).map(({ engine }) => engine.stop(0)));
    });

    const start = async (app: TestApp, more: Parameters<typeof startTestEngine>[1]): Promise<TestEngine> => {
      const host = await startTestEngine(app, { mode, ...more });
      engines.push(host);
      return host;
    };

    const restart = async (app: TestApp, host: TestEngine, store: TaskHubStore): Promise<TestEngine> => {
      await host.engine.stop(0);
      engines = engines.filter((each) => each !== host);
      const next = await start(app, { store, clock: host.clock });
      await next.engine.idle();
      return next;
    };

    async function rewind(host: TestEngine, id: string): Promise<void> {
      expect(await host.engine.rewind(id, 'again')).toEqual({ kind: 'rewound' });
      await host.engine.idle();
    }

    async function entity(host: TestEngine, key: string): Promise<{ state?: string; lock?: unknown }> {
      const { input } = await host.row(`@counter@${key}`);
      return JSON.parse(input) as { state?: string; lock?: unknown };
    }

    /** A clock for hosts that follow each other. */
    const createClock = () =>
      createVirtualClock(START, async () => {
        for (const { engine } of engines) await engine.idle();
      });

    it.each([
      ['before the rewind', 'answers', 'rewinds'],
      ['after the rewind', 'rewinds', 'answers'],
      ['after a restart, before the rewind', 'restarts', 'answers', 'restarts', 'rewinds'],
      ['after the rewind and a restart', 'rewinds', 'restarts', 'answers'],
    ])('gets the answer of a call that came %s, and the operation ran once', async (_when, ...steps) => {
      const { app, broken, ran } = createApp();
      const make = makeHub();
      let host = await start(app, { store: make(), clock: createClock() });
      const holder = await host.begin('holder');
      const id = await host.begin('calls');
      expect((await host.row(id)).status).toBe('Failed');
      broken.clear();
      for (const step of steps) {
        if (step === 'answers') await host.raise(holder, 'go');
        else if (step === 'rewinds') await rewind(host, id);
        else host = await restart(app, host, make());
      }
      await host.engine.idle();
      expect(await host.output(id)).toEqual(['added 1', 'did boom']);
      expect(await host.output(holder)).toEqual([0, 0]);
      expect(await entity(host, 'c')).toMatchObject({ state: '1' });
      expect(ran).toEqual(['boom', 'boom']);
    });

    it.each(['and a restart', 'alone'])(
      'goes on only when it has its locks again, over another holder %s',
      async (more) => {
        const { app, broken, ran } = createApp();
        const make = makeHub();
        let host = await start(app, { store: make(), clock: createClock() });
        const id = await host.begin('locks');
        expect(await entity(host, 'c')).not.toHaveProperty('lock');
        const holder = await host.begin('holder');
        broken.clear();
        await rewind(host, id);
        if (more !== 'alone') host = await restart(app, host, make());
        expect(ran).toEqual(['boom']);
        await host.raise(holder, 'go');
        expect(await host.output(holder)).toEqual([1, 1]);
        expect(await host.output(id)).toEqual(['did boom', 1]);
        for (const [key, state] of [
          ['c', '1'],
          ['d', '1'],
        ] as const) {
          expect(await entity(host, key)).toMatchObject({ state });
          expect(await entity(host, key)).not.toHaveProperty('lock');
        }
      },
    );

    it('can be rewound again while it fails, and be terminated while it waits for its locks', async () => {
      const { app } = createApp();
      const host = await start(app, { store: makeHub()(), clock: createClock() });
      const id = await host.begin('locks');
      await rewind(host, id);
      await rewind(host, id);
      expect((await host.row(id)).status).toBe('Failed');
      expect(await entity(host, 'c')).not.toHaveProperty('lock');
      const holder = await host.begin('holder');
      await rewind(host, id);
      await host.engine.send(id, { kind: 'terminate', reason: 'enough' });
      await host.engine.idle();
      await host.raise(holder, 'go');
      for (const key of ['c', 'd']) expect(await entity(host, key)).not.toHaveProperty('lock');
      expect(await host.output(await host.begin('holder', null, 'next'))).toBeUndefined();
      await host.raise('next', 'go');
      expect(await host.output('next')).toEqual([1, 1]);
    });

    it('asks again for a lock that it had not got', async () => {
      const { app, broken } = createApp();
      const host = await start(app, { store: makeHub()(), clock: createClock() });
      const holder = await host.begin('holder');
      const id = await host.begin('asks');
      expect((await host.row(id)).status).toBe('Failed');
      broken.clear();
      await rewind(host, id);
      expect((await host.row(id)).status).toBe('Running');
      await host.raise(holder, 'go');
      expect(await host.output(id)).toBe(0);
      expect(await entity(host, 'c')).not.toHaveProperty('lock');
    });

    it('does not take the answer to a call that is void for that to another one', async () => {
      const { app, broken } = createApp();
      const host = await start(app, { store: makeHub()(), clock: createClock() });
      const holder = await host.begin('holder');
      const id = await host.begin('cleansUp');
      await host.clock.advance(2000);
      expect((await host.row(id)).status).toBe('Failed');
      broken.clear();
      await rewind(host, id);
      await host.raise(holder, 'go');
      expect(await host.output(id)).toEqual([1, 'did next']);
    });

    it('is whole after a crash at any commit of its rewind', async () => {
      const crashes: boolean[] = [];
      for (let crashAt = 1; crashAt < 20; crashAt += storeName === 'memory' ? 1 : 3) {
        const { app, broken } = createApp();
        const make = makeHub();
        const clock = createClock();
        const before = await start(app, { store: make(), clock });
        const id = await before.begin('locks');
        broken.clear();
        await before.engine.stop(0);
        const dying = createFailingStore(make());
        const crash = { happened: false };
        dying.fate = (count) => {
          crash.happened ||= count >= crashAt;
          return crash.happened ? 'not reached' : 'applied';
        };
        const first = await start(app, { store: dying, clock });
        void first.engine.rewind(id, 'again').catch(() => undefined);
        const isOver = async (): Promise<boolean> => crash.happened || (await first.row(id)).status === 'Completed';
        while (!(await isOver())) await new Promise((resolve) => setImmediate(resolve));
        await first.engine.stop(0);
        const second = await start(app, { store: make(), clock });
        await second.engine.idle();
        // What was not acknowledged is asked for again.
        if ((await second.row(id)).status === 'Failed') await rewind(second, id);
        expect({ crashAt, output: await second.output(id) }).toEqual({ crashAt, output: ['did boom', 1] });
        for (const key of ['c', 'd']) expect(await entity(second, key)).not.toHaveProperty('lock');
        crashes.push(crash.happened);
        engines = [];
        await second.engine.stop(0);
        if (!crash.happened) break;
      }
      expect(crashes.length).toBeGreaterThan(storeName === 'memory' ? 5 : 2);
      expect(crashes.at(-1)).toBe(false);
    });
  },
);
