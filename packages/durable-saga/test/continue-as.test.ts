import { z } from 'zod';
import { seeded } from '../../functions-host/test/crash/random';
import { many, saga } from '../src';
import { EventType } from '../src/testing/history';
import type { Attempt, Treatment } from '../src/testing';
import { MODES } from '../src/testing/turns';
import { failing, stage, statusOf, taped, tapedOneWay } from './support/tape';

const book = taped('book', { undoRetry: { attempts: 1 } });
const note = tapedOneWay('note');
const seal = tapedOneWay('seal', { retry: { attempts: 1 } });

const planSchema = z.object({
  /** Steps yet to be done. */
  left: z.int(),
  /** Steps of a history. */
  each: z.int(),
  then: z.enum(['end', 'fail', 'seal']).default('end'),
  ids: z.array(z.string()).default([]),
});

/** Books in histories of a few steps each. */
const walk = saga(
  {
    name: 'walk',
    version: '7',
    input: planSchema,
    output: z.object({ ids: z.array(z.string()), version: z.string() }),
    timeout: '10 days',
  },
  function* (saga, { left, each, then, ids }) {
    for (let n = 0; n < Math.min(left, each); n += 1) yield* saga.step(book, { n: left - n });
    const known = [...ids, saga.newId(), String(saga.random())];
    if (left > each) return yield* saga.continueAs({ left: left - each, each, then, ids: known });
    if (then === 'fail') return yield* saga.fail({ code: 'enough', message: 'no more' });
    if (then === 'seal') yield* saga.pivot(seal, { n: 0 });
    return { ids: known, version: saga.version };
  },
);
const parts = [book, note, seal];

/** Takes items, so many in a history, with a step after each. */
const collectSchema = z.object({ left: z.int(), each: z.int(), taken: z.array(z.int()).default([]) });
const collect = saga(
  {
    name: 'collect',
    version: '1',
    input: collectSchema,
    output: z.object({ taken: z.array(z.int()), word: z.string() }),
    events: { item: many(z.object({ n: z.int() })), word: z.string() },
  },
  function* (saga, { left, each, taken: before }) {
    const taken = [...before];
    for (let n = 0; n < Math.min(left, each); n += 1) {
      const item = yield* saga.waitFor('item');
      taken.push(item.n);
      yield* saga.step(book, { n: item.n });
    }
    if (left > each) return yield* saga.continueAs({ left: left - each, each, taken });
    return { taken, word: yield* saga.waitFor('word') };
  },
);

/** After its pivot it goes on in another history. */
const sealed = saga(
  { name: 'sealed', version: '1', input: z.object({ turn: z.int() }), output: z.int() },
  function* (saga, { turn }) {
    if (turn === 1) {
      yield* saga.pivot(seal, { n: 1 });
      yield* saga.call(note, { n: 1 });
      return yield* saga.continueAs({ turn: 2 });
    }
    yield* saga.step(book, { n: 2 });
    return turn;
  },
);

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

