import { z } from 'zod';
import { saga, StepFailure } from '../src';
import { MODES } from '../src/testing/turns';
import { failing, stage, statusOf, taped, tapedOneWay } from './support/tape';

const [first, second, third, fourth] = ['first', 'second', 'third', 'fourth'].map((name) => taped(name)) as [
  ReturnType<typeof taped>,
  ReturnType<typeof taped>,
  ReturnType<typeof taped>,
  ReturnType<typeof taped>,
];
const input = z.object({});
const refusal = (): Error => new StepFailure({ code: 'refused', message: 'no', effect: 'none' });

describe.each(MODES)('compensation, run by %s', (mode) => {
  it('undoes in the reverse order of the steps, each undo after the one before it has ended', async () => {
    const body = saga({ name: 'ordered', version: '1', input }, function* (saga) {
      yield* saga.step(first, { n: 1 });
      yield* saga.step(second, { n: 2 });
      yield* saga.step(third, { n: 3 });
      yield* saga.fail({ code: 'enough', message: 'that was enough' });
    });
    const { tape, host, client } = stage(body, [first, second, third], { mode, treat: () => ({ delay: 1_000 }) });
    tape.script('second_undo', failing(1));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['first', 'second', 'third', 'third_undo', 'second_undo', 'second_undo', 'first_undo']);
    expect(tape.undone.map(({ key, input: given, output }) => ({ key, given, output }))).toEqual([
      { key: 'a/third#1', given: { n: 3 }, output: 'third 3' },
      { key: 'a/second#1', given: { n: 2 }, output: 'second 2' },
      { key: 'a/second#1', given: { n: 2 }, output: 'second 2' },
      { key: 'a/first#1', given: { n: 1 }, output: 'first 1' },
    ]);
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'declared', code: 'enough', message: 'that was enough' },
    });
  });

  it('undoes a step whose reply was lost, and tells the undo that the output is not known', async () => {
    const body = saga({ name: 'lost', version: '1', input }, function* (saga) {
      yield* saga.step(first, { n: 1 });
    });
    const { tape, host, client } = stage(body, [first], { mode });
    tape.script('first', failing(3));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['first', 'first', 'first', 'first_undo']);
    expect(tape.undone).toEqual([{ name: 'first', key: 'a/first#1', input: { n: 1 }, output: undefined }]);
    expect((await statusOf(client, 'a')).steps[0]).toMatchObject({ state: 'undone' });
  });

  it('does not undo a step that was surely refused', async () => {
    const body = saga({ name: 'refused', version: '1', input }, function* (saga) {
      yield* saga.step(first, { n: 1 });
      yield* saga.step(second, { n: 2 });
    });
    const { tape, host, client } = stage(body, [first, second], { mode });
    tape.script('second', failing(1, refusal));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['first', 'second', 'first_undo']);
    expect((await statusOf(client, 'a')).steps[1]).toMatchObject({ name: 'second', state: 'failed', attempts: 1 });
  });

  it('undoes a step that was refused only after an attempt that maybe ran', async () => {
    const body = saga({ name: 'mixed', version: '1', input }, function* (saga) {
      yield* saga.step(first, { n: 1 });
    });
    const { tape, host, client } = stage(body, [first], { mode });
    tape.script('first', (attempt) => {
      throw attempt === 1 ? new Error('reply lost') : refusal();
    });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['first', 'first', 'first_undo']);
  });

  it('undoes what an operation without undo stands between', async () => {
    const note = tapedOneWay('note');
    const body = saga({ name: 'between', version: '1', input }, function* (saga) {
      yield* saga.step(first, { n: 1 });
      yield* saga.call(note, { n: 2 });
      yield* saga.call(second, { n: 3 });
      yield* saga.fail({ code: 'x', message: 'x' });
    });
    const { tape, host, client } = stage(body, [first, note, second], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['first', 'note', 'second', 'first_undo']);
  });

  it('waits with an undo as long as an effect of unknown outcome may still come', async () => {
    const slow = taped('slow', { timeout: '10 seconds', settleWithin: '1 hour', retry: { attempts: 1 } });
    const body = saga({ name: 'settling', version: '1', input }, function* (saga) {
      yield* saga.step(slow, { n: 1 });
    });
    const { host, client } = stage(body, [slow], {
      mode,
      treat: ({ name }) => (name === 'slow' ? { delay: 30_000 } : undefined),
    });
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    const undo = host.attempts.find(({ name }) => name === 'slow_undo');
    expect(undo?.at).toBe(startedAt + 10_000 + 3_600_000);
  });

  it('waits for a late effect of an earlier attempt too, when a later one succeeded', async () => {
    const slow = taped('slow', { timeout: '10 seconds', settleWithin: '1 hour' });
    const body = saga({ name: 'settling', version: '1', input }, function* (saga) {
      yield* saga.step(slow, { n: 1 });
      yield* saga.fail({ code: 'x', message: 'x' });
    });
    const { host, client } = stage(body, [slow], {
      mode,
      treat: ({ name, attempt }) => (name === 'slow' && attempt === 1 ? { delay: 30_000 } : undefined),
    });
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    const undo = host.attempts.find(({ name }) => name === 'slow_undo');
    expect(undo?.at).toBe(startedAt + 10_000 + 3_600_000);
  });

  it('lets a body take another way after a failure, with the undo of the failed step still owed', async () => {
    const body = saga({ name: 'alternative', version: '1', input, output: z.string() }, function* (saga) {
      let how: string;
      try {
        how = yield* saga.step(first, { n: 1 });
      } catch {
        how = yield* saga.step(second, { n: 2 });
      }
      yield* saga.step(third, { n: 3 });
      return how;
    });
    const one = stage(body, [first, second, third], { mode });
    one.tape.script('first', failing(3));
    await one.client.start({}, { id: 'a' });
    await one.host.run();
    expect((await statusOf(one.client, 'a')).outcome).toEqual({ outcome: 'completed', result: 'second 2' });

    const other = stage(body, [first, second, third], { mode });
    other.tape.script('first', failing(3));
    other.tape.script('third', failing(1, refusal));
    await other.client.start({}, { id: 'a' });
    await other.host.run();
    expect(other.tape.calls.slice(-3)).toEqual(['third', 'second_undo', 'first_undo']);
  });
});

