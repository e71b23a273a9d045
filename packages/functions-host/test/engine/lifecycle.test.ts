import type { OrchestrationContext, Task } from 'durable-functions';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { MODES, START, startTestEngine, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;

describe.each(MODES)('the life of an instance with %s turns', (mode) => {
  let running: TestEngine | undefined;
  const start = async (app: TestApp): Promise<TestEngine> => (running = await startTestEngine(app, { mode }));
  afterEach(async () => {
    await running?.engine.stop(0);
    running = undefined;
  });

  const waiter: Orchestrator = function* ({ df }): Yields {
    return yield df.waitForExternalEvent('go');
  };

  it('gives a parent the result of its sub-orchestration, under a made-up or a given id', async () => {
    const host = await start({
      activities: { double: (input) => (input as number) * 2 },
      orchestrators: {
        *child({ df }: OrchestrationContext): Yields {
          return { doubled: yield df.callActivity('double', df.getInput()), parent: df.parentInstanceId };
        },
        *parent({ df }: OrchestrationContext): Yields {
          const made: unknown = yield df.callSubOrchestrator('child', 4);
          const given: unknown = yield df.callSubOrchestrator('child', 5, 'given-id');
          return [made, given];
        },
      },
    });
    expect(await host.output(await host.begin('parent'))).toEqual([
      { doubled: 8, parent: 'parent-1' },
      { doubled: 10, parent: 'parent-1' },
    ]);
    expect((await host.row('given-id')).status).toBe('Completed');
    const rows = await host.engine.listInstances({ limit: 10 });
    expect(rows.map(({ id }) => id).filter((id) => /^[0-9a-f-]{36}:0$/.test(id))).toHaveLength(1);
  });

  it('lets a parent catch the failure of its sub-orchestration', async () => {
    const host = await start({
      orchestrators: {
        *child(): Yields {
          yield* [];
          throw new Error('child broke');
        },
        *parent({ df }: OrchestrationContext): Yields {
          try {
            yield df.callSubOrchestrator('child');
            return 'not reached';
          } catch (error) {
            return (error as Error).message.split('\n')[0];
          }
        },
      },
    });
    expect(await host.output(await host.begin('parent'))).toBe("Orchestrator function 'child' failed: child broke ");
  });

  it('fails a sub-orchestration whose id is in use, and one whose id is impossible', async () => {
    const host = await start({
      orchestrators: {
        waiter,
        *parent({ df }: OrchestrationContext): Yields {
          const errors: unknown[] = [];
          for (const id of ['waiter-1', 'a/b', 'parent-1']) {
            try {
              yield df.callSubOrchestrator('waiter', null, id);
            } catch (error) {
              errors.push((error as Error).message.trim());
            }
          }
          return errors;
        },
      },
    });
    await host.begin('waiter');
    expect(await host.output(await host.begin('parent'))).toEqual([
      'An Orchestration instance with the status Running already exists.',
      "Expected an instance id without '/', '\\', '#' and '?', got 'a/b'.",
      'An Orchestration instance with the status Running already exists.',
    ]);
  });

  it('terminates an instance and its sub-orchestrations', async () => {
    const host = await start({
      orchestrators: {
        waiter,
        *middle({ df }: OrchestrationContext): Yields {
          return yield df.callSubOrchestrator('waiter', null, 'leaf');
        },
        *parent({ df }: OrchestrationContext): Yields {
          return yield df.Task.all([
            df.callSubOrchestrator('middle', null, 'middle'),
            df.callSubOrchestrator('waiter', null, 'other'),
          ]);
        },
      },
    });
    const id = await host.begin('parent');
    expect((await host.engine.send(id, { kind: 'terminate', reason: 'because' })).kind).toBe('accepted');
    await host.engine.idle();
    for (const each of [id, 'middle', 'leaf', 'other']) {
      expect(await host.row(each)).toMatchObject({ status: 'Terminated', output: '"because"' });
    }
    expect((await host.engine.send(id, { kind: 'terminate', reason: 'again' })).kind).toBe('finished');
    expect(host.engine.liveCount).toBe(0);
  });

  it('tells a parent that its sub-orchestration was terminated', async () => {
    const host = await start({
      orchestrators: {
        waiter,
        *parent({ df }: OrchestrationContext): Yields {
          try {
            yield df.callSubOrchestrator('waiter', null, 'child');
            return 'not reached';
          } catch (error) {
            return (error as Error).message.split('\n')[0];
          }
        },
      },
    });
    const id = await host.begin('parent');
    await host.engine.send('child', { kind: 'terminate', reason: 'enough' });
    await host.engine.idle();
    expect(await host.output(id)).toBe("Orchestrator function 'waiter' was terminated: enough ");
  });

  it('pauses a suspended instance, and loses nothing that comes meanwhile', async () => {
    let release = (): void => undefined;
    const host = await start({
      activities: {
        slow: async () => {
          await new Promise<void>((resolve) => (release = resolve));
          return 'activity';
        },
      },
      orchestrators: {
        *gathering({ df }: OrchestrationContext): Yields {
          const timer = df.createTimer(new Date(START + 1000));
          return yield df.Task.all([
            df.callActivity('slow'),
            timer,
            df.waitForExternalEvent('item'),
            df.waitForExternalEvent('go'),
          ]);
        },
      },
    });
    await host.engine.startInstance({ name: 'gathering', id: 'g', version: undefined, input: 'null' });
    expect((await host.engine.send('g', { kind: 'suspend', reason: 'pause it' })).kind).toBe('accepted');
    expect(await host.row('g')).toMatchObject({ status: 'Suspended', output: '"pause it"' });
    release();
    await host.engine.idle();
    await host.raise('g', 'item', 'event');
    await host.raise('g', 'go', 1);
    await host.clock.advance(5000);
    expect((await host.row('g')).status).toBe('Suspended');
    expect(await host.engine.send('g', { kind: 'suspend', reason: '' })).toEqual({
      kind: 'refused',
      status: 'Suspended',
    });
    expect((await host.engine.send('g', { kind: 'resume', reason: 'go on' })).kind).toBe('accepted');
    await host.engine.idle();
    expect(await host.output('g')).toEqual(['activity', null, 'event', 1]);
    expect((await host.engine.send('g', { kind: 'resume', reason: '' })).kind).toBe('finished');
  });

  it('can be terminated while suspended', async () => {
    const host = await start({ orchestrators: { waiter } });
    const id = await host.begin('waiter');
    await host.engine.send(id, { kind: 'suspend', reason: 's' });
    await host.engine.send(id, { kind: 'terminate', reason: 't' });
    expect(await host.row(id)).toMatchObject({ status: 'Terminated', output: '"t"' });
  });

  it('refuses to resume what runs, and to reach what is not there', async () => {
    const host = await start({ orchestrators: { waiter } });
    const id = await host.begin('waiter');
    expect(await host.engine.send(id, { kind: 'resume', reason: '' })).toEqual({ kind: 'refused', status: 'Running' });
    expect(await host.raise('nobody', 'go')).toBe('unknown');
    await host.raise(id, 'go', 1);
    expect(await host.raise(id, 'go', 2)).toBe('finished');
  });

  it('starts a running id no second time, and a finished one anew', async () => {
    const host = await start({ orchestrators: { waiter } });
    const request = { name: 'waiter', id: 'same', version: undefined, input: '1' };
    const both = await Promise.all([host.engine.startInstance(request), host.engine.startInstance(request)]);
    expect(both.map(({ kind }) => kind)).toEqual(['started', 'exists']);
    await host.raise('same', 'go', 'first');
    expect(await host.output('same')).toBe('first');
    expect((await host.engine.startInstance({ ...request, input: '2' })).kind).toBe('started');
    expect(await host.row('same')).toMatchObject({ status: 'Running', input: '2', output: undefined });
    await host.raise('same', 'go', 'second');
    expect(await host.output('same')).toBe('second');
  });

  it('makes up an id when none is given', async () => {
    const host = await start({ orchestrators: { waiter } });
    const started = await host.engine.startInstance({ name: 'waiter', id: undefined, version: undefined, input: '1' });
    expect(started).toEqual({ kind: 'started', id: expect.stringMatching(/^[0-9a-f]{32}$/) as string });
  });

  it('can wait for the end of an instance', async () => {
    const host = await start({ orchestrators: { waiter } });
    const id = await host.begin('waiter');
    const endings: unknown[] = [];
    host.engine.whenFinished(id, (ending) => endings.push(ending));
    const stopWaiting = host.engine.whenFinished(id, () => endings.push('told though it waits no more'));
    await host.engine.idle();
    stopWaiting?.();
    expect(endings).toEqual([]);
    await host.raise(id, 'go');
    await host.engine.idle();
    expect(endings).toEqual([expect.objectContaining({ status: 'Completed' })]);
    expect(host.engine.whenFinished(id, () => undefined)).toBeUndefined();
    expect(host.engine.whenFinished('nobody', () => undefined)).toBeUndefined();
  });

  it('purges finished instances, one or many', async () => {
    const host = await start({ orchestrators: { waiter } });
    for (const id of ['a', 'b', 'c']) await host.begin('waiter', null, id);
    await host.raise('a', 'go');
    await host.raise('b', 'go');
    expect(await host.engine.purge(await host.row('a'))).toBe(1);
    expect(await host.engine.purge(await host.row('c'))).toBe(0);
    expect(await host.engine.purgeWhere({ createdFrom: 0 })).toBe(1);
    expect((await host.engine.listInstances({ limit: 10 })).map(({ id }) => id)).toEqual(['c']);
  });

  it('drops what was on its way to an instance that ended', async () => {
    const gates: (() => void)[] = [];
    const host = await start({
      activities: { slow: () => new Promise<void>((resolve) => gates.push(resolve)) },
      orchestrators: {
        *impatient({ df }: OrchestrationContext): Yields {
          const slow = df.callActivity('slow');
          const winner: Task = yield df.Task.any([slow, df.waitForExternalEvent('go')]);
          return winner === slow;
        },
      },
    });
    await host.engine.startInstance({ name: 'impatient', id: 'i', version: undefined, input: 'null' });
    await host.engine.send('i', { kind: 'event', name: 'go', input: 'null', at: START });
    gates.forEach((open) => open());
    await host.engine.idle();
    expect(await host.output('i')).toBe(false);
  });
});
