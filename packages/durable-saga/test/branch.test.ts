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
const pay = tapedOneWay('pay');
const activities = [first, second, third, fourth, pay];
const input = z.object({});
const refusal = (): Error => new StepFailure({ code: 'refused', message: 'no', effect: 'none' });

describe.each(MODES)('branches of a group, run by %s', (mode) => {
  it('run side by side, each in its own order, and give their results in the order of the group', async () => {
    const body = saga({ name: 'branches', version: '1', input, output: z.unknown() }, function* (saga) {
      return yield* saga.all([
        function* () {
          const one = yield* saga.step(first, { n: 1 });
          return [one, yield* saga.step(second, { n: 2 })];
        },
        function* () {
          yield* saga.sleep('2 seconds');
          return yield* saga.step(third, { n: 3 });
        },
        saga.step(fourth, { n: 4 }),
      ]);
    });
    const { host, client } = stage(body, activities, { mode, treat: () => ({ delay: 5_000 }) });
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    expect(host.attempts.map(({ name, at }) => `${name} ${at - startedAt}`)).toEqual([
      'first 0',
      'fourth 0',
      'third 2000',
      'second 5000',
    ]);
    expect((await statusOf(client, 'a')).outcome).toEqual({
      outcome: 'completed',
      result: [['first 1', 'second 2'], 'third 3', 'fourth 4'],
    });
  });

  it('are undone in reverse, beside the other members', async () => {
    const body = saga({ name: 'branches', version: '1', input }, function* (saga) {
      yield* saga.all([
        function* () {
          yield* saga.step(first, { n: 1 });
          yield* saga.step(second, { n: 2 });
        },
        saga.step(third, { n: 3 }),
      ]);
      yield* saga.step(fourth, { n: 4 });
      yield* saga.fail({ code: 'x', message: 'x' });
    });
    const { host, client } = stage(body, activities, { mode, treat: () => ({ delay: 1_000 }) });
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    const undos = host.attempts.filter(({ name }) => name.endsWith('_undo'));
    expect(undos.map(({ name, at }) => `${name} ${at - startedAt}`)).toEqual([
      'fourth_undo 3000',
      'third_undo 4000',
      'second_undo 4000',
      'first_undo 5000',
    ]);
  });

  it('are undone no more at once than the concurrency of their group allows', async () => {
    const body = saga({ name: 'branches', version: '1', input }, function* (saga) {
      yield* saga.map(
        [1, 2, 3],
        function* (n) {
          yield* saga.step(first, { n });
          yield* saga.step(second, { n });
        },
        { concurrency: 2 },
      );
      yield* saga.fail({ code: 'x', message: 'x' });
    });
    const { host, client } = stage(body, activities, { mode, treat: () => ({ delay: 1_000 }) });
    await client.start({}, { id: 'a' });
    await host.run();
    const undos = host.attempts.filter(({ name }) => name.endsWith('_undo'));
    const zero = undos[0]?.at ?? 0;
    expect(undos.map(({ name, input: given, at }) => [name, (given as { n: number }).n, at - zero])).toEqual([
      ['second_undo', 3, 0],
      ['second_undo', 2, 0],
      ['first_undo', 3, 1_000],
      ['first_undo', 2, 1_000],
      ['second_undo', 1, 2_000],
      ['first_undo', 1, 3_000],
    ]);
  });

  it('end at their wait when another member fails, and attempts under way settle first', async () => {
    const body = saga({ name: 'branches', version: '1', input, events: { go: z.object({}) } }, function* (saga) {
      yield* saga.all([
        function* () {
          yield* saga.step(first, { n: 1 });
          yield* saga.sleep('1 day');
          yield* saga.step(second, { n: 2 });
        },
        function* () {
          yield* saga.waitFor('go', { timeout: '2 days' });
          yield* saga.step(second, { n: 3 });
        },
        function* () {
          yield* saga.step(third, { n: 4 });
          yield* saga.step(second, { n: 5 });
        },
        saga.step(fourth, { n: 6 }),
      ]);
    });
    const { tape, host, client } = stage(body, activities, {
      mode,
      treat: ({ name }) => ({ delay: { third: 9_000, fourth: 5_000 }[name] ?? 0 }),
    });
    tape.script('fourth', failing(1, refusal));
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run({ until: startedAt + 60_000 });
    expect(tape.calls).toEqual(['first', 'fourth', 'third', 'third_undo', 'first_undo']);
    expect(host.attempts.find(({ name }) => name === 'third_undo')?.at).toBe(startedAt + 9_000);
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'compensated', failure: { code: 'refused' } });
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('catch the failures of their own steps', async () => {
    const body = saga({ name: 'branches', version: '1', input, output: z.unknown() }, function* (saga) {
      return yield* saga.all([
        function* () {
          try {
            return yield* saga.step(first, { n: 1 });
          } catch {
            return yield* saga.step(second, { n: 2 });
          }
        },
        saga.step(third, { n: 3 }),
      ]);
    });
    const { tape, host, client } = stage(body, activities, { mode });
    tape.script('first', failing(1, refusal));
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: ['second 2', 'third 3'] });
  });

  it('fail their group by saga.fail, which the body may catch', async () => {
    const body = saga({ name: 'branches', version: '1', input, output: z.string() }, function* (saga) {
      try {
        yield* saga.all([
          function* () {
            yield* saga.sleep('1 second');
            return yield* saga.fail({ code: 'enough', message: 'that was enough' });
          },
          saga.sleep('1 day'),
        ]);
      } catch (error) {
        return (error as Error).message;
      }
      return 'nothing thrown';
    });
    const { host, client } = stage(body, activities, { mode });
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run({ until: startedAt + 2_000 });
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 'that was enough' });
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('that fail before they wait for anything stop a sleeping member at once', async () => {
    const body = saga({ name: 'branches', version: '1', input }, function* (saga) {
      yield* saga.all([
        saga.sleep('1 day'),
        function* () {
          return yield* saga.fail({ code: 'enough', message: 'that was enough' });
        },
      ]);
    });
    const { host, client } = stage(body, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now });
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'compensated', failure: { code: 'enough' } });
  });

  it('with a programming error end the saga as a defect, whoever would catch or tolerate failures', async () => {
    const body = saga({ name: 'branches', version: '1', input, output: z.string() }, function* (saga) {
      try {
        yield* saga.allSettled([
          saga.step(first, { n: 1 }),
          function* () {
            yield* saga.step(second, { n: 2 });
            throw new TypeError('x is not a function');
          },
        ]);
      } catch {
        return 'caught';
      }
      return 'tolerated';
    });
    const { tape, host, client } = stage(body, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'defect', message: 'x is not a function' },
    });
    expect([...tape.calls].sort()).toEqual(['first', 'first_undo', 'second', 'second_undo']);
  });

  it('refuse a pivot when they come to it', async () => {
    const body = saga({ name: 'branches', version: '1', input }, function* (saga) {
      yield* saga.all([
        // @ts-expect-error -- a pivot concerns the saga as a whole
        function* () {
          yield* saga.step(first, { n: 1 });
          yield* saga.pivot(pay, { n: 2 });
        },
      ]);
    });
    const { tape, host, client } = stage(body, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['first', 'first_undo']);
    expect((await statusOf(client, 'a')).failure).toMatchObject({
      kind: 'defect',
      message: "a pivot can't be part of a branch: it belongs in the saga's body, before or after it",
    });
  });

  it.each([
    ['a generator that was called', () => (function* () {})(), 'a generator that was called already'],
    ['a value', () => 7, 'got number'],
    ['a plain function', () => () => 7, 'expected a generator function'],
  ])('must be generator functions, not %s', async (_what, make, message) => {
    const body = saga({ name: 'branches', version: '1', input }, function* (saga) {
      yield* saga.all([make() as never]);
    });
    const { host, client } = stage(body, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).failure).toMatchObject({
      kind: 'defect',
      message: expect.stringContaining(message),
    });
  });

  it('run forward after the pivot: a member that fails for good parks, the others go on', async () => {
    const body = saga({ name: 'branches', version: '1', input, output: z.unknown() }, function* (saga) {
      yield* saga.pivot(pay, { n: 0 });
      return yield* saga.all([
        function* () {
          yield* saga.step(first, { n: 1 });
          return yield* saga.step(second, { n: 2 });
        },
        function* () {
          yield* saga.sleep('1 minute');
          return yield* saga.step(third, { n: 3 });
        },
      ]);
    });
    const { tape, host, client } = stage(body, activities, { mode });
    tape.script('first', failing(1, refusal));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['pay', 'first', 'third']);
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'parked', parked: { key: 'a/first#1' } });
    await client.get('a').resolve({ action: 'retry' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: ['second 2', 'third 3'] });
    expect(tape.calls).not.toContain('first_undo');
  });
});

describe.each(MODES)('nested groups of branches, run by %s', (mode) => {
  it('are undone each as one, inside out', async () => {
    const body = saga({ name: 'nested', version: '1', input }, function* (saga) {
      yield* saga.all([
        function* () {
          yield* saga.step(first, { n: 1 });
          yield* saga.all([saga.step(second, { n: 2 }), saga.step(second, { n: 3 })]);
          yield* saga.step(third, { n: 4 });
        },
        function* () {
          yield* saga.step(fourth, { n: 5 });
        },
      ]);
      yield* saga.fail({ code: 'x', message: 'x' });
    });
    const { host, client } = stage(body, activities, { mode, treat: () => ({ delay: 1_000 }) });
    await client.start({}, { id: 'a' });
    await host.run();
    const undos = host.attempts.filter(({ name }) => name.endsWith('_undo'));
    const zero = undos[0]?.at ?? 0;
    expect(undos.map(({ name, input: given, at }) => [name, (given as { n: number }).n, at - zero])).toEqual([
      ['fourth_undo', 5, 0],
      ['third_undo', 4, 0],
      ['second_undo', 3, 1_000],
      ['second_undo', 2, 1_000],
      ['first_undo', 1, 2_000],
    ]);
  });
});