describe.each(MODES)('a group, run by %s', (mode) => {
  it('gives its results in order, whoever is ready first', async () => {
    const body = saga({ name: 'fan', version: '1', input, output: z.array(z.string()) }, function* (saga) {
      return yield* saga.all([saga.step(first, { n: 1 }), saga.call(second, { n: 2 }), saga.step(third, { n: 3 })]);
    });
    const { host, client } = stage(body, [first, second, third], {
      mode,
      treat: ({ name }) => ({ delay: { first: 3_000, second: 1_000, third: 2_000 }[name] ?? 0 }),
    });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({
      outcome: 'completed',
      result: ['first 1', 'second 2', 'third 3'],
    });
  });

  it('keeps no more under way than its concurrency allows, and starts the next as soon as one is done', async () => {
    const body = saga({ name: 'fan', version: '1', input }, function* (saga) {
      yield* saga.all(
        [1, 2, 3, 4, 5].map((n) => saga.step(first, { n })),
        { concurrency: 2 },
      );
    });
    const delays = [5_000, 1_000, 1_000, 1_000, 1_000];
    const { host, client } = stage(body, [first], {
      mode,
      treat: ({ input: given }) => ({ delay: delays[(given as { n: number }).n - 1]! }),
    });
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    expect(host.attempts.map(({ at }) => at - startedAt)).toEqual([0, 0, 1_000, 2_000, 3_000]);
  });

  it('starts nothing more after a failure, lets what is under way settle, then undoes side by side', async () => {
    const body = saga({ name: 'fan', version: '1', input }, function* (saga) {
      yield* saga.step(fourth, { n: 0 });
      yield* saga.all([saga.step(first, { n: 1 }), saga.step(second, { n: 2 }), saga.step(third, { n: 3 })], {
        concurrency: 2,
      });
    });
    const { tape, host, client } = stage(body, [first, second, third, fourth], {
      mode,
      treat: ({ name }) => ({ delay: { first: 5_000, second: 1_000, first_undo: 2_000 }[name] ?? 0 }),
    });
    tape.script('second', failing(1, refusal));
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['fourth', 'second', 'first', 'first_undo', 'fourth_undo']);
    expect(host.attempts.map(({ name, at }) => `${name} ${at - startedAt}`)).toEqual([
      'fourth 0',
      'first 0',
      'second 0',
      'first_undo 5000',
      'fourth_undo 7000',
    ]);
  });

  it('undoes its members at the same time', async () => {
    const body = saga({ name: 'fan', version: '1', input }, function* (saga) {
      yield* saga.all([saga.step(first, { n: 1 }), saga.step(second, { n: 2 }), saga.step(third, { n: 3 })]);
      yield* saga.fail({ code: 'x', message: 'x' });
    });
    const { host, client } = stage(body, [first, second, third], { mode, treat: () => ({ delay: 1_000 }) });
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    expect(host.attempts.slice(3).map(({ name, at }) => `${name} ${at - startedAt}`)).toEqual([
      'third_undo 1000',
      'second_undo 1000',
      'first_undo 1000',
    ]);
  });

  it('starts no further attempt of a member that waits to be tried again when another has failed for good', async () => {
    const body = saga({ name: 'fan', version: '1', input }, function* (saga) {
      yield* saga.all([saga.step(first, { n: 1 }), saga.step(second, { n: 2 })]);
    });
    const { tape, host, client } = stage(body, [first, second], {
      mode,
      treat: ({ name }) => ({ delay: name === 'second' ? 200 : 0 }),
    });
    tape.script('first', failing(3));
    tape.script('second', failing(1, refusal));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['first', 'second', 'first_undo']);
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('takes groups as members, undone at their place', async () => {
    const body = saga({ name: 'nest', version: '1', input, output: z.unknown() }, function* (saga) {
      const results = yield* saga.all([
        saga.step(first, { n: 1 }),
        saga.all([saga.step(second, { n: 2 }), saga.step(third, { n: 3 })]),
      ]);
      yield* saga.step(fourth, { n: 4 });
      return results;
    });
    const well = stage(body, [first, second, third, fourth], { mode });
    await well.client.start({}, { id: 'a' });
    await well.host.run();
    expect((await statusOf(well.client, 'a')).outcome).toEqual({
      outcome: 'completed',
      result: ['first 1', ['second 2', 'third 3']],
    });
    const ill = stage(body, [first, second, third, fourth], { mode });
    ill.tape.script('fourth', failing(1, refusal));
    await ill.client.start({}, { id: 'a' });
    await ill.host.run();
    expect([...ill.tape.calls.slice(4)].sort()).toEqual(['first_undo', 'second_undo', 'third_undo']);
  });

  it('may be empty', async () => {
    const body = saga({ name: 'none', version: '1', input, output: z.unknown() }, function* (saga) {
      return yield* saga.all([]);
    });
    const { host, client } = stage(body, [], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: [] });
  });

  it('refuses a pivot as a member, before anything is tried', async () => {
    const body = saga({ name: 'pivoted', version: '1', input }, function* (saga) {
      // @ts-expect-error -- a pivot is no member of a group
      yield* saga.all([saga.step(first, { n: 1 }), saga.pivot(second, { n: 2 })]);
    });
    const { tape, host, client } = stage(body, [first, second], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual([]);
    expect((await statusOf(client, 'a')).failure).toMatchObject({
      kind: 'defect',
      message: expect.stringContaining("a pivot can't be part of a group"),
    });
  });
});
