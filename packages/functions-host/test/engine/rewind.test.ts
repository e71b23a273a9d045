import { RetryOptions, type OrchestrationContext } from 'durable-functions';
import { createVirtualClock } from '../../src/clock-virtual';
import { createMemoryStore } from '../../src/store/memory';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { createFailingStore } from '../support/failing-store';
import { MODES, START, startTestEngine, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;

describe.each(MODES)('rewinding a failed instance with %s turns', (mode) => {
  const engines: TestEngine[] = [];
  const start = async (app: TestApp, more: Parameters<typeof startTestEngine>[1] = {}): Promise<TestEngine> => {
    const host = await startTestEngine(app, { mode, ...more });
    engines.push(host);
    return host;
  };
  afterEach(async () => {
    await Promise.all(engines.splice(0).map(({ engine }) => engine.stop(0)));
  });

  async function rewind(host: TestEngine, id: string): Promise<string> {
    const { kind } = await host.engine.rewind(id, 'again');
    await host.engine.idle();
    return kind;
  }

  /** Activities that note their runs; those named in `broken` fail. */
  function noting(broken: Set<string>): { ran: string[]; activities: NonNullable<TestApp['activities']> } {
    const ran: string[] = [];
    const step = (input: unknown): unknown => {
      ran.push(String(input));
      if (broken.has(String(input))) throw new Error(`${String(input)} is broken`);
      return `did ${String(input)}`;
    };
    return { ran, activities: { step } };
  }

  it('runs the failed activity again, keeps what had succeeded, and goes on', async () => {
    const broken = new Set(['b']);
    const { ran, activities } = noting(broken);
    const host = await start({
      activities,
      orchestrators: {
        *three({ df }: OrchestrationContext): Yields {
          const results: unknown[] = [];
          for (const name of ['a', 'b', 'c']) results.push(yield df.callActivity('step', name));
          return [...results, df.newGuid('x').length];
        },
      },
    });
    const id = await host.begin('three');
    const failed = await host.row(id);
    expect(failed.status).toBe('Failed');
    expect(await rewind(host, id)).toBe('rewound');
    expect([(await host.row(id)).status, ran]).toEqual(['Failed', ['a', 'b', 'b']]);
    broken.clear();
    await rewind(host, id);
    expect(await host.output(id)).toEqual(['did a', 'did b', 'did c', 36]);
    expect(ran).toEqual(['a', 'b', 'b', 'b', 'c']);
    expect((await host.row(id)).createdAt).toBe(failed.createdAt);
  });

  it('is pending with its old output until it goes on', async () => {
    const host = await start({
      activities: { hang: () => new Promise(() => undefined) },
      orchestrators: {
        *failing({ df }: OrchestrationContext): Yields {
          if (df.getInput() === null) throw new Error('on purpose');
          return yield df.callActivity('hang');
        },
      },
    });
    const id = await host.begin('failing');
    await host.engine.rewind(id, 'again');
    expect(await host.store.readInstance(id)).toMatchObject({
      status: 'Pending',
      output: '"Orchestrator function \'failing\' failed: on purpose"',
    });
    await host.engine.idle();
    expect((await host.row(id)).status).toBe('Failed');
  });

  it('takes only what has failed, and only once at a time', async () => {
    const host = await start({
      activities: { hang: () => new Promise(() => undefined) },
      orchestrators: {
        *waits({ df }: OrchestrationContext): Yields {
          return yield df.waitForExternalEvent('go');
        },
        *failing({ df }: OrchestrationContext): Yields {
          yield df.waitForExternalEvent('go');
          throw new Error('on purpose');
        },
      },
    });
    expect(await host.engine.rewind('nosuch', '')).toEqual({ kind: 'unknown' });
    const id = await host.begin('waits');
    expect(await host.engine.rewind(id, '')).toEqual({ kind: 'refused', status: 'Running' });
    await host.raise(id, 'go');
    expect(await host.engine.rewind(id, '')).toEqual({ kind: 'refused', status: 'Completed' });
    const failed = await host.begin('failing');
    await host.raise(failed, 'go');
    const both = await Promise.all([host.engine.rewind(failed, ''), host.engine.rewind(failed, '')]);
    expect(both).toEqual([{ kind: 'rewound' }, { kind: 'refused', status: 'Pending' }]);
  });

  it('runs all that failed of a fan-out again, and nothing that had a result', async () => {
    const broken = new Set(['b', 'd']);
    const { ran, activities } = noting(broken);
    const host = await start({
      activities,
      orchestrators: {
        *fan({ df }: OrchestrationContext): Yields {
          const first: unknown = yield df.callActivity('step', 'first');
          const all: unknown[] = yield df.Task.all(['a', 'b', 'c', 'd'].map((name) => df.callActivity('step', name)));
          return [first, ...all];
        },
      },
    });
    const id = await host.begin('fan');
    broken.clear();
    await rewind(host, id);
    expect(await host.output(id)).toEqual(['did first', 'did a', 'did b', 'did c', 'did d']);
    const times = (name: string): number => ran.filter((each) => each === name).length;
    expect([times('first'), times('a'), times('b')]).toEqual([1, 1, 2]);
  });

  it('rewinds failed sub-orchestrations too, and theirs', async () => {
    const broken = new Set(['deep']);
    const { ran, activities } = noting(broken);
    const host = await start({
      activities,
      orchestrators: {
        *grandchild({ df }: OrchestrationContext): Yields {
          const before: unknown = yield df.callActivity('step', 'before');
          return [before, yield df.callActivity('step', 'deep')];
        },
        *child({ df }: OrchestrationContext): Yields {
          const mine: unknown = yield df.callActivity('step', 'child');
          return [mine, yield df.callSubOrchestrator('grandchild')];
        },
        *parent({ df }: OrchestrationContext): Yields {
          return yield df.Task.all([df.callSubOrchestrator('child', null, 'given'), df.callActivity('step', 'beside')]);
        },
      },
    });
    const id = await host.begin('parent');
    expect((await host.row(id)).status).toBe('Failed');
    broken.clear();
    await rewind(host, id);
    expect(await host.output(id)).toEqual([['did child', ['did before', 'did deep']], 'did beside']);
    expect([...ran].sort()).toEqual(['before', 'beside', 'child', 'deep', 'deep']);
    expect((await host.row('given')).status).toBe('Completed');
  });

  it('gives a retried activity all of its attempts again', async () => {
    const broken = new Set(['flaky']);
    const { ran, activities } = noting(broken);
    const host = await start({
      activities,
      orchestrators: {
        *retrying({ df }: OrchestrationContext): Yields {
          const options = Object.assign(new RetryOptions(100, 3), { retryTimeoutInMilliseconds: 1000 });
          const before: unknown = yield df.callActivity('step', 'before');
          return [before, yield df.callActivityWithRetry('step', options, 'flaky'), df.currentUtcDateTime.getTime()];
        },
      },
    });
    const id = await host.begin('retrying');
    await host.clock.advance(10_000);
    expect([(await host.row(id)).status, ran.length]).toEqual(['Failed', 4]);
    await rewind(host, id);
    await host.clock.advance(10_000);
    expect([(await host.row(id)).status, ran.length]).toEqual(['Failed', 7]);
    await rewind(host, id);
    await host.clock.advance(150);
    broken.clear();
    await host.clock.advance(10_000);
    expect(await host.output(id)).toEqual(['did before', 'did flaky', START + 20_200]);
    expect(ran.filter((name) => name === 'before')).toHaveLength(1);
  });

  it('throws again what the code threw by itself, and goes on when the code is mended', async () => {
    let isMended = false;
    const { ran, activities } = noting(new Set());
    const host = await start({
      activities,
      orchestrators: {
        *checking({ df }: OrchestrationContext): Yields {
          const result: unknown = yield df.callActivity('step', 'a');
          if (!isMended) throw new Error('defect');
          return [result, yield df.callActivity('step', 'b')];
        },
      },
    });
    const id = await host.begin('checking');
    await rewind(host, id);
    expect(await host.output(id)).toBe("Orchestrator function 'checking' failed: defect");
    isMended = true;
    await rewind(host, id);
    expect(await host.output(id)).toEqual(['did a', 'did b']);
    expect(ran).toEqual(['a', 'b']);
  });

  it('takes code that cleaned up and threw on back to before its clean-up, with the events that came since', async () => {
    const broken = new Set(['pay']);
    const { ran, activities } = noting(broken);
    const host = await start({
      activities,
      orchestrators: {
        *paying({ df }: OrchestrationContext): Yields {
          try {
            const paid: unknown = yield df.callActivity('step', 'pay');
            return [paid, yield df.waitForExternalEvent('note'), yield df.waitForExternalEvent('note')];
          } catch (error) {
            yield df.callActivity('step', 'refund');
            yield df.waitForExternalEvent('note');
            throw error;
          }
        },
      },
    });
    const id = await host.begin('paying');
    await host.engine.send(id, { kind: 'event', name: 'note', input: '1', at: START });
    await host.engine.idle();
    expect([(await host.row(id)).status, ran]).toEqual(['Failed', ['pay', 'refund']]);
    broken.clear();
    await rewind(host, id);
    await host.raise(id, 'note', 2);
    expect(await host.output(id)).toEqual(['did pay', 1, 2]);
    expect(ran).toEqual(['pay', 'refund', 'pay']);
  });

  it('is whole after a crash at any commit of it', async () => {
    const crashes: unknown[] = [];
    for (let crashAt = 1; crashAt < 12; crashAt++) {
      const broken = new Set(['b', 'deep']);
      const { ran, activities } = noting(broken);
      const app: TestApp = {
        activities,
        orchestrators: {
          *child({ df }: OrchestrationContext): Yields {
            const before: unknown = yield df.callActivity('step', 'before');
            return [before, yield df.callActivity('step', 'deep')];
          },
          *parent({ df }: OrchestrationContext): Yields {
            const first: unknown = yield df.callActivity('step', 'first');
            const event: unknown = yield df.waitForExternalEvent('go');
            const child: unknown = yield df.callSubOrchestrator('child');
            return [first, event, child, yield df.callActivity('step', 'last')];
          },
        },
      };
      const kept = createMemoryStore();
      const clock = createVirtualClock(START, async () => {
        for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
      });
      const before = await start(app, { store: kept, clock });
      const id = await before.begin('parent');
      await before.raise(id, 'go', 'gone');
      await before.raise(id, 'go', 'late');
      expect((await before.row(id)).status).toBe('Failed');
      await before.engine.stop(0);
      broken.clear();

      const dying = createFailingStore(kept);
      const crash = { happened: false };
      dying.fate = (count) => {
        crash.happened ||= count >= crashAt;
        return crash.happened ? 'not reached' : 'applied';
      };
      const first = await start(app, { store: dying, clock });
      void first.engine.rewind(id, 'again').catch(() => undefined);
      for (let i = 0; i < 200 && !crash.happened; i++) await new Promise((resolve) => setImmediate(resolve));
      await first.engine.stop(0);

      const second = await start(app, { store: kept, clock });
      await second.engine.idle();
      // What was not acknowledged is asked for again.
      if ((await second.row(id)).status === 'Failed') await rewind(second, id);
      expect(await second.output(id)).toEqual(['did first', 'gone', ['did before', 'did deep'], 'did last']);
      expect(ran.filter((name) => name === 'before' || name === 'first')).toHaveLength(2);
      crashes.push(crash.happened);
      await second.engine.stop(0);
    }
    expect(crashes).toContain(true);
    expect(crashes.at(-1)).toBe(false);
  });
});
