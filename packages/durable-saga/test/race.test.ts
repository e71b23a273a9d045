import { z } from 'zod';
import { many, saga, StepFailure } from '../src';
import { MODES } from '../src/testing/turns';
import { failing, stage, statusOf, taped, tapedOneWay } from './support/tape';

const HOUR = 3_600_000;
const book = taped('book');
const pack = taped('pack');
const pay = tapedOneWay('pay');
const activities = [book, pack, pay];
const input = z.object({});
const output = z.unknown();
const events = { answer: z.object({ text: z.string() }) };
const refusal = (): Error => new StepFailure({ code: 'refused', message: 'no', effect: 'none' });

describe.each(MODES)('a race, run by %s', (mode) => {
  const ask = saga({ name: 'ask', version: '1', input, output, events }, function* (saga) {
    return yield* saga.race({ answer: saga.waitFor('answer'), late: saga.sleep('1 hour') });
  });

  it('gives the name and the result of the first, and cancels the timers of the others', async () => {
    const { host, client } = stage(ask, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + 1_000 });
    expect((await statusOf(client, 'a')).waitingFor).toEqual({
      event: 'answer',
      since: '2026-01-01T00:00:00.000Z',
      others: 1,
    });
    await client.get('a').raise('answer', { text: 'yes' });
    await host.run({ until: host.now + 1_000 });
    expect((await statusOf(client, 'a')).outcome).toEqual({
      outcome: 'completed',
      result: { winner: 'answer', value: { text: 'yes' } },
    });
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('is won by a sleep when the time is over first', async () => {
    const { host, client } = stage(ask, activities, { mode });
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    expect(host.now).toBe(startedAt + HOUR);
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ result: { winner: 'late' } });
  });

  it('is decided by the order of the history when two come at one moment', async () => {
    for (const [before, winner] of [
      [0, 'answer'],
      [1, 'late'],
    ] as const) {
      const { host, client } = stage(ask, activities, { mode });
      await client.start({}, { id: 'a' });
      if (before === 0) await host.raiseAt(host.now + HOUR, 'a', 'answer', { text: 'just in time' });
      await host.run({ until: host.now });
      if (before === 1) await host.raiseAt(host.now + HOUR, 'a', 'answer', { text: 'too late' });
      await host.run();
      expect((await statusOf(client, 'a')).outcome).toMatchObject({ result: { winner } });
      expect(host.instance('a').openTimers).toBe(0);
    }
  });

  it('leaves an event that a loser waited for where it is', async () => {
    const body = saga({ name: 'later', version: '1', input, output, events }, function* (saga) {
      const { winner } = yield* saga.race({ answer: saga.waitFor('answer'), late: saga.sleep('1 hour') });
      yield* saga.sleep('1 hour');
      const answer = yield* saga.waitFor('answer');
      return [winner, answer.text];
    });
    const { host, client } = stage(body, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.raiseAt(host.now + 1.5 * HOUR, 'a', 'answer', { text: 'after the race' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({
      outcome: 'completed',
      result: ['late', 'after the race'],
    });
  });

  it('takes of events that come many times only what its winner took', async () => {
    const body = saga(
      { name: 'items', version: '1', input, output, events: { item: many(z.number()), go: z.object({}) } },
      function* (saga) {
        const { winner } = yield* saga.race({ go: saga.waitFor('go'), item: saga.waitFor('item') });
        const both = yield* saga.race({ one: saga.waitFor('item'), other: saga.waitFor('item') });
        return [winner, both.winner, both.value, yield* saga.waitFor('item')];
      },
    );
    const { host, client } = stage(body, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.raiseEvent('a', 'go', {});
    for (const n of [1, 2]) await host.raiseEvent('a', 'item', n);
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: ['go', 'one', 1, 2] });
  });

  it('lets attempts of losers settle, and undoes what they did before it is over', async () => {
    const body = saga({ name: 'losers', version: '1', input, output }, function* (saga) {
      const { winner } = yield* saga.race({
        slow: function* () {
          yield* saga.step(book, { n: 1 });
          yield* saga.step(pack, { n: 2 });
          yield* saga.step(pack, { n: 3 });
        },
        fast: saga.sleep('3 seconds'),
      });
      yield* saga.step(book, { n: 4 });
      return winner;
    });
    const { tape, host, client } = stage(body, activities, {
      mode,
      treat: ({ name }) => ({ delay: { book: 1_000, pack: 9_000 }[name] ?? 500 }),
    });
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    expect(host.attempts.map(({ name, key, at }) => `${name} ${key} ${at - startedAt}`)).toEqual([
      'book a/book#1 0',
      'pack a/pack#1 1000',
      'pack_undo a/pack#1 10000',
      'book_undo a/book#1 10500',
      'book a/book#2 11000',
    ]);
    expect(tape.undone.map(({ output: done }) => done)).toEqual(['pack 2', 'book 1']);
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 'fast' });
  });

  it('starts no further attempt of a loser, and undoes one that maybe ran', async () => {
    const body = saga({ name: 'losers', version: '1', input }, function* (saga) {
      yield* saga.race({ slow: saga.step(book, { n: 1 }), fast: saga.step(pack, { n: 2 }) });
    });
    const { tape, host, client } = stage(body, activities, {
      mode,
      treat: ({ name }) => ({ delay: name === 'pack' ? 200 : 0 }),
    });
    tape.script('book', failing(1));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'pack', 'book_undo']);
    expect(host.instance('a').openTimers).toBe(0);
    expect((await statusOf(client, 'a')).state).toBe('completed');
  });

  it('keeps what the winner did, to be undone when the saga fails later', async () => {
    const body = saga({ name: 'losers', version: '1', input }, function* (saga) {
      yield* saga.race({
        winner: function* () {
          yield* saga.step(book, { n: 1 });
          yield* saga.step(pack, { n: 2 });
        },
        loser: saga.sleep('1 hour'),
      });
      yield* saga.fail({ code: 'x', message: 'x' });
    });
    const { tape, host, client } = stage(body, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'pack', 'pack_undo', 'book_undo']);
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('fails by the first that settles when that fails, and undoes the losers before the body hears of it', async () => {
    const body = saga({ name: 'failing', version: '1', input, output }, function* (saga) {
      try {
        yield* saga.race({
          broken: saga.step(pack, { n: 1 }),
          slow: function* () {
            yield* saga.step(book, { n: 2 });
            yield* saga.sleep('1 day');
          },
        });
      } catch (error) {
        yield* saga.step(book, { n: 3 });
        return (error as Error).message;
      }
      return 'nothing thrown';
    });
    const { tape, host, client } = stage(body, activities, {
      mode,
      treat: ({ name }) => ({ delay: name === 'pack' ? 5_000 : 0 }),
    });
    tape.script('pack', failing(1, refusal));
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run({ until: startedAt + 10_000 });
    expect(tape.calls).toEqual(['book', 'pack', 'book_undo', 'book']);
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 'no' });
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('is won by a member that needs no wait, and the others still end', async () => {
    const body = saga({ name: 'atOnce', version: '1', input, output }, function* (saga) {
      return yield* saga.race({
        slow: saga.sleep('1 day'),
        atOnce: function* () {
          yield* [];
          return 'done';
        },
        never: saga.step(book, { n: 1 }),
      });
    });
    const { tape, host, client } = stage(body, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now });
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ result: { winner: 'atOnce', value: 'done' } });
    expect(tape.calls).toEqual([]);
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('parks at an undo of a loser that fails for good, and goes on when an operator has decided', async () => {
    const body = saga({ name: 'parking', version: '1', input, output }, function* (saga) {
      const { winner } = yield* saga.race({ slow: saga.step(book, { n: 1 }), fast: saga.sleep('1 second') });
      return winner;
    });
    const run = async (action: 'retry' | 'skip' | 'fail') => {
      const { tape, host, client } = stage(body, activities, {
        mode,
        treat: ({ name }) => ({ delay: name === 'book' ? 5_000 : 0 }),
      });
      tape.script('book_undo', failing(3));
      await client.start({}, { id: 'a' });
      await host.run();
      expect(await statusOf(client, 'a')).toMatchObject({
        state: 'parked',
        pivot: 'none',
        parked: { what: 'undo', key: 'a/book#1' },
      });
      if (action === 'retry') tape.script('book_undo', () => undefined);
      await client.get('a').resolve({ action });
      await host.run();
      return (await statusOf(client, 'a')).outcome;
    };
    expect(await run('retry')).toEqual({ outcome: 'completed', result: 'fast' });
    expect(await run('skip')).toEqual({ outcome: 'completed', result: 'fast' });
    expect(await run('fail')).toMatchObject({
      outcome: 'compensationFailed',
      failure: { kind: 'givenUp', code: 'undoGivenUp' },
    });
  });

  it('may be part of a group, and groups of it', async () => {
    const body = saga({ name: 'mixed', version: '1', input, output }, function* (saga) {
      return yield* saga.all([
        saga.race({
          group: saga.all([saga.step(book, { n: 1 }), saga.step(pack, { n: 2 })]),
          late: saga.sleep('1 hour'),
        }),
        saga.race({
          group: saga.map([3, 4], function* (n) {
            yield* saga.step(book, { n });
            yield* saga.sleep('1 day');
          }),
          late: saga.sleep('1 minute'),
        }),
      ]);
    });
    const { tape, host, client } = stage(body, activities, { mode });
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run({ until: startedAt + 2 * 60_000 });
    const { outcome } = await statusOf(client, 'a');
    expect(outcome).toMatchObject({
      outcome: 'completed',
      result: [{ winner: 'group', value: ['book 1', 'pack 2'] }, { winner: 'late' }],
    });
    expect(tape.undone.map(({ input: given }) => given)).toEqual([{ n: 4 }, { n: 3 }]);
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('is cancelled with all its members', async () => {
    const body = saga({ name: 'cancelled', version: '1', input, events }, function* (saga) {
      yield* saga.race({
        branch: function* () {
          yield* saga.step(book, { n: 1 });
          yield* saga.sleep('1 day');
        },
        answer: saga.waitFor('answer', { timeout: '2 days' }),
      });
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

  it('must have members, and no pivot among them', async () => {
    const empty = saga({ name: 'empty', version: '1', input }, function* (saga) {
      yield* saga.race({});
    });
    const pivoted = saga({ name: 'pivoted', version: '1', input }, function* (saga) {
      // @ts-expect-error -- a pivot is no member of a race
      yield* saga.race({ paid: saga.pivot(pay, { n: 1 }), late: saga.sleep(1) });
    });
    for (const [body, message] of [
      [empty, 'saga.race: expected at least one member'],
      [pivoted, "a pivot can't be part of a group (saga.race)"],
    ] as const) {
      const { tape, host, client } = stage(body, activities, { mode });
      await client.start({}, { id: 'a' });
      await host.run();
      expect((await statusOf(client, 'a')).failure).toMatchObject({
        kind: 'defect',
        message: expect.stringContaining(message),
      });
      expect(tape.calls).toEqual([]);
    }
  });
});

describe.each(MODES)('a race after the pivot, run by %s', (mode) => {
  const chase = saga({ name: 'chase', version: '1', input, output, events }, function* (saga) {
    yield* saga.pivot(pay, { n: 0 });
    const { winner } = yield* saga.race({ shipped: saga.step(book, { n: 1 }), answer: saga.waitFor('answer') });
    return winner;
  });

  it('ends the retries of a loser', async () => {
    const { tape, host, client } = stage(chase, activities, { mode });
    tape.script('book', failing(2));
    await client.start({}, { id: 'a' });
    await host.raiseAt(host.now + 200, 'a', 'answer', { text: 'never mind' });
    await host.run();
    expect(tape.calls).toEqual(['pay', 'book']);
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 'answer' });
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('ends the parking of a loser', async () => {
    const { tape, host, client } = stage(chase, activities, { mode });
    tape.script('book', failing(1, refusal));
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('parked');
    await client.get('a').raise('answer', { text: 'never mind' });
    await host.run();
    const status = await statusOf(client, 'a');
    expect(status.outcome).toEqual({ outcome: 'completed', result: 'answer' });
    expect(status.steps.find(({ name }) => name === 'book')).toMatchObject({ state: 'unknown' });
    expect(host.logs.at(-1)?.text).toBe("saga a: 'a/book#1' is not waited for any more");
  });
});
