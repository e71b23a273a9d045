import { z } from 'zod';
import { saga, StepFailure } from '../src';
import { MODES } from '../src/testing/turns';
import { failing, stage, statusOf, taped, tapedOneWay } from './support/tape';

const MINUTE = 60_000;
const book = taped('book');
const hold = taped('hold', { timeout: '1 hour', settleWithin: '1 hour', retry: { attempts: 1 } });
const flaky = taped('flaky', { retry: { attempts: 99, first: '1 hour', cap: '1 hour' } });
const pay = tapedOneWay('pay');
const ship = tapedOneWay('ship');
const activities = [book, hold, flaky, pay, ship];
const events = { answer: z.object({}) };
const refusal = (): Error => new StepFailure({ code: 'refused', message: 'no', effect: 'none' });

const PLACES = [
  'an event',
  'an event with a timeout',
  'a sleep',
  'the retry of a step',
  'the retry of a call',
  'an attempt of a step',
  'a group of waits',
  'a group with a retry',
  'a group that waits for room',
  'allSettled',
  'map with a tolerance',
  'a race of waits',
  'a race with a retry',
  'a branch that waits',
  'a branch that retries',
  'a race in a branch in a group',
] as const;

/** Books, then waits at a place; everything after that place would be one step too many. */
const waits = saga(
  { name: 'waits', version: '1', input: z.object({ at: z.enum(PLACES) }), events },
  function* (saga, { at }) {
    yield* saga.step(book, { n: 1 });
    const nap = () => saga.sleep('1 day');
    function* branch() {
      yield* saga.step(book, { n: 2 });
      yield* saga.sleep('1 day');
      yield* saga.step(ship, { n: 3 });
    }
    if (at === 'an event') yield* saga.waitFor('answer');
    if (at === 'an event with a timeout') yield* saga.waitFor('answer', { timeout: '1 day' });
    if (at === 'a sleep') yield* nap();
    if (at === 'the retry of a step') yield* saga.step(flaky, { n: 3 });
    if (at === 'the retry of a call') yield* saga.call(flaky, { n: 3 });
    if (at === 'an attempt of a step') yield* saga.step(hold, { n: 3 });
    if (at === 'a group of waits') yield* saga.all([nap(), saga.waitFor('answer')]);
    if (at === 'a group with a retry') yield* saga.all([saga.step(flaky, { n: 3 }), nap()]);
    if (at === 'a group that waits for room') {
      yield* saga.all([nap(), saga.step(ship, { n: 3 })], { concurrency: 1 });
    }
    if (at === 'allSettled') yield* saga.allSettled([nap(), saga.step(flaky, { n: 3 })]);
    if (at === 'map with a tolerance') yield* saga.map([1], nap, { maxFailures: 1 });
    if (at === 'a race of waits') yield* saga.race({ nap: nap(), answer: saga.waitFor('answer') });
    if (at === 'a race with a retry') yield* saga.race({ nap: nap(), flaky: saga.step(flaky, { n: 3 }) });
    if (at === 'a branch that waits') yield* saga.all([branch, branch]);
    if (at === 'a branch that retries') {
      yield* saga.map([3], function* (n) {
        yield* saga.step(flaky, { n });
      });
    }
    if (at === 'a race in a branch in a group') {
      yield* saga.all([
        function* () {
          yield* saga.race({ nap: nap(), branch });
        },
      ]);
    }
    yield* saga.step(ship, { n: 4 });
    yield* saga.pivot(pay, { n: 5 });
  },
);

describe.each(MODES)('a cancel before the pivot, run by %s', (mode) => {
  it.each(PLACES)('is honoured at once while the saga waits at %s, and all that was done is undone', async (at) => {
    const { tape, host, client } = stage(waits, activities, {
      mode,
      treat: ({ name }) => ({ delay: name === 'hold' ? 5 * MINUTE : 0 }),
    });
    tape.script('flaky', failing(99));
    const startedAt = host.now;
    await client.start({ at }, { id: 'a' });
    await host.run({ until: startedAt + MINUTE });
    expect(await client.get('a').cancel({ reason: 'not wanted' })).toEqual({ accepted: true, confirmed: true });
    await host.run({ until: startedAt + 10 * MINUTE });
    expect(await statusOf(client, 'a')).toMatchObject({
      cancel: 'honoured',
      outcome: { outcome: 'compensated', failure: { kind: 'cancelled', message: 'not wanted' } },
    });
    expect(tape.calls).not.toContain('ship');
    expect(tape.calls).not.toContain('pay');
    const ran = tape.calls.filter((name) => name !== 'flaky' && !name.endsWith('_undo'));
    const undone = tape.calls.filter((name) => name.endsWith('_undo') && name !== 'flaky_undo');
    expect(undone.sort()).toEqual(ran.map((name) => `${name}_undo`).sort());
    expect(tape.calls.at(-1)).toBe('book_undo');
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('is honoured between two steps', async () => {
    const { tape, host, client } = stage(waits, activities, {
      mode,
      treat: ({ name }) => ({ delay: name === 'ship' ? MINUTE : 0 }),
    });
    await client.start({ at: 'map with a tolerance' }, { id: 'a' });
    await host.run({ until: host.now + 24 * 60 * MINUTE + 1_000 });
    await client.get('a').cancel();
    await host.run();
    expect(tape.calls).toEqual(['book', 'ship', 'book_undo']);
  });

  it('changes nothing while the undo of something that may still happen is waited for', async () => {
    const settling = saga({ name: 'settling', version: '1', input: z.object({}) }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield* saga.step(hold, { n: 2 });
    });
    const { tape, host, client } = stage(settling, activities, { mode });
    tape.script('hold', failing(1));
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run({ until: startedAt + MINUTE });
    expect((await statusOf(client, 'a')).state).toBe('compensating');
    expect(await client.get('a').cancel()).toEqual({ accepted: true, confirmed: true });
    await host.run();
    expect(host.attempts.find(({ name }) => name === 'hold_undo')?.at).toBe(startedAt + 60 * MINUTE);
    expect(tape.calls).toEqual(['book', 'hold', 'hold_undo', 'book_undo']);
    expect((await statusOf(client, 'a')).failure).toMatchObject({ kind: 'error' });
  });

  it('ends a saga whose group has failed but not settled yet, since its body might go on', async () => {
    const group = saga({ name: 'group', version: '1', input: z.object({}) }, function* (saga) {
      yield* saga.all([saga.step(book, { n: 1 }), saga.step(hold, { n: 2 })]);
    });
    const { tape, host, client } = stage(group, activities, {
      mode,
      treat: ({ name }) => ({ delay: name === 'hold' ? 5 * MINUTE : 0 }),
    });
    tape.script('book', failing(1, refusal));
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + MINUTE });
    await client.get('a').cancel();
    await host.run();
    expect(tape.calls).toEqual(['book', 'hold', 'hold_undo']);
    expect((await statusOf(client, 'a')).failure).toMatchObject({ kind: 'cancelled' });
  });
});

