import type { OrchestrationContext, Task } from 'durable-functions';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { MODES, START, startTestEngine, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;

describe.each(MODES)('an orchestration with %s turns', (mode) => {
  let running: TestEngine | undefined;
  const start = async (app: TestApp): Promise<TestEngine> => (running = await startTestEngine(app, { mode }));
  afterEach(async () => {
    await running?.engine.stop(0);
    running = undefined;
  });

  it('runs activities one after the other and completes with their results', async () => {
    const host = await start({
      activities: { add: (input) => (input as number) + 1 },
      orchestrators: {
        *chain({ df }: OrchestrationContext): Yields {
          const a: number = yield df.callActivity('add', 1);
          const b: number = yield df.callActivity('add', a);
          return { input: df.getInput(), b };
        },
      },
    });
    const id = await host.begin('chain', { order: 7 });
    expect(await host.output(id)).toEqual({ input: { order: 7 }, b: 3 });
    expect((await host.row(id)).status).toBe('Completed');
    expect(host.engine.liveCount).toBe(0);
  });

  it('hands texts, nothing and null to activities as they are', async () => {
    const seen: unknown[] = [];
    const host = await start({
      activities: { see: (input) => void seen.push(input) },
      orchestrators: {
        *texts({ df }: OrchestrationContext): Yields {
          yield df.callActivity('see', 'a "text"');
          yield df.callActivity('see');
          yield df.callActivity('see', null);
          const nothing: unknown = yield df.callActivity('see', '12');
          return [nothing];
        },
      },
    });
    expect(await host.output(await host.begin('texts'))).toEqual([null]);
    expect(seen).toEqual(['a "text"', null, null, '12']);
  });

  it('fans out, and fans in with results in the order of the calls', async () => {
    const host = await start({
      activities: { double: async (input) => Promise.resolve((input as number) * 2) },
      orchestrators: {
        *fan({ df }: OrchestrationContext): Yields {
          return yield df.Task.all(Array.from({ length: 50 }, (_, i) => df.callActivity('double', i)));
        },
      },
    });
    expect(await host.output(await host.begin('fan'))).toEqual(Array.from({ length: 50 }, (_, i) => i * 2));
  });

  it('schedules a task once, however often it is yielded again', async () => {
    const calls: unknown[] = [];
    const gates = new Map<unknown, () => void>();
    const host = await start({
      activities: {
        work: async (input) => {
          calls.push(input);
          await new Promise<void>((open) => gates.set(input, open));
          return input;
        },
      },
      orchestrators: {
        *window({ df }: OrchestrationContext): Yields {
          const done: unknown[] = [];
          let pending: Task[] = ['a', 'b', 'c', 'd'].map((name) => df.callActivity('work', name));
          while (pending.length > 0) {
            const winner: Task = yield df.Task.any(pending);
            done.push(winner.result);
            pending = pending.filter((task) => task !== winner);
          }
          return done;
        },
      },
    });
    const started = host.engine.startInstance({ name: 'window', id: 'w', version: undefined, input: 'null' });
    await started;
    for (const name of ['c', 'a', 'd', 'b']) {
      while (!gates.has(name)) await new Promise((resolve) => setImmediate(resolve));
      gates.get(name)?.();
      gates.delete(name);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await host.engine.idle();
    expect(await host.output('w')).toEqual(['c', 'a', 'd', 'b']);
    expect(calls).toEqual(['a', 'b', 'c', 'd']);
  });

  it('nests any and all', async () => {
    const host = await start({
      activities: { echo: (input) => input },
      orchestrators: {
        *nested({ df }: OrchestrationContext): Yields {
          const pair = df.Task.all([df.callActivity('echo', 1), df.callActivity('echo', 2)]);
          const never = df.waitForExternalEvent('never');
          const first: Task = yield df.Task.any([never, pair]);
          const all: unknown[] = yield df.Task.all([
            df.Task.any([df.callActivity('echo', 3), never]),
            df.callActivity('echo', 4),
          ]);
          return { first: first.result, isPair: first === pair, last: all[1] };
        },
      },
    });
    expect(await host.output(await host.begin('nested'))).toEqual({ first: [1, 2], isPair: true, last: 4 });
  });

  it('fires a timer exactly at its time, never earlier', async () => {
    const host = await start({
      orchestrators: {
        *sleeper({ df }: OrchestrationContext): Yields {
          yield df.createTimer(new Date(df.currentUtcDateTime.getTime() + 1234));
          return df.currentUtcDateTime.getTime();
        },
      },
    });
    const id = await host.begin('sleeper');
    await host.clock.advance(1233);
    expect((await host.row(id)).status).toBe('Running');
    await host.clock.advance(1);
    expect(await host.output(id)).toBe(START + 1234);
  });

  it('takes timers of any length', async () => {
    const host = await start({
      orchestrators: {
        *longSleeper({ df }: OrchestrationContext): Yields {
          yield df.createTimer(new Date(START + 400 * 86_400_000));
          return 'awake';
        },
      },
    });
    const id = await host.begin('longSleeper');
    await host.clock.advance(399 * 86_400_000);
    expect((await host.row(id)).status).toBe('Running');
    await host.clock.advance(86_400_000);
    expect(await host.output(id)).toBe('awake');
  });

  it('forgets a timer that the code cancels', async () => {
    const host = await start({
      orchestrators: {
        *race({ df }: OrchestrationContext): Yields {
          const deadline = df.createTimer(new Date(START + 60_000));
          const approval = df.waitForExternalEvent('approval');
          const winner: Task = yield df.Task.any([deadline, approval]);
          if (winner === approval) deadline.cancel();
          yield df.createTimer(new Date(START + 120_000));
          return winner === approval ? { approved: approval.result } : 'late';
        },
      },
    });
    const id = await host.begin('race');
    expect(await host.raise(id, 'approval', { by: 'ann' })).toBe('accepted');
    const before = (await host.store.readTurns((await host.row(id)).no)).length;
    await host.clock.advance(90_000);
    expect((await host.store.readTurns((await host.row(id)).no)).length).toBe(before);
    await host.clock.advance(60_000);
    expect(await host.output(id)).toEqual({ approved: { by: 'ann' } });
  });

  it('keeps events of one name in order until the code waits for them', async () => {
    const host = await start({
      orchestrators: {
        *collector({ df }: OrchestrationContext): Yields {
          yield df.waitForExternalEvent('go');
          const got: unknown[] = [];
          for (let i = 0; i < 3; i++) got.push(yield df.waitForExternalEvent('item'));
          return got;
        },
      },
    });
    const id = await host.begin('collector');
    for (const item of [1, 2, 3]) await host.raise(id, 'item', item);
    expect((await host.row(id)).status).toBe('Running');
    await host.raise(id, 'go');
    expect(await host.output(id)).toEqual([1, 2, 3]);
  });

  it('does not lose an event to a wait that the code has left behind', async () => {
    const host = await start({
      orchestrators: {
        *poller({ df }: OrchestrationContext): Yields {
          const first = df.createTimer(new Date(START + 1000));
          yield df.Task.any([df.waitForExternalEvent('item'), first]);
          yield df.createTimer(new Date(START + 2000));
          return yield df.waitForExternalEvent('item');
        },
      },
    });
    const id = await host.begin('poller');
    await host.clock.advance(1000);
    await host.raise(id, 'item', 'kept');
    await host.clock.advance(1000);
    expect(await host.output(id)).toBe('kept');
  });

  it('answers code that looks at a wait it has left, as the real host would', async () => {
    const host = await start({
      activities: { work: (input) => input },
      orchestrators: {
        *looking({ df }: OrchestrationContext): Yields {
          const stop = df.waitForExternalEvent('stop');
          yield df.Task.any([stop, df.createTimer(new Date(START + 10))]);
          const seen: unknown[] = [];
          while (!stop.isCompleted) {
            yield df.createTimer(new Date(df.currentUtcDateTime.getTime() + 100));
            seen.push(yield df.callActivity('work', stop.isCompleted));
            if (seen.length > 5) throw new Error('it never stops');
          }
          return [seen, stop.result, yield df.waitForExternalEvent('stop')];
        },
        *never({ df }: OrchestrationContext): Yields {
          const left = df.waitForExternalEvent('stop');
          yield df.Task.any([left, df.createTimer(new Date(START + 10))]);
          yield df.createTimer(new Date(START + 20));
          return yield df.waitForExternalEvent('stop');
        },
        *result({ df }: OrchestrationContext): Yields {
          const [older, newer] = [df.waitForExternalEvent('stop'), df.waitForExternalEvent('stop')];
          yield df.Task.any([older, newer, df.createTimer(new Date(START + 10))]);
          yield df.createTimer(new Date(START + 200));
          return [older.result, newer.isCompleted, newer.result];
        },
      },
    });
    const ids = await Promise.all([host.begin('looking'), host.begin('never'), host.begin('result')]);
    await host.clock.advance(150);
    for (const id of ids) {
      await host.raise(id, 'stop', 'first');
      await host.raise(id, 'stop', 'second');
    }
    await host.clock.advance(1000);
    const [looking, never, result] = await Promise.all(ids.map((id) => host.output(id)));
    expect(looking).toEqual([[false, true], 'first', 'second']);
    expect(never).toBe('first');
    expect(result).toEqual(['second', true, 'first']);
  });

  it('takes event names by their exact case', async () => {
    const host = await start({
      orchestrators: {
        *waiter({ df }: OrchestrationContext): Yields {
          return yield df.waitForExternalEvent('Go');
        },
      },
    });
    const id = await host.begin('waiter');
    await host.raise(id, 'gO', 1);
    expect((await host.row(id)).status).toBe('Running');
    await host.raise(id, 'Go', 2);
    expect(await host.output(id)).toBe(2);
  });

  it('carries undelivered events over a continue-as-new', async () => {
    const host = await start({
      activities: { note: (input) => input },
      orchestrators: {
        *eternal({ df }: OrchestrationContext): Yields {
          const state = df.getInput<{ left: number; got: unknown[] }>();
          state.got.push(yield df.waitForExternalEvent('item'));
          yield df.callActivity('note', state.got.length);
          if (state.left > 1) df.continueAsNew({ left: state.left - 1, got: state.got });
          return state.got;
        },
      },
    });
    const id = await host.begin('eternal', { left: 5, got: [] });
    await Promise.all([1, 2, 3, 4, 5].map((item) => host.raise(id, 'item', item)));
    await host.engine.idle();
    expect(await host.output(id)).toEqual([1, 2, 3, 4, 5]);
    const row = await host.row(id);
    expect(JSON.parse(row.input)).toEqual({ left: 1, got: [1, 2, 3, 4] });
    expect((await host.store.readTurns(row.no)).length).toBeLessThanOrEqual(3);
  });

  it('drops answers of an execution that continued as new', async () => {
    let release = (): void => undefined;
    const host = await start({
      activities: {
        slow: async () => {
          await new Promise<void>((resolve) => (release = resolve));
          return 'of the old execution';
        },
      },
      orchestrators: {
        *restarting({ df }: OrchestrationContext): Yields {
          if (df.getInput() === 'second') return yield df.waitForExternalEvent('end');
          yield df.Task.any([df.callActivity('slow'), df.waitForExternalEvent('skip')]);
          df.continueAsNew('second');
          return undefined;
        },
      },
    });
    await host.engine.startInstance({ name: 'restarting', id: 'r', version: undefined, input: '"first"' });
    await host.engine.send('r', { kind: 'event', name: 'skip', input: 'null', at: START });
    release();
    await host.engine.idle();
    await host.raise('r', 'end', 'of the new one');
    expect(await host.output('r')).toBe('of the new one');
  });

  it('gives the code one time a turn and the same identifiers in every replay', async () => {
    const host = await start({
      orchestrators: {
        *identifiers({ df }: OrchestrationContext): Yields {
          const first = df.newGuid('x');
          const second = df.newGuid('x');
          const before = df.currentUtcDateTime.toISOString();
          yield df.createTimer(new Date(START + 5));
          const third = df.newGuid('x');
          yield df.createTimer(new Date(START + 10));
          return { ids: new Set([first, second, third]).size, before, after: df.currentUtcDateTime.toISOString() };
        },
      },
    });
    const id = await host.begin('identifiers');
    await host.clock.advance(10);
    expect(await host.output(id)).toEqual({
      ids: 3,
      before: '2026-01-01T00:00:00.000Z',
      after: '2026-01-01T00:00:00.010Z',
    });
  });

  it('shows the custom status as soon as the turn that set it is committed', async () => {
    const host = await start({
      orchestrators: {
        *telling({ df }: OrchestrationContext): Yields {
          df.setCustomStatus({ stage: 'waiting' });
          yield df.waitForExternalEvent('go');
          df.setCustomStatus({ stage: 'done' });
          return 1;
        },
      },
    });
    const id = await host.begin('telling');
    expect((await host.row(id)).customStatus).toBe('{"stage":"waiting"}');
    await host.raise(id, 'go');
    expect((await host.row(id)).customStatus).toBe('{"stage":"done"}');
  });

  it('fails when the custom status is larger than Azure takes', async () => {
    const host = await start({
      orchestrators: {
        *verbose({ df }: OrchestrationContext): Yields {
          df.setCustomStatus('x'.repeat(8191));
          yield df.waitForExternalEvent('go');
          return 1;
        },
      },
    });
    const id = await host.begin('verbose');
    expect(await host.output(id)).toMatch(
      /^Orchestrator function 'verbose' failed: The custom status has 8193 characters/,
    );
  });

  it('says what an activity threw, and lets the code catch it', async () => {
    const host = await start({
      activities: {
        refuse: () => {
          throw new Error('out of stock');
        },
      },
      orchestrators: {
        *catching({ df }: OrchestrationContext): Yields {
          try {
            yield df.callActivity('refuse');
            return 'not reached';
          } catch (error) {
            return (error as Error).message.split('\n')[0];
          }
        },
        *failing({ df }: OrchestrationContext): Yields {
          yield df.callActivity('refuse');
          return 'not reached';
        },
      },
    });
    expect(await host.output(await host.begin('catching'))).toBe("Activity function 'refuse' failed:  out of stock ");
    const failed = await host.begin('failing');
    expect((await host.row(failed)).status).toBe('Failed');
    expect(await host.output(failed)).toMatch(
      /^Orchestrator function 'failing' failed: Activity function 'refuse' failed: {2}out of stock \n {"\$type"/,
    );
  });

  it('fails with what the code threw, whatever that was', async () => {
    const thrower = (value: unknown): Orchestrator =>
      function* throwing({ df }): Yields {
        yield df.createTimer(new Date(START));
        throw value;
      };
    const host = await start({
      orchestrators: {
        error: thrower(new Error('boom')),
        text: thrower('a text'),
        object: thrower({ code: 7 }),
        nothing: thrower(undefined),
        *atOnce(): Yields {
          yield* [];
          throw new Error('before any task');
        },
        *badYield(): Yields {
          return yield 42;
        },
        notGenerator: () => {
          throw new Error('not a generator at all');
        },
      },
    });
    const outputOf = async (name: string): Promise<unknown> => {
      const id = await host.begin(name);
      await host.clock.advance(0);
      expect((await host.row(id)).status).toBe('Failed');
      return host.output(id);
    };
    expect(await outputOf('error')).toBe("Orchestrator function 'error' failed: boom");
    expect(await outputOf('text')).toBe("Orchestrator function 'text' failed: a text");
    expect(await outputOf('object')).toBe('Orchestrator function \'object\' failed: {"code":7}');
    expect(await outputOf('nothing')).toBe("Orchestrator function 'nothing' failed: undefined");
    expect(await outputOf('atOnce')).toBe("Orchestrator function 'atOnce' failed: before any task");
    expect(await outputOf('badYield')).toMatch(/failed: Durable Functions programming constraint violation/);
    expect(await outputOf('notGenerator')).toBe("Orchestrator function 'notGenerator' failed: not a generator at all");
  });

  it('fails an unknown orchestrator, and one that calls an unknown activity, with the known names', async () => {
    const host = await start({
      activities: { known: () => 1 },
      orchestrators: {
        *caller({ df }: OrchestrationContext): Yields {
          return yield df.callActivity('nosuch');
        },
      },
    });
    expect(await host.output(await host.begin('nosuch'))).toBe(
      "Orchestrator function 'nosuch' failed: The function 'nosuch' doesn't exist, is disabled, or is not an orchestrator function. " +
        "Additional info: The following are the known orchestrator functions: 'caller'.",
    );
    expect(await host.output(await host.begin('caller'))).toMatch(/known activity functions: 'known'\.$/);
  });

  it('gives the version of the start to the code', async () => {
    const host = await start({
      orchestrators: {
        *versioned({ df }: OrchestrationContext): Yields {
          yield df.createTimer(new Date(START));
          return df.version;
        },
      },
    });
    await host.engine.startInstance({ name: 'versioned', id: 'v', version: '2.1', input: 'null' });
    await host.clock.advance(0);
    expect(await host.output('v')).toBe('2.1');
  });
});
