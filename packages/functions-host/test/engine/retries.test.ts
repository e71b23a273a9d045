import { RetryOptions, type OrchestrationContext } from 'durable-functions';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { MODES, START, startTestEngine, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;

function retryOptions(first: number, attempts: number, more: Partial<RetryOptions> = {}): RetryOptions {
  return Object.assign(new RetryOptions(first, attempts), more);
}

describe.each(MODES)('a retried task with %s turns', (mode) => {
  let running: TestEngine | undefined;
  const start = async (app: TestApp): Promise<TestEngine> => (running = await startTestEngine(app, { mode }));
  afterEach(async () => {
    await running?.engine.stop(0);
    running = undefined;
  });

  /** An app whose activity fails as often as it is told, and notes when it ran. */
  function flaky(failures: number, options: RetryOptions): { app: TestApp; ranAt: number[] } {
    const ranAt: number[] = [];
    const app: TestApp = {
      activities: {
        flaky: () => {
          ranAt.push((running?.clock.now() ?? 0) - START);
          if (ranAt.length <= failures) throw new Error(`failure ${ranAt.length}`);
          return `attempt ${ranAt.length}`;
        },
        after: () => 'after',
      },
      orchestrators: {
        *retrying({ df }: OrchestrationContext): Yields {
          try {
            const result: string = yield df.callActivityWithRetry('flaky', options, { x: 1 });
            return [result, yield df.callActivity('after')];
          } catch (error) {
            return [(error as Error).message.split('\n')[0], yield df.callActivity('after')];
          }
        },
      },
    };
    return { app, ranAt };
  }

  it('succeeds at a later attempt, after pauses that grow by the coefficient', async () => {
    const { app, ranAt } = flaky(3, retryOptions(100, 5, { backoffCoefficient: 2 }));
    const host = await start(app);
    const id = await host.begin('retrying');
    await host.clock.advance(10_000);
    expect(ranAt).toEqual([0, 100, 300, 700]);
    expect(await host.output(id)).toEqual(['attempt 4', 'after']);
  });

  it('pauses no longer than the longest interval', async () => {
    const { app, ranAt } = flaky(
      3,
      retryOptions(100, 5, { backoffCoefficient: 10, maxRetryIntervalInMilliseconds: 250 }),
    );
    const host = await start(app);
    await host.begin('retrying');
    await host.clock.advance(10_000);
    expect(ranAt).toEqual([0, 100, 350, 600]);
  });

  it('fails after the last attempt, without a further pause', async () => {
    const { app, ranAt } = flaky(99, retryOptions(100, 3));
    const host = await start(app);
    const id = await host.begin('retrying');
    await host.clock.advance(200);
    expect(ranAt).toEqual([0, 100, 200]);
    expect(await host.output(id)).toEqual(["Activity function 'flaky' failed:  failure 3 ", 'after']);
  });

  it('retries sub-orchestrations, each attempt a new instance', async () => {
    const ids: string[] = [];
    const host = await start({
      orchestrators: {
        *child({ df }: OrchestrationContext): Yields {
          yield df.createTimer(new Date(df.currentUtcDateTime.getTime()));
          ids.push(df.instanceId);
          if (new Set(ids).size < 3) throw new Error('not yet');
          return 'third';
        },
        *parent({ df }: OrchestrationContext): Yields {
          return yield df.callSubOrchestratorWithRetry('child', retryOptions(50, 5), 'in');
        },
      },
    });
    const id = await host.begin('parent');
    await host.clock.advance(1000);
    expect(await host.output(id)).toBe('third');
    expect(new Set(ids).size).toBe(3);
  });

  it('retries a sub-orchestration under its given id', async () => {
    let attempts = 0;
    const host = await start({
      activities: { count: () => ++attempts },
      orchestrators: {
        *child({ df }: OrchestrationContext): Yields {
          const attempt: number = yield df.callActivity('count');
          if (attempt < 2) throw new Error('not yet');
          return attempt;
        },
        *parent({ df }: OrchestrationContext): Yields {
          return yield df.callSubOrchestratorWithRetry('child', retryOptions(50, 5), 'in', 'given');
        },
      },
    });
    const id = await host.begin('parent');
    await host.clock.advance(1000);
    expect(await host.output(id)).toBe(2);
    expect((await host.row('given')).status).toBe('Completed');
  });

  it('runs retried tasks side by side, each with its own count', async () => {
    const counts: Record<string, number> = {};
    const host = await start({
      activities: {
        flaky: (input) => {
          const name = input as string;
          counts[name] = (counts[name] ?? 0) + 1;
          if (counts[name] < name.length) throw new Error('again');
          return name;
        },
      },
      orchestrators: {
        *parallel({ df }: OrchestrationContext): Yields {
          return yield df.Task.all(
            ['a', 'bb', 'ccc'].map((name) => df.callActivityWithRetry('flaky', retryOptions(10, 5), name)),
          );
        },
      },
    });
    const id = await host.begin('parallel');
    await host.clock.advance(100);
    expect(await host.output(id)).toEqual(['a', 'bb', 'ccc']);
    expect(counts).toEqual({ a: 1, bb: 2, ccc: 3 });
  });

  it('makes no attempt after the retry timeout, however many are left', async () => {
    const { app, ranAt } = flaky(99, retryOptions(100, Number.MAX_SAFE_INTEGER, { retryTimeoutInMilliseconds: 250 }));
    const host = await start(app);
    const id = await host.begin('retrying');
    await host.clock.advance(10_000);
    expect(ranAt).toEqual([0, 100, 200, 300]);
    expect(await host.output(id)).toEqual(["Activity function 'flaky' failed:  failure 4 ", 'after']);
  });

  it('makes no further attempt after a failure that says it is useless', async () => {
    let runs = 0;
    const host = await start({
      activities: {
        refuse: () => {
          runs += 1;
          throw new Error(JSON.stringify({ errorType: 'Declined', errorMessage: 'no', isNonRetriable: true }));
        },
        after: () => 'after',
      },
      orchestrators: {
        *retrying({ df }: OrchestrationContext): Yields {
          try {
            yield df.callActivityWithRetry('refuse', retryOptions(100, 5));
            return 'not reached';
          } catch (error) {
            return [(error as Error).message, yield df.callActivity('after')];
          }
        },
      },
    });
    expect(await host.output(await host.begin('retrying'))).toEqual(['Declined: no', 'after']);
    expect(runs).toBe(1);
  });
});
