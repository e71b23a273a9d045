import { z } from 'zod';
import { saga, StepFailure } from '../src';
import { MODES } from '../src/testing/turns';
import { failing, stage, statusOf, taped, tapedOneWay } from './support/tape';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const book = taped('book');
const pay = tapedOneWay('pay');
const ship = tapedOneWay('ship');
const activities = [book, pay, ship];
const input = z.object({ where: z.string().default('') });
const output = z.unknown();
const events = { answer: z.object({}) };
const refusal = (): Error => new StepFailure({ code: 'refused', message: 'no', effect: 'none' });
const timedOut = { kind: 'timeout', code: 'sagaTimeout', retriable: false, effect: 'none' };

describe.each(MODES)('the timeout of a saga, run by %s', (mode) => {
  const waits = saga({ name: 'waits', version: '1', input, events, timeout: '1 hour' }, function* (saga, { where }) {
    yield* saga.step(book, { n: 1 });
    if (where === 'event') yield* saga.waitFor('answer');
    if (where === 'event with a timeout') yield* saga.waitFor('answer', { timeout: '2 days' });
    if (where === 'sleep') yield* saga.sleep('10 days');
    if (where === 'group') yield* saga.all([saga.sleep('1 day'), saga.waitFor('answer')]);
    if (where === 'settled group') yield* saga.allSettled([saga.sleep('1 day')]);
    if (where === 'race') yield* saga.race({ nap: saga.sleep('1 day'), answer: saga.waitFor('answer') });
    if (where === 'branch') {
      yield* saga.map([1], function* () {
        yield* saga.sleep('1 day');
      });
    }
    if (where === 'retry')
      yield* saga.step(ship, { n: 2 }, { retry: { attempts: 99, first: '3 hours', cap: '3 hours' } });
    yield* saga.pivot(pay, { n: 3 });
  });

  it.each(['event', 'event with a timeout', 'sleep', 'group', 'settled group', 'race', 'branch', 'retry'])(
    'undoes it at a wait: %s',
    async (where) => {
      const { tape, host, client } = stage(waits, activities, { mode });
      tape.script('ship', failing(99));
      const startedAt = host.now;
      await client.start({ where }, { id: 'a' });
      await host.run({ until: startedAt + HOUR + 1_000 });
      const { outcome } = await statusOf(client, 'a');
      expect(outcome).toMatchObject({
        outcome: 'compensated',
        failure: {
          ...timedOut,
          message: 'the saga had not started its pivot by 2026-01-01T01:00:00.000Z, its timeout',
        },
      });
      expect(tape.calls.at(-1)).toBe('book_undo');
      expect(tape.calls).not.toContain('pay');
      expect(host.instance('a').openTimers).toBe(0);
    },
  );

  it('lets an attempt under way settle first', async () => {
    const { tape, host, client } = stage(waits, activities, {
      mode,
      treat: ({ name }) => ({ delay: name === 'book' ? 2 * HOUR : 0 }),
    });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).failure).toMatchObject({ kind: 'timeout', code: 'sagaTimeout' });
    expect(tape.undone).toEqual([{ name: 'book', key: 'a/book#1', input: { n: 1 }, output: 'book 1' }]);
  });

  it('means nothing once the pivot has started, and its timer is cancelled then', async () => {
    const { tape, host, client } = stage(waits, activities, {
      mode,
      treat: ({ name }) => ({ delay: name === 'pay' ? 2 * HOUR : 0 }),
    });
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + 1_000 });
    expect(host.instance('a').openTimers).toBe(0);
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('completed');
    expect(tape.calls).toEqual(['book', 'pay']);
  });

  it('means nothing to a saga that ends in time, and its timer is cancelled', async () => {
    const brief = saga({ name: 'brief', version: '1', input, timeout: '30 days' }, function* (saga) {
      yield* saga.step(book, { n: 1 });
    });
    const { host, client } = stage(brief, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now });
    expect((await statusOf(client, 'a')).state).toBe('completed');
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('does not end compensation, however long that takes', async () => {
    const failing10 = saga({ name: 'slowUndo', version: '1', input, timeout: '1 hour' }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield* saga.fail({ code: 'x', message: 'x' });
    });
    const { host, client } = stage(failing10, activities, {
      mode,
      treat: ({ name }) => ({ delay: name === 'book_undo' ? 2 * HOUR : 0 }),
    });
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + 1_000 });
    expect(host.instance('a').openTimers).toBe(0);
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ outcome: 'compensated', failure: { code: 'x' } });
  });

  it('counts again after a pivot that was refused', async () => {
    const again = saga({ name: 'again', version: '1', input, events, timeout: '1 hour' }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      try {
        yield* saga.pivot(pay, { n: 2 });
      } catch {
        yield* saga.waitFor('answer');
      }
    });
    const { tape, host, client } = stage(again, activities, { mode });
    tape.script('pay', failing(1, refusal));
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    expect(host.now).toBe(startedAt + HOUR);
    expect((await statusOf(client, 'a')).failure).toMatchObject({ code: 'sagaTimeout' });
    expect(tape.calls).toEqual(['book', 'pay', 'book_undo']);
  });

  it('does not hide why a pivot was refused, even if the time is over by then', async () => {
    const { tape, host, client } = stage(waits, activities, {
      mode,
      treat: ({ name }) => ({ delay: name === 'pay' ? 2 * HOUR : 0 }),
    });
    tape.script('pay', failing(1, refusal));
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'declared', code: 'refused' },
    });
  });

  it('may be longer than any timer of a storage provider', async () => {
    const long = saga({ name: 'long', version: '1', input, events, timeout: '20 days' }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield* saga.waitFor('answer', { timeout: '30 days' });
    });
    const { host, client } = stage(long, activities, { mode });
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).failure).toMatchObject({ code: 'sagaTimeout' });
    expect(host.instance('a').openTimers).toBe(0);
    // The timers of the wait that was cut short may still be on their way to nobody.
    expect(host.now - startedAt).toBeLessThanOrEqual(25 * DAY);
  });

  it('is told apart from a cancel that comes later, while an attempt settles', async () => {
    const { host, client } = stage(waits, activities, {
      mode,
      treat: ({ name }) => ({ delay: name === 'book' ? 2 * HOUR : 0 }),
    });
    await client.start({}, { id: 'a' });
    await host.raiseAt(host.now + 1.5 * HOUR, 'a', 'cancel', {});
    await host.run();
    expect(await statusOf(client, 'a')).toMatchObject({ failure: { code: 'sagaTimeout' }, cancel: 'honoured' });
  });

  it('must be a duration', () => {
    expect(() => saga({ name: 'wrong', version: '1', input, timeout: -1 }, function* () {})).toThrow(
      "saga 'wrong': timeout: expected a duration",
    );
  });
});

describe.each(MODES)('deterministic values, run by %s', (mode) => {
  it('are the same at every replay, and others in other sagas', async () => {
    const drawing = saga({ name: 'drawing', version: '1', input, output }, function* (saga) {
      const values = [saga.random(), saga.random(), saga.newId()];
      yield* saga.step(book, { n: 1 });
      return [...values, saga.random(), saga.newId(), saga.now().toISOString()];
    });
    const results: unknown[][] = [];
    for (const id of ['a', 'b']) {
      const { host, client } = stage(drawing, activities, { mode });
      await client.start({}, { id });
      await host.run();
      const { outcome } = await statusOf(client, id);
      results.push(outcome?.outcome === 'completed' ? (outcome.result as unknown[]) : []);
    }
    const [a = [], b = []] = results;
    expect(new Set([...a.slice(0, 5), ...b.slice(0, 5)]).size).toBe(10);
    for (const number of [a[0], a[1], a[3]]) {
      expect(number).toBeGreaterThanOrEqual(0);
      expect(number).toBeLessThan(1);
    }
  });
});