describe.each(MODES)('a saga of several histories, run by %s', (mode) => {
  it('keeps its version, its counts of keys and its ids, and each history holds its own steps alone', async () => {
    const { host, client, tape } = stage(walk, parts, { mode });
    await client.start({ left: 7, each: 3 }, { id: 'a' });
    await host.run();
    const { outcome, summary, steps, generation, createdAt } = await statusOf(client, 'a');
    const { ids, version } = (outcome as { result: { ids: string[]; version: string } }).result;
    expect(version).toBe('7');
    expect(new Set(ids).size).toBe(6);
    expect(host.attempts.map(({ key }) => key)).toEqual(numbers(7).map((n) => `a/book#${n}`));
    expect(tape.calls).toHaveLength(7);
    expect({ generation, createdAt }).toEqual({ generation: 3, createdAt: new Date(Date.UTC(2026, 0, 1)) });
    expect(summary).toEqual([{ name: 'book', state: 'done', count: 6 }]);
    expect(steps).toMatchObject([{ key: 'a/book#7', state: 'done' }]);
    const scheduled = host.instance('a').history.filter((event) => event.EventType === EventType.taskScheduled);
    expect(scheduled).toHaveLength(1);
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('is undone as a whole, in reverse, with what each step gave', async () => {
    const { host, client, tape } = stage(walk, parts, { mode });
    await client.start({ left: 8, each: 3, then: 'fail' }, { id: 'a' });
    await host.run();
    const status = await statusOf(client, 'a');
    expect(status.outcome).toMatchObject({ outcome: 'compensated', failure: { code: 'enough' } });
    expect(tape.undone.map(({ key }) => key)).toEqual(
      numbers(8)
        .reverse()
        .map((n) => `a/book#${n}`),
    );
    expect(tape.undone.at(-1)).toMatchObject({ input: { n: 8 }, output: 'book 8' });
    const undone = [...status.steps, ...(status.summary ?? [])].map(({ state }) => state);
    expect(new Set(undone)).toEqual(new Set(['undone']));
  });

  it('undoes what maybe ran in an earlier history, too, and parks where that fails for good', async () => {
    const { host, client, tape } = stage(walk, parts, { mode });
    tape.script('book_undo', (attempt) => {
      if (tape.calls.filter((call) => call === 'book_undo').length === 3) throw new Error(`unreachable ${attempt}`);
    });
    const handle = await client.start({ left: 4, each: 1, then: 'fail' }, { id: 'a' });
    await host.run();
    const parked = await statusOf(client, 'a');
    expect(parked).toMatchObject({ state: 'parked', generation: 4, parked: { key: 'a/book#2', what: 'undo' } });
    await handle.resolve({ action: 'retry' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ outcome: 'compensated' });
    expect(tape.undone).toHaveLength(5);
  });

  it('takes each of its events once, in order, whenever they come', async () => {
    for (const seed of numbers(12)) {
      const draw = seeded(seed);
      const treat = (): Treatment => ({ delay: Math.floor(draw() * 3) * 500 });
      const { host, client } = stage(collect, parts, { mode, treat });
      await client.start({ left: 20, each: 1 + (seed % 4) }, { id: 'a' });
      let at = host.now;
      await host.raiseAt(at, 'a', 'word', 'first');
      for (const n of numbers(20)) {
        at += Math.floor(draw() * 3) * 500;
        await host.raiseAt(at, 'a', 'item', { n });
      }
      await host.raiseAt(at, 'a', 'word', 'second');
      await host.run();
      expect((await statusOf(client, 'a')).outcome).toEqual({
        outcome: 'completed',
        result: { taken: numbers(20), word: 'first' },
      });
      expect(host.logs.filter(({ level }) => level !== 'info')).toEqual([]);
    }
  });

  it('is cancelled by a cancel that comes in the very moment of a new history, and undone as a whole', async () => {
    for (const at of [0, 999, 1_000, 1_001, 1_999, 2_000, 2_001, 2_999, 3_000]) {
      const { host, client, tape } = stage(walk, parts, { mode, treat: () => ({ delay: 1_000 }) });
      await client.start({ left: 5, each: 1 }, { id: 'a' });
      await host.raiseAt(host.now + at, 'a', 'cancel', { reason: 'enough' });
      await host.run();
      const status = await statusOf(client, 'a');
      expect(status).toMatchObject({ cancel: 'honoured', failure: { kind: 'cancelled', message: 'enough' } });
      expect(status.outcome).toMatchObject({ outcome: 'compensated' });
      expect(tape.undone).toHaveLength(tape.calls.filter((call) => call === 'book').length);
      expect(host.instance('a').openTimers).toBe(0);
    }
  });

  it('refuses a cancel once it is past its pivot, in every later history', async () => {
    for (const at of [2_000, 2_500, 3_500]) {
      const { host, client } = stage(sealed, parts, { mode, treat: () => ({ delay: 1_500 }) });
      await client.start({ turn: 1 }, { id: 'a' });
      await host.raiseAt(host.now + at, 'a', 'cancel', {});
      await host.run();
      const status = await statusOf(client, 'a');
      expect(status).toMatchObject({ cancel: 'refused', pivot: 'passed', generation: 2 });
      expect(status.outcome).toEqual({ outcome: 'completed', result: 2 });
    }
  });

  it('parks in a later history when a step after the pivot fails, as in the first', async () => {
    const { host, client, tape } = stage(sealed, parts, { mode });
    tape.script('book', () => {
      throw new Error('unreachable');
    });
    const handle = await client.start({ turn: 1 }, { id: 'a' });
    await host.run();
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'parked', parked: { what: 'step', key: 'a/book#1' } });
    await handle.resolve({ action: 'skip', output: 'by hand' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 2 });
  });

  it('has the time from its first start on, whichever history that ends in', async () => {
    const day = 24 * 3_600_000;
    const { host, client, tape } = stage(walk, parts, { mode, treat: ({ name }) => slow(name) });
    const slow = (name: string): Treatment => ({ delay: name === 'book' ? 4 * day : 0 });
    await client.start({ left: 5, each: 1 }, { id: 'a' });
    await host.run();
    const status = await statusOf(client, 'a');
    expect(status.failure).toMatchObject({ kind: 'timeout', code: 'sagaTimeout' });
    expect(tape.calls.filter((call) => call === 'book')).toHaveLength(3);
    expect(tape.undone).toHaveLength(3);
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('goes on without the answer of an attempt that timed out in the history before', async () => {
    const quick = taped('book', { timeout: '1 second', retry: { attempts: 2, first: '1 second' } });
    const hurry = saga(
      { name: 'hurry', version: '1', input: z.object({ turn: z.int() }), events: { go: many(z.int()) } },
      function* (saga, { turn }) {
        yield* saga.step(quick, { n: turn });
        if (turn < 3) return yield* saga.continueAs({ turn: turn + 1 });
        for (const n of [1, 2]) {
          if ((yield* saga.waitFor('go')) !== n) return yield* saga.fail({ code: 'order', message: 'not in order' });
        }
        return undefined;
      },
    );
    const treat = ({ attempt }: Attempt): Treatment => ({ delay: attempt === 1 ? 60_000 : 0 });
    const { host, client } = stage(hurry, [quick], { mode, treat });
    await client.start({ turn: 1 }, { id: 'a' });
    // On the Azure host a history does not end before its last attempt has answered.
    await host.raiseAt(host.now + 30_000, 'a', 'go', 1);
    await host.raiseAt(host.now + 60_000, 'a', 'go', 2);
    await host.run();
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'completed', generation: 3 });
    expect(host.attempts).toHaveLength(6);
  });

  it('is a child like any other, and undone with its parent', async () => {
    const trip = saga(
      { name: 'trip', version: '1', input: z.object({ fails: z.boolean() }), output: z.int() },
      function* (saga, { fails }) {
        const { ids } = yield* saga.child(walk, { left: 5, each: 2 });
        yield* saga.step(book, { n: 0 });
        if (fails) return yield* saga.fail({ code: 'enough', message: 'no more' });
        return ids.length;
      },
    );
    for (const fails of [false, true]) {
      const { host, client, tape } = stage(trip, parts, { mode, others: [walk] });
      await client.start({ fails }, { id: 'a' });
      await host.run();
      expect(await statusOf(client, 'a')).toMatchObject({
        outcome: fails ? { outcome: 'compensated' } : { outcome: 'completed', result: 6 },
      });
      expect(tape.calls.filter((call) => call === 'book')).toHaveLength(6);
      expect(tape.undone.map(({ input }) => (input as { n: number }).n)).toEqual(fails ? [0, 1, 2, 3, 4, 5] : []);
    }
  });

  it('is undone when the new input does not match, with every violation', async () => {
    const wrong = saga(
      { name: 'wrong', version: '1', input: z.object({ n: z.int(), text: z.string() }) },
      function* (saga) {
        yield* saga.step(book, { n: 1 });
        return yield* saga.continueAs({ n: 'one', text: 2 } as never);
      },
    );
    const { host, client, tape } = stage(wrong, parts, { mode });
    await client.start({ n: 1, text: '' }, { id: 'a' });
    await host.run();
    const { outcome } = await statusOf(client, 'a');
    expect(outcome).toMatchObject({ outcome: 'compensated', failure: { kind: 'defect' } });
    const { message } = (outcome as { failure: { message: string } }).failure;
    expect(message).toMatch(/input of saga 'wrong'.*n: .*text: /);
    expect(tape.undone).toHaveLength(1);
  });

  it('does not begin a history with more than it should carry', async () => {
    const hoard = saga(
      { name: 'hoard', version: '1', input: z.object({ text: z.string() }) },
      function* (saga, { text }) {
        yield* saga.step(book, { n: 1 });
        return yield* saga.continueAs({ text: text.repeat(17_000_000) });
      },
    );
    const { host, client, tape } = stage(hoard, parts, { mode });
    await client.start({ text: 'x' }, { id: 'a' });
    await host.run();
    const { outcome } = await statusOf(client, 'a');
    expect(outcome).toMatchObject({ outcome: 'compensated', failure: { kind: 'defect' } });
    expect(JSON.stringify(outcome)).toContain('expected at most 16000000 to carry, got 170');
    expect(tape.undone).toHaveLength(1);
  });

  it('is no part of a group', async () => {
    const grouped = saga({ name: 'grouped', version: '1', input: z.object({}) }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      // @ts-expect-error -- what concerns the saga as a whole is no member
      yield* saga.all([saga.continueAs({})]);
    });
    const branched = saga({ name: 'branched', version: '1', input: z.object({}) }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield* saga.all([
        // @ts-expect-error -- nor is it what a branch does
        function* () {
          return yield* saga.continueAs({});
        },
      ]);
    });
    for (const definition of [grouped, branched]) {
      const { host, client, tape } = stage(definition, parts, { mode });
      await client.start({}, { id: 'a' });
      await host.run();
      const { outcome } = await statusOf(client, 'a');
      expect(outcome).toMatchObject({ outcome: 'compensated', failure: { kind: 'defect' } });
      expect(JSON.stringify(outcome)).toContain("continueAs can't be part of");
      expect(tape.undone).toHaveLength(1);
    }
  });

  it('parks when it can no longer read what it owes, and ends by an operator only', async () => {
    const { host, client } = stage(walk, parts, { mode });
    const owed = [{ activity: 'gone', key: 'a/gone#1', input: {} }];
    const carried = {
      generation: 2,
      startedAt: 0,
      drawn: { ids: 0, numbers: 0 },
      counts: {},
      owed,
      pivot: 'none',
      steps: [],
      inbox: { payloads: {}, seen: {} },
      parking: { count: 0, retries: [] },
    };
    for (const [id, what, at, message] of [
      ['a', carried, 'undo', "the activity 'gone', which has to undo 'a/gone#1', is not registered"],
      [
        'b',
        { ...carried, owed: [{ key: 7 }], drawn: {} },
        'body',
        'drawn: expected { ids, numbers }; owed: expected a list of undos',
      ],
    ] as const) {
      await host.startNew('walk', { instanceId: id, input: { $saga: { version: '7', carried: what }, input: {} } });
      await host.run();
      const parked = await statusOf(client, id);
      expect(parked).toMatchObject({ state: 'parked', parked: { what: at, failure: { kind: 'defect' } } });
      expect(parked.parked?.failure.message).toContain(message);
      await client.get(id).resolve({ action: 'fail' });
      await host.run();
      expect((await statusOf(client, id)).outcome).toMatchObject({ outcome: 'compensationFailed' });
    }
  });
});

describe('a saga of six thousand steps', () => {
  it('runs in histories of five hundred and is undone in such, to the last step', async () => {
    const { host, client, tape } = stage(walk, parts, { mode: 'sticky' });
    tape.script('book', failing(0));
    await client.start({ left: 6_000, each: 500, then: 'fail' }, { id: 'a' });
    await host.run({ turns: 30_000 });
    const status = await statusOf(client, 'a');
    expect(status.outcome).toMatchObject({ outcome: 'compensated', failure: { code: 'enough' } });
    expect(status.generation).toBe(23);
    expect(tape.undone.map(({ key }) => key)).toEqual(
      numbers(6_000)
        .reverse()
        .map((n) => `a/book#${n}`),
    );
    expect(host.instance('a').history.length).toBeLessThan(3_000);
    const undone = status.summary?.find(({ state }) => state === 'undone')?.count ?? 0;
    expect(undone + status.steps.length).toBe(6_000);
  }, 300_000);
});
