import type { OrchestrationContext } from 'durable-functions';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { START, startTestEngine, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;

describe('code that is not deterministic', () => {
  let running: TestEngine | undefined;
  afterEach(async () => {
    await running?.engine.stop(0);
    running = undefined;
  });
  const verified = async (app: TestApp): Promise<TestEngine> =>
    (running = await startTestEngine(app, { mode: 'verified' }));
  const activities = { a: () => 1, b: () => 2 };

  it('is found by the first turn that a replay sees otherwise, which names what was expected and what came', async () => {
    let runs = 0;
    const host = await verified({
      activities,
      orchestrators: {
        *fickle({ df }: OrchestrationContext): Yields {
          runs += 1;
          yield df.callActivity(runs === 1 ? 'a' : 'b');
          return 'not reached';
        },
      },
    });
    expect(await host.output(await host.begin('fickle'))).toBe(
      "Orchestrator function 'fickle' failed: Non-deterministic orchestrator: " +
        "Turn 0, task 0: the history has activity 'a', the code asks for activity 'b'.",
    );
  });

  it('is found when it opens more than its history has', async () => {
    let runs = 0;
    const host = await verified({
      activities,
      orchestrators: {
        *growing({ df }: OrchestrationContext): Yields {
          runs += 1;
          yield df.Task.all(runs === 1 ? [df.callActivity('a')] : [df.callActivity('a'), df.callActivity('b')]);
          return 'not reached';
        },
      },
    });
    expect(await host.output(await host.begin('growing'))).toMatch(
      /Turn 0, task 1: the history has nothing, the code asks for activity 'b'\.$/,
    );
  });

  it('is found when it ends where its history goes on', async () => {
    let runs = 0;
    const host = await verified({
      activities,
      orchestrators: {
        *shrinking({ df }: OrchestrationContext): Yields {
          runs += 1;
          if (runs > 2) return 'early';
          yield df.createTimer(new Date(START + 10));
          yield df.createTimer(new Date(START + 20));
          return 'late';
        },
      },
    });
    const id = await host.begin('shrinking');
    await host.clock.advance(100);
    expect(await host.output(id)).toMatch(/expected the code to wait for the answer to task 0, but it had ended\.$/);
  });

  it('is found when a replay comes to another result', async () => {
    let runs = 0;
    const host = await verified({
      activities,
      orchestrators: {
        *counting({ df }: OrchestrationContext): Yields {
          const run = ++runs;
          yield df.createTimer(new Date(START + 10));
          return run;
        },
      },
    });
    const id = await host.begin('counting');
    await host.clock.advance(100);
    expect(await host.output(id)).toMatch(/expected .*"output":"3".* by a replay, got .*"output":"1"/);
  });

  it('is not a custom status that is set only when the code does not replay', async () => {
    const host = await verified({
      orchestrators: {
        *telling({ df }: OrchestrationContext): Yields {
          if (!df.isReplaying) df.setCustomStatus('first');
          yield df.waitForExternalEvent('go');
          if (!df.isReplaying) df.setCustomStatus('second');
          return 'fine';
        },
      },
    });
    const id = await host.begin('telling');
    expect((await host.row(id)).customStatus).toBe('"first"');
    await host.raise(id, 'go');
    expect(await host.row(id)).toMatchObject({ output: '"fine"', customStatus: '"second"' });
  });

  it('is quiet: a replay for verification logs nothing', async () => {
    const lines: string[] = [];
    const host = await verified({
      activities,
      log: (line) => lines.push(line),
      orchestrators: {
        *logging(context: OrchestrationContext): Yields {
          context.log('once');
          yield context.df.callActivity('a');
          context.log('twice');
          return 'said';
        },
      },
    });
    expect(await host.output(await host.begin('logging'))).toBe('said');
    expect(lines).toEqual(['once', 'twice']);
  });

  it('is not what waits, timers, retries and events in any order are', async () => {
    const host = await verified({
      activities,
      orchestrators: {
        *sound({ df }: OrchestrationContext): Yields {
          const deadline = df.createTimer(new Date(START + 5000));
          for (let i = 0; i < 20; i++) {
            yield df.Task.any([df.callActivity('a'), df.waitForExternalEvent('e'), deadline]);
            df.setCustomStatus({ i, now: df.currentUtcDateTime, id: df.newGuid('x') });
          }
          deadline.cancel();
          return 'fine';
        },
      },
    });
    const id = await host.begin('sound');
    expect(await host.output(id)).toBe('fine');
  });
});

describe('an app with invocation hooks', () => {
  it('runs its turns by replay', async () => {
    let runs = 0;
    const host = await startTestEngine({
      hasHooks: true,
      activities: { a: () => 1 },
      orchestrators: {
        *counted({ df }: OrchestrationContext): Yields {
          runs += 1;
          yield df.callActivity('a');
          yield df.callActivity('a');
          return yield df.waitForExternalEvent('go');
        },
      },
    });
    const id = await host.begin('counted');
    await host.raise(id, 'go', 'end');
    expect(await host.output(id)).toBe('end');
    expect(runs).toBe(4);
    await host.engine.stop(0);
  });
});
