import { z } from 'zod';
import { saga, StepFailure } from '../src';
import type { Settled } from '../src';
import { MODES } from '../src/testing/turns';
import { failing, stage, statusOf, taped } from './support/tape';

const book = taped('book');
const pack = taped('pack');
const activities = [book, pack];
const input = z.object({ n: z.number().default(4) });
const output = z.unknown();
const refusal = (): Error => new StepFailure({ code: 'refused', message: 'no', effect: 'none' });
const numbers = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);

/** Whether each member was done, or with which code it failed. */
function summary(settled: readonly Settled<unknown>[]): unknown[] {
  return settled.map((one) => (one.status === 'done' ? one.value : one.failure.code));
}

describe.each(MODES)('allSettled, run by %s', (mode) => {
  it('tells of every member what became of it, whatever became of the others', async () => {
    const body = saga({ name: 'settle', version: '1', input, output }, function* (saga) {
      const settled = yield* saga.allSettled([
        saga.step(book, { n: 1 }),
        saga.step(pack, { n: 2 }),
        saga.sleep('1 second'),
        function* () {
          yield* saga.sleep('2 seconds');
          return yield* saga.fail({ code: 'late', message: 'too late' });
        },
      ]);
      return summary(settled);
    });
    const { tape, host, client } = stage(body, activities, { mode, treat: () => ({ delay: 5_000 }) });
    tape.script('pack', failing(1, refusal));
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({
      outcome: 'completed',
      result: ['book 1', 'refused', null, 'late'],
    });
    expect(tape.calls).toEqual(['book', 'pack']);
  });

  it('undoes what a failed member did or maybe did before it gives the results, and no other', async () => {
    const body = saga({ name: 'settle', version: '1', input, output }, function* (saga) {
      const settled = yield* saga.allSettled(
        [
          function* () {
            yield* saga.step(book, { n: 1 });
            yield* saga.step(pack, { n: 1 });
          },
          saga.step(book, { n: 2 }),
        ],
        { concurrency: 1 },
      );
      yield* saga.step(book, { n: 3 });
      return summary(settled);
    });
    const { tape, host, client } = stage(body, activities, { mode });
    tape.script('pack', failing(3));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'pack', 'pack', 'pack', 'book', 'pack_undo', 'book_undo', 'book']);
    expect(tape.undone.map(({ input: given }) => given)).toEqual([{ n: 1 }, { n: 1 }]);
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: ['error', 'book 2'] });
  });

  it('leaves nothing to undo twice when the saga fails later', async () => {
    const body = saga({ name: 'settle', version: '1', input }, function* (saga) {
      yield* saga.allSettled([saga.step(book, { n: 1 }), saga.step(pack, { n: 2 })]);
      yield* saga.fail({ code: 'x', message: 'x' });
    });
    const { tape, host, client } = stage(body, activities, { mode });
    tape.script('pack', failing(3));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.undone.map(({ key }) => key)).toEqual(['a/pack#1', 'a/book#1']);
  });

  it('parks at an undo that fails for good, and ends as compensationFailed when an operator gives it up', async () => {
    const body = saga({ name: 'settle', version: '1', input, output }, function* (saga) {
      return summary(yield* saga.allSettled([saga.step(book, { n: 1 }), saga.step(pack, { n: 2 })]));
    });
    const run = async (action: 'skip' | 'fail') => {
      const staged = stage(body, activities, { mode });
      staged.tape.script('pack', failing(3));
      staged.tape.script('pack_undo', failing(3));
      await staged.client.start({}, { id: 'a' });
      await staged.host.run();
      expect(await statusOf(staged.client, 'a')).toMatchObject({ state: 'parked', parked: { what: 'undo' } });
      await staged.client.get('a').resolve({ action });
      await staged.host.run();
      return { calls: staged.tape.calls, outcome: (await statusOf(staged.client, 'a')).outcome };
    };
    expect((await run('skip')).outcome).toEqual({ outcome: 'completed', result: ['book 1', 'error'] });
    const givenUp = await run('fail');
    expect(givenUp.outcome).toMatchObject({
      outcome: 'compensationFailed',
      failure: { kind: 'givenUp', code: 'undoGivenUp' },
    });
    expect(givenUp.calls.at(-1)).toBe('book_undo');
  });

  it('ends when the saga is cancelled', async () => {
    const body = saga({ name: 'settle', version: '1', input }, function* (saga) {
      yield* saga.allSettled([saga.step(book, { n: 1 }), saga.sleep('1 day')]);
    });
    const { tape, host, client } = stage(body, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + 1_000 });
    await client.get('a').cancel();
    await host.run({ until: host.now + 1_000 });
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'compensated', failure: { kind: 'cancelled' } });
    expect(tape.calls).toEqual(['book', 'book_undo']);
    expect(host.instance('a').openTimers).toBe(0);
  });
});

