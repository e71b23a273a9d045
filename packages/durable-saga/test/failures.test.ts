import { z } from 'zod';
import { activity, saga, settlementSchema, StepFailure } from '../src';
import { hostFunctionsOf } from '../src/testing/host-functions';
import { SimulatedHost } from '../src/testing/simulated-host';
import { MODES } from '../src/testing/turns';
import { failing, stage, statusOf, Tape, taped, tapedOneWay } from './support/tape';
import type { TapePorts } from './support/tape';

const input = z.object({});
const book = taped('book');
const note = tapedOneWay('note');

describe.each(MODES)('retries, run by %s', (mode) => {
  const once = saga({ name: 'once', version: '1', input, output: z.string() }, function* (saga) {
    return yield* saga.step(book, { n: 1 });
  });

  it('wait longer each time, jittered by the key, the same on every run', async () => {
    const times: number[][] = [];
    for (const id of ['a', 'a', 'b']) {
      const { tape, host, client } = stage(once, [book], { mode });
      tape.script('book', failing(2));
      const startedAt = host.now;
      await client.start({}, { id });
      await host.run();
      times.push(host.attempts.map(({ at }) => at - startedAt));
    }
    const [first, again, other] = times;
    expect(first).toEqual(again);
    expect(first).not.toEqual(other);
    const [, second = 0, third = 0] = first ?? [];
    expect(second).toBeGreaterThanOrEqual(500);
    expect(second).toBeLessThanOrEqual(1_000);
    expect(third - second).toBeGreaterThanOrEqual(1_000);
    expect(third - second).toBeLessThanOrEqual(2_000);
  });

  it('take their policy from the step where it says something else than the activity', async () => {
    const own = saga({ name: 'own', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 }, { retry: { attempts: 1 } });
    });
    const { tape, host, client } = stage(own, [book], { mode });
    tape.script('book', failing(9));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'book_undo']);
  });

  it('stop where retryIf says so', async () => {
    const picky = taped('picky', { retry: { attempts: 9, retryIf: ({ code }) => code !== 'EHOPELESS' } });
    const own = saga({ name: 'own', version: '1', input }, function* (saga) {
      yield* saga.step(picky, { n: 1 });
    });
    const { tape, host, client } = stage(own, [picky], { mode });
    tape.script('picky', (attempt) => {
      throw Object.assign(new Error('x'), { code: attempt < 3 ? 'EAGAIN' : 'EHOPELESS' });
    });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['picky', 'picky', 'picky', 'picky_undo']);
  });

  it('stop at the deadline', async () => {
    const brief = taped('brief', { retry: { attempts: 99, first: '1 minute', factor: 1, deadline: '5 minutes' } });
    const own = saga({ name: 'own', version: '1', input }, function* (saga) {
      yield* saga.step(brief, { n: 1 });
    });
    const { tape, host, client } = stage(own, [brief], { mode });
    tape.script('brief', failing(99));
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls.length).toBeGreaterThanOrEqual(6);
    expect(host.now - startedAt).toBeLessThanOrEqual(5 * 60_000);
  });

  it('count a timeout as an attempt of unknown outcome, shorter where the step says so', async () => {
    const own = saga({ name: 'own', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 }, { timeout: '2 seconds', retry: { attempts: 1 } });
    });
    const { host, client } = stage(own, [book], {
      mode,
      treat: ({ name }) => (name === 'book' ? { delay: 60_000 } : undefined),
    });
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    expect(host.attempts.map(({ name, at }) => [name, at - startedAt])).toEqual([
      ['book', 0],
      ['book_undo', 2_000],
    ]);
    expect((await statusOf(client, 'a')).failure).toMatchObject({ kind: 'timeout', code: 'timeout', step: 'a/book#1' });
  });

  it.each(['reason', 'failureDetails'] as const)('follow a failure of the platform, told as %s', async (as) => {
    const { tape, host, client } = stage(once, [book], {
      mode,
      treat: ({ attempt }) => (attempt === 1 ? { hostFails: 'before', as } : undefined),
    });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book']);
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 'book 1' });
  });
});

