import type { OrchestrationContext } from 'durable-functions';
import { createMemoryStore } from '../../src/store/memory';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { MODES, START, startTestEngine, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;
type Steps = (context: OrchestrationContext['df']) => Generator<unknown, unknown, never>;

const activities: NonNullable<TestApp['activities']> = { a: () => 'a', b: () => 'b', c: () => 'c' };

const appOf = (steps: Steps): TestApp => ({
  activities,
  orchestrators: {
    *order({ df }: OrchestrationContext): Yields {
      return yield* steps(df);
    },
    *child({ df }: OrchestrationContext): Yields {
      return yield df.waitForExternalEvent('never');
    },
    *kid({ df }: OrchestrationContext): Yields {
      return yield df.waitForExternalEvent('never');
    },
  },
});

const soon = new Date(START + 1000);

/** Code as it was when the instance ran, as it is after the deployment, and what is said of it. */
const changes: Readonly<Record<string, readonly [before: Steps, after: Steps, said: string]>> = {
  'two steps swapped': [
    function* (df) {
      yield df.callActivity('a');
      yield df.callActivity('b');
      return yield df.waitForExternalEvent('go');
    },
    function* (df) {
      yield df.callActivity('b');
      yield df.callActivity('a');
      return yield df.waitForExternalEvent('go');
    },
    "Turn 0, task 0: the history has activity 'a', the code asks for activity 'b'.",
  ],
  'a step removed': [
    function* (df) {
      yield df.callActivity('a');
      yield df.callActivity('b');
      return yield df.waitForExternalEvent('go');
    },
    function* (df) {
      yield df.callActivity('a');
      return yield df.waitForExternalEvent('go');
    },
    "Turn 1, task 1: the history has activity 'b', the code asks for nothing.",
  ],
  'a step added before the wait': [
    function* (df) {
      yield df.callActivity('a');
      return yield df.waitForExternalEvent('go');
    },
    function* (df) {
      yield df.callActivity('a');
      yield df.callActivity('b');
      return yield df.waitForExternalEvent('go');
    },
    "Turn 1, task 1: the history has nothing, the code asks for activity 'b'.",
  ],
  'a step renamed': [
    function* (df) {
      yield df.callActivity('a');
      return yield df.waitForExternalEvent('go');
    },
    function* (df) {
      yield df.callActivity('c');
      return yield df.waitForExternalEvent('go');
    },
    "Turn 0, task 0: the history has activity 'a', the code asks for activity 'c'.",
  ],
  'a timer in place of an activity': [
    function* (df) {
      yield df.callActivity('a');
      return yield df.waitForExternalEvent('go');
    },
    function* (df) {
      yield df.createTimer(soon);
      return yield df.waitForExternalEvent('go');
    },
    "Turn 0, task 0: the history has activity 'a', the code asks for a timer.",
  ],
  'another sub-orchestration': [
    function* (df) {
      return yield df.Task.any([df.callSubOrchestrator('child'), df.waitForExternalEvent('go')]);
    },
    function* (df) {
      return yield df.Task.any([df.callSubOrchestrator('kid'), df.waitForExternalEvent('go')]);
    },
    "Turn 0, task 0: the history has sub-orchestration 'child', the code asks for sub-orchestration 'kid'.",
  ],
  'an HTTP request in place of an activity': [
    function* (df) {
      yield df.callActivity('a');
      return yield df.waitForExternalEvent('go');
    },
    function* (df) {
      yield df.callHttp({ method: 'GET', url: 'http://127.0.0.1:1/' });
      return yield df.waitForExternalEvent('go');
    },
    "Turn 0, task 0: the history has activity 'a', the code asks for an HTTP request.",
  ],
  'an end where the history goes on': [
    function* (df) {
      yield df.callActivity('a');
      yield df.callActivity('b');
      return yield df.waitForExternalEvent('go');
    },
    function* (df) {
      return yield df.callActivity('a');
    },
    'Turn 2: expected the code to wait for the answer to task 1, but it had ended.',
  ],
  'an event that it waits for no more': [
    function* (df) {
      yield df.waitForExternalEvent('first');
      return yield df.waitForExternalEvent('go');
    },
    function* (df) {
      yield df.waitForExternalEvent('second');
      return yield df.waitForExternalEvent('go');
    },
    "Turn 1: expected the code to wait for event 'first', but it does not.",
  ],
};

// Live turns are not verified here: a changed deployment is found when the code is brought back, whatever is verified.
describe.each(MODES)('code that was changed below a waiting instance, with %s turns,', (mode) => {
  const engines: TestEngine[] = [];
  afterEach(async () => {
    await Promise.all(engines.splice(0).map(({ engine }) => engine.stop(0)));
  });

  it.each(Object.keys(changes))('fails it loudly: %s', async (change) => {
    const [before, after, said] = changes[change] ?? [];
    if (before === undefined || after === undefined) throw new Error(`There is no change '${change}'.`);
    const store = createMemoryStore();
    const first = await startTestEngine(appOf(before), { mode, store });
    engines.push(first);
    const id = await first.begin('order');
    await first.raise(id, 'first');
    expect((await first.row(id)).status).toBe('Running');
    await first.engine.stop(0);
    const second = await startTestEngine(appOf(after), { mode, store });
    engines.push(second);
    await second.raise(id, 'go');
    expect(await second.row(id)).toMatchObject({
      status: 'Failed',
      output: JSON.stringify(`Orchestrator function 'order' failed: Non-deterministic orchestrator: ${said}`),
    });
    expect(second.logged.filter((line) => line.startsWith('Error'))).toHaveLength(1);
  });

  it('is no matter when only what comes later was changed', async () => {
    const store = createMemoryStore();
    const first = await startTestEngine(
      appOf(function* (df) {
        yield df.callActivity('a');
        yield df.waitForExternalEvent('go');
        return yield df.callActivity('b');
      }),
      { mode, store },
    );
    engines.push(first);
    const id = await first.begin('order');
    await first.engine.stop(0);
    const second = await startTestEngine(
      appOf(function* (df) {
        yield df.callActivity('a');
        yield df.waitForExternalEvent('go');
        return [yield df.callActivity('c'), yield df.callActivity('b')];
      }),
      { mode, store },
    );
    engines.push(second);
    await second.raise(id, 'go');
    expect(await second.output(id)).toEqual(['c', 'b']);
  });
});