describe.each(MODES)('map, run by %s', (mode) => {
  it('runs an operation for each item, so many at once as it may, and gives the results in order', async () => {
    const body = saga({ name: 'mapped', version: '1', input, output }, function* (saga, { n }) {
      return yield* saga.map(numbers(n), (item, index) => saga.step(book, { n: item }, { key: `k${index}` }), {
        concurrency: 2,
      });
    });
    const { host, client } = stage(body, activities, {
      mode,
      treat: ({ input: given }) => ({ delay: (given as { n: number }).n === 1 ? 5_000 : 1_000 }),
    });
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    expect(host.attempts.map(({ key, at }) => `${key} ${at - startedAt}`)).toEqual([
      'a/book#k0 0',
      'a/book#k1 0',
      'a/book#k2 1000',
      'a/book#k3 2000',
    ]);
    expect((await statusOf(client, 'a')).outcome).toEqual({
      outcome: 'completed',
      result: ['book 1', 'book 2', 'book 3', 'book 4'],
    });
  });

  it('runs a branch for each item where the mapper is a generator function or gives one', async () => {
    const body = saga({ name: 'mapped', version: '1', input, output }, function* (saga, { n }) {
      const one = yield* saga.map(numbers(n), function* (item) {
        yield* saga.step(book, { n: item });
        return yield* saga.step(pack, { n: item });
      });
      const other = yield* saga.map(
        numbers(2),
        (item) =>
          function* () {
            yield* saga.sleep(1);
            return item;
          },
      );
      return [...one, ...other];
    });
    const { host, client } = stage(body, activities, { mode });
    await client.start({ n: 2 }, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: ['pack 1', 'pack 2', 1, 2] });
  });

  it('fails as all does when it is given no tolerance', async () => {
    const body = saga({ name: 'mapped', version: '1', input }, function* (saga, { n }) {
      yield* saga.map(numbers(n), (item) => saga.step(book, { n: item }), { concurrency: 1 });
    });
    const { tape, host, client } = stage(body, activities, { mode });
    tape.script('book', () => {
      if (tape.calls.length === 2) throw refusal();
    });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'book', 'book_undo']);
    expect((await statusOf(client, 'a')).failure).toMatchObject({ code: 'refused', step: 'a/book#2' });
  });

  it.each([
    { maxFailures: 2 },
    { minSuccess: 2 },
    { minSuccess: 2, maxFailures: 3 },
    { minSuccess: 1, maxFailures: 2 },
  ])('tries all items while %j can be met', async (tolerance) => {
    const body = saga({ name: 'mapped', version: '1', input, output }, function* (saga, { n }) {
      return summary(
        yield* saga.map(numbers(n), (item) => saga.step(book, { n: item }), { ...tolerance, concurrency: 1 }),
      );
    });
    const { tape, host, client } = stage(body, activities, { mode });
    tape.script('book', () => {
      if (tape.calls.length <= 2) throw refusal();
    });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toHaveLength(4);
    expect((await statusOf(client, 'a')).outcome).toEqual({
      outcome: 'completed',
      result: ['refused', 'refused', 'book 3', 'book 4'],
    });
  });

  it.each([{ maxFailures: 1 }, { minSuccess: 3 }])(
    'starts nothing more once %j can not be met, lets what is under way settle, and fails',
    async (tolerance) => {
      const body = saga({ name: 'mapped', version: '1', input }, function* (saga) {
        yield* saga.map(numbers(4), (item) => saga.step(book, { n: item }), { ...tolerance, concurrency: 3 });
      });
      const { tape, host, client } = stage(body, activities, {
        mode,
        treat: ({ input: given }) => ({ delay: (given as { n: number }).n === 3 ? 9_000 : 1_000 }),
      });
      tape.script('book', () => {
        if (tape.calls.length <= 2) throw refusal();
      });
      const startedAt = host.now;
      await client.start({}, { id: 'a' });
      await host.run();
      expect(host.attempts.map(({ key, name, at }) => `${name} ${key} ${at - startedAt}`)).toEqual([
        'book a/book#1 0',
        'book a/book#2 0',
        'book a/book#3 0',
        // The fourth started when the first had failed, which was tolerated still.
        'book a/book#4 1000',
        'book_undo a/book#4 9000',
        'book_undo a/book#3 9000',
      ]);
      expect((await statusOf(client, 'a')).outcome).toMatchObject({
        outcome: 'compensated',
        failure: { kind: 'declared', code: 'toleranceExceeded', details: { succeeded: 2, failed: 2 } },
      });
    },
  );

  it('fails at once where there are fewer items than must succeed', async () => {
    const body = saga({ name: 'mapped', version: '1', input }, function* (saga) {
      yield* saga.map(numbers(1), (item) => saga.step(book, { n: item }), { minSuccess: 2 });
    });
    const { tape, host, client } = stage(body, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual([]);
    expect((await statusOf(client, 'a')).failure).toMatchObject({
      code: 'toleranceExceeded',
      message: 'expected at least 2 to succeed; 0 failed and 0 succeeded before no more was tried',
    });
  });

  it('takes no items at all', async () => {
    const body = saga({ name: 'mapped', version: '1', input, output }, function* (saga) {
      const none = yield* saga.map([], (item) => saga.step(book, { n: item }));
      const settled = yield* saga.map([], (item) => saga.step(book, { n: item }), { maxFailures: 0 });
      return [none, settled];
    });
    const { host, client } = stage(body, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: [[], []] });
  });

  it.each([
    [{ concurrency: 0 }, 'saga.map: expected a concurrency of 1 or more, got 0'],
    [{ minSuccess: -1 }, 'saga.map: expected minSuccess of 0 or more, got -1'],
    [{ maxFailures: Number.NaN }, 'saga.map: expected maxFailures of 0 or more, got NaN'],
  ])('refuses %j', async (options, message) => {
    const body = saga({ name: 'mapped', version: '1', input }, function* (saga) {
      yield* saga.map([1], (n) => saga.step(book, { n }), options as { concurrency: number });
    });
    const { host, client } = stage(body, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).failure).toMatchObject({ kind: 'defect', message });
  });
});