describe.each(MODES)('defects, run by %s', (mode) => {
  it.each([
    ['an error', new TypeError('cannot read properties of undefined'), 'cannot read properties of undefined'],
    ['a string', 'a thrown string', 'thrown value: "a thrown string"'],
    ['nothing', undefined, 'thrown value: undefined'],
  ])('%s thrown by the body undoes what was done, and says so', async (_what, thrown: unknown, message) => {
    const broken = saga({ name: 'broken', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 });

      throw thrown;
    });
    const { tape, host, client } = stage(broken, [book], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'book_undo']);
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'defect', code: 'defect', message, retriable: false },
    });
    expect(host.logs.at(-1)).toEqual({ level: 'error', text: `saga a ended compensated: defect defect: ${message}` });
  });

  it('a plain yield is told what to write', async () => {
    // @ts-expect-error -- an operation is no turn: it takes yield*
    const broken = saga({ name: 'broken', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield saga.step(book, { n: 2 });
    });
    const { tape, host, client } = stage(broken, [book], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).failure?.message).toBe(
      'expected `yield* saga.step(...)`, got a plain `yield`',
    );
    expect(tape.calls).toEqual(['book', 'book_undo']);
  });

  it('a yield of something foreign is told what was expected', async () => {
    const broken = saga({ name: 'broken', version: '1', input }, function* () {
      yield Promise.resolve() as never;
    });
    const { host, client } = stage(broken, [], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).failure?.message).toBe(
      'expected the body to yield operations of its saga by `yield*`, got object',
    );
  });

  it('an activity that is not registered is named', async () => {
    const broken = saga({ name: 'broken', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield* saga.call(note, { n: 2 });
    });
    const { tape, host, client } = stage(broken, [book], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).failure?.message).toContain("the activity 'note' is not registered");
    expect(tape.calls).toEqual(['book', 'book_undo']);
  });

  it('a key that is used twice is named', async () => {
    const broken = saga({ name: 'broken', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 }, { key: 'same' });
      yield* saga.step(book, { n: 2 }, { key: 'same' });
    });
    const { tape, host, client } = stage(broken, [book], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).failure?.message).toContain("the key 'same' is used twice");
    expect(tape.calls).toEqual(['book', 'book_undo']);
  });

  it('an event that is not declared is named', async () => {
    const broken = saga({ name: 'broken', version: '1', input, events: { known: input } }, function* (saga) {
      // @ts-expect-error -- no such event
      yield* saga.waitFor('unknown');
    });
    const { host, client } = stage(broken, [], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).failure?.message).toBe(
      `the event 'unknown' is not declared; this saga declares ["known"]`,
    );
  });

  it('a result that does not match its schema undoes the saga', async () => {
    const broken = saga({ name: 'broken', version: '1', input, output: z.object({ n: z.number() }) }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      return { n: 'one' as never };
    });
    const { tape, host, client } = stage(broken, [book], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'defect', code: 'invalidResult', issues: [{ path: 'n' }] },
    });
    expect(tape.calls).toEqual(['book', 'book_undo']);
  });
});