describe.each(MODES)('a cancel after the pivot has started, run by %s', (mode) => {
  const forward = saga({ name: 'forward', version: '1', input: z.object({}), events }, function* (saga) {
    yield* saga.step(book, { n: 1 });
    yield* saga.pivot(pay, { n: 2 });
    yield* saga.all([
      saga.sleep('1 minute'),
      function* () {
        yield* saga.waitFor('answer', { timeout: '2 minutes' });
        yield* saga.step(ship, { n: 3 });
      },
    ]);
    yield* saga.race({ nap: saga.sleep('1 minute'), answer: saga.waitFor('answer') });
    yield* saga.step(flaky, { n: 4 });
  });

  it.each([
    ['the pivot is tried', 500],
    ['a group waits', 10_000],
    ['a branch waits', 90_000],
    ['a race waits', 150_000],
    ['a step is to be tried again', 10 * MINUTE],
  ])('is refused, and the caller is told, while %s', async (_where, after) => {
    const { tape, host, client } = stage(forward, activities, {
      mode,
      treat: ({ name }) => ({ delay: name === 'pay' ? 1_000 : 0 }),
    });
    tape.script('flaky', failing(1));
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + after });
    expect(await client.get('a').cancel()).toMatchObject({ accepted: false, code: 'pastPivot' });
    // One that is raised by something else than the typed client is refused all the same.
    await host.raiseEvent('a', 'cancel', {});
    await host.run();
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'completed', cancel: 'refused' });
    expect(tape.calls).toEqual(['book', 'pay', 'ship', 'flaky', 'flaky']);
  });
});

describe.each(MODES)('a cancel while the undo of a race that was lost is parked, run by %s', (mode) => {
  const lost = saga({ name: 'lost', version: '1', input: z.object({}) }, function* (saga) {
    yield* saga.step(book, { n: 1 });
    yield* saga.all([
      function* () {
        yield* saga.race({ held: saga.step(hold, { n: 2 }), late: saga.sleep('1 second') });
        yield* saga.step(ship, { n: 3 });
      },
      function* () {
        yield* saga.sleep('1 day');
        yield* saga.step(ship, { n: 4 });
      },
    ]);
    yield* saga.pivot(pay, { n: 5 });
  });

  const gone = { kind: 'cancelled', message: 'not wanted' };

  it.each([
    ['retry', { outcome: 'compensated', failure: gone }, ['hold_undo', 'book_undo']],
    ['skip', { outcome: 'compensated', failure: gone }, ['book_undo']],
    ['fail', { outcome: 'compensationFailed', failure: gone }, ['book_undo']],
  ] as const)(
    'ends all other waits at once, leaves the undo to the operator, and goes back after its %s',
    async (action, outcome, undos) => {
      const { tape, host, client } = stage(lost, activities, {
        mode,
        treat: ({ name }) => ({ delay: name === 'hold' ? MINUTE : 0 }),
      });
      tape.script('hold_undo', () => {
        throw refusal();
      });
      await client.start({}, { id: 'a' });
      await host.run({ until: host.now + 10 * MINUTE });
      const parked = { state: 'parked', parked: { what: 'undo', key: 'a/hold#1' } };
      expect(await statusOf(client, 'a')).toMatchObject(parked);
      expect(await client.get('a').cancel({ reason: 'not wanted' })).toEqual({ accepted: true, confirmed: true });
      await host.run();
      expect(await statusOf(client, 'a')).toMatchObject({ ...parked, cancel: 'honoured', owes: 2 });
      expect(host.instance('a').openTimers).toBe(0);
      tape.script('hold_undo', () => undefined);
      const before = tape.calls.length;
      expect(await client.get('a').resolve({ action })).toMatchObject({ accepted: true });
      await host.run();
      expect((await statusOf(client, 'a')).outcome).toMatchObject(outcome);
      expect(tape.calls.slice(before)).toEqual(undos);
    },
  );
});