describe.each(MODES)('values at the edges, run by %s', (mode) => {
  const strict = saga(
    { name: 'strict', version: '1', input: z.object({ a: z.number(), b: z.string() }) },
    function* (saga) {
      yield* saga.step(book, { n: 1 });
    },
  );

  it('a bad start input ends the saga clearly, with every violation, before anything is tried', async () => {
    const { tape, host, client } = stage(strict, [book], { mode });
    await host.startNew('strict', { instanceId: 'a', input: { a: 'one' } });
    await host.run();
    const { outcome } = await statusOf(client, 'a');
    expect(outcome).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'validation', code: 'invalidInput', issues: [{ path: 'a' }, { path: 'b' }] },
    });
    expect(tape.calls).toEqual([]);
  });

  it('a schema that validates asynchronously is an error that says so, not a hang', async () => {
    const later = saga({ name: 'later', version: '1', input: z.object({}).refine(async () => true) }, function* (saga) {
      yield* saga.step(book, { n: 1 });
    });
    const { host, client } = stage(later, [book], { mode });
    await host.startNew('later', { instanceId: 'a', input: {} });
    await host.run();
    expect((await statusOf(client, 'a')).failure).toMatchObject({
      kind: 'validation',
      message: expect.stringContaining('expected a schema that validates synchronously') as string,
    });
  });

  it('an activity refuses a bad input before its effect, and is neither tried again nor undone', async () => {
    const broken = saga({ name: 'broken', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 'one' as never });
    });
    const { tape, host, client } = stage(broken, [book], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual([]);
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      failure: { kind: 'validation', step: 'a/book#1', issues: [{ path: 'n' }] },
    });
  });

  it('an activity that gives something bad maybe ran: it is not tried again, and is undone', async () => {
    const calls: string[] = [];
    const odd = activity({
      name: 'odd',
      input,
      output: z.object({ n: z.number() }),
      run: () => async () => {
        calls.push('odd');
        return { n: 'one' as never };
      },
      undo: () => async () => {
        calls.push('odd_undo');
      },
    });
    const body = saga({ name: 'body', version: '1', input }, function* (saga) {
      yield* saga.step(odd, {});
    });
    const { host, client } = stage(body, [odd], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(calls).toEqual(['odd', 'odd_undo']);
    expect((await statusOf(client, 'a')).failure).toMatchObject({ kind: 'validation' });
  });

  it('an activity gives what its schema makes of its output', async () => {
    const trim = activity({
      name: 'trim',
      input: z.object({ text: z.string().trim() }),
      output: z.object({ text: z.string(), length: z.number().default(3) }),
      run:
        () =>
        async ({ text }) => ({ text }),
    });
    const body = saga({ name: 'body', version: '1', input, output: z.unknown() }, function* (saga) {
      return yield* saga.call(trim, { text: '  abc ' });
    });
    const { host, client } = stage(body, [trim], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({
      outcome: 'completed',
      result: { text: 'abc', length: 3 },
    });
  });

  it('a reply that no saga activity makes is tried again, then named', async () => {
    const tape = new Tape();
    const own = hostFunctionsOf({ ports: { tape }, sagas: [strict], activities: [book] });
    const foreign = new SimulatedHost({
      mode,
      functions: { ...own, activity: (name) => (name === 'book' ? async () => 'done!' : own.activity(name)) },
    });
    await foreign.startNew('strict', { instanceId: 'a', input: { a: 1, b: 'two' } });
    await foreign.run();
    expect(foreign.attempts.map(({ name }) => name)).toEqual(['book', 'book', 'book', 'book_undo']);
    expect(foreign.instance('a').output).toMatchObject({
      failure: {
        kind: 'host',
        code: 'foreignReply',
        message: 'expected a reply of a durable-saga activity, got "done!"',
      },
    });
    expect(tape.calls).toEqual(['book_undo']);
  });
});

describe.each(MODES)('the settled activity, run by %s', (mode) => {
  const settled: unknown[] = [];
  const settle = activity({
    name: 'settle',
    input: settlementSchema,
    run:
      ({ tape }: TapePorts) =>
      async (settlement, step) => {
        tape.play('settle', step);
        settled.push(settlement);
      },
  });
  const settling = saga({ name: 'settling', version: '1', input, settled: settle }, function* (saga) {
    yield* saga.step(book, { n: 1 });
  });

  beforeEach(() => {
    settled.length = 0;
  });

  it('is told how it ended, and is tried again until it succeeds, whatever it says', async () => {
    const { tape, host, client } = stage(settling, [book, settle], { mode });
    tape.script(
      'settle',
      failing(30, () => new StepFailure({ code: 'never', message: 'never', effect: 'none' })),
    );
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toHaveLength(32);
    expect(settled).toEqual([{ saga: settling.name, instanceId: 'a', outcome: 'completed' }]);
    expect((await statusOf(client, 'a')).state).toBe('completed');
  });

  it('is told why it failed', async () => {
    const { tape, host, client } = stage(settling, [book, settle], { mode });
    tape.script('book', failing(3));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(settled).toEqual([
      {
        saga: 'settling',
        instanceId: 'a',
        outcome: 'compensated',
        failure: {
          kind: 'error',
          code: 'error',
          message: 'unreachable',
          retriable: true,
          effect: 'unknown',
          step: 'a/book#1',
        },
      },
    ]);
  });

  it('is told of a bad start input too', async () => {
    const { host } = stage(settling, [book, settle], { mode });
    await host.startNew('settling', { instanceId: 'a', input: 'nonsense' });
    await host.run();
    expect(settled).toMatchObject([{ outcome: 'compensated', failure: { kind: 'validation' } }]);
  });
});
