import { z } from 'zod';
import { saga } from '../src';
import { EventType } from '../src/testing/history';
import { MODES } from '../src/testing/turns';
import { failing, stage, statusOf, taped, tapedOneWay } from './support/tape';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const input = z.object({});
const book = taped('book');
const remind = tapedOneWay('remind');

/** Books, then waits for an answer in two halves, with a reminder between them. */
const ask = saga(
  {
    name: 'ask',
    version: '1',
    input,
    output: z.object({ answer: z.string(), again: z.string().optional() }),
    events: { answer: z.object({ text: z.string() }) },
  },
  function* (saga) {
    yield* saga.step(book, { n: 1 });
    let answer = yield* saga.waitFor('answer', { timeout: '1 hour' });
    if (answer === undefined) {
      yield* saga.call(remind, { n: 2 });
      answer = yield* saga.waitFor('answer', { timeout: '1 hour' });
    }
    if (answer === undefined) return yield* saga.fail({ code: 'noAnswer', message: 'nobody answered' });
    const again = yield* saga.waitFor('answer');
    return { answer: answer.text, again: again.text };
  },
);

describe.each(MODES)('waiting, run by %s', (mode) => {
  it('gives the payload of an event that comes in time, and cancels the timer', async () => {
    const { host, client } = stage(ask, [book, remind], { mode });
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + 1_000 });
    const waiting = await statusOf(client, 'a');
    expect(waiting.state).toBe('waiting');
    expect(waiting.waitingFor).toEqual({
      event: 'answer',
      since: '2026-01-01T00:00:00.000Z',
      until: '2026-01-01T01:00:00.000Z',
    });
    expect(await client.get('a').raise('answer', { text: 'yes' })).toEqual({ accepted: true, confirmed: true });
    await host.run({ until: host.now + 1_000 });
    expect((await statusOf(client, 'a')).outcome).toEqual({
      outcome: 'completed',
      result: { answer: 'yes', again: 'yes' },
    });
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('finds an event that came before it was waited for', async () => {
    const { host, client } = stage(ask, [book, remind], { mode, treat: () => ({ delay: 10_000 }) });
    await client.start({}, { id: 'a' });
    await host.raiseAt(host.now, 'a', 'answer', { text: 'early' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ result: { answer: 'early' } });
  });

  it('finds an event that came between two waits', async () => {
    const { host, client } = stage(ask, [book, remind], {
      mode,
      treat: ({ name }) => ({ delay: name === 'remind' ? 10_000 : 0 }),
    });
    await client.start({}, { id: 'a' });
    await host.raiseAt(host.now + HOUR + 5_000, 'a', 'answer', { text: 'while reminding' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ result: { answer: 'while reminding' } });
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('keeps the first of several events of a name, whenever they come', async () => {
    const { host, client } = stage(ask, [book, remind], { mode, treat: () => ({ delay: 10_000 }) });
    await client.start({}, { id: 'a' });
    for (const [at, text] of ['first', 'second', 'third'].entries()) {
      await host.raiseAt(host.now + at * 9_000, 'a', 'answer', { text });
    }
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({
      outcome: 'completed',
      result: { answer: 'first', again: 'first' },
    });
  });

  it('says and passes over a payload that does not match its schema', async () => {
    const { host, client } = stage(ask, [book, remind], { mode });
    await client.start({}, { id: 'a' });
    await host.raiseAt(host.now + 1_000, 'a', 'answer', { text: 7 });
    await host.raiseAt(host.now + 2_000, 'a', 'answer', undefined);
    await host.raiseAt(host.now + 3_000, 'a', 'answer', { text: 'valid' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ result: { answer: 'valid' } });
    const said = host.logs.filter(({ level }) => level === 'warn').map(({ text }) => text);
    expect(said).toHaveLength(2);
    expect(said[0]).toContain("event 'answer' ignored, its payload does not match the schema: text:");
  });

  it('goes on without an event when the time is over', async () => {
    const { tape, host, client } = stage(ask, [book, remind], { mode });
    const startedAt = host.now;
    await client.start({}, { id: 'a' });
    await host.run();
    expect(host.now).toBe(startedAt + 2 * HOUR);
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'declared', code: 'noAnswer' },
    });
    expect(tape.calls).toEqual(['book', 'remind', 'book_undo']);
  });

  it('is cancelled while it waits for an event', async () => {
    const { tape, host, client } = stage(ask, [book, remind], { mode });
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + 1_000 });
    expect(await client.get('a').cancel({ reason: 'not wanted any more' })).toEqual({
      accepted: true,
      confirmed: true,
    });
    await host.run({ until: host.now + 1_000 });
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'cancelled', message: 'not wanted any more' },
    });
    expect(tape.calls).toEqual(['book', 'book_undo']);
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('is cancelled while it sleeps', async () => {
    const nap = saga({ name: 'nap', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield* saga.sleep('1 day');
    });
    const { tape, host, client } = stage(nap, [book], { mode });
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + HOUR });
    expect((await statusOf(client, 'a')).waitingFor).toEqual({
      since: '2026-01-01T00:00:00.000Z',
      until: '2026-01-02T00:00:00.000Z',
    });
    await client.get('a').cancel();
    await host.run({ until: host.now + 1_000 });
    expect((await statusOf(client, 'a')).state).toBe('compensated');
    expect(tape.calls).toEqual(['book', 'book_undo']);
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('is cancelled while a step waits to be tried again, and undoes that step', async () => {
    const once = saga({ name: 'once', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 });
    });
    const { tape, host, client } = stage(once, [book], { mode });
    tape.script('book', failing(1));
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now });
    expect((await statusOf(client, 'a')).steps[0]).toMatchObject({ state: 'retrying', attempts: 1 });
    await client.get('a').cancel();
    await host.run();
    expect(tape.calls).toEqual(['book', 'book_undo']);
    expect((await statusOf(client, 'a')).failure).toMatchObject({ kind: 'cancelled' });
  });

  it('is cancelled while an attempt is under way: the attempt settles first', async () => {
    const once = saga({ name: 'once', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield* saga.call(remind, { n: 2 });
    });
    const { tape, host, client } = stage(once, [book, remind], {
      mode,
      treat: ({ name }) => ({ delay: name === 'book' ? 10_000 : 0 }),
    });
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + 1_000 });
    expect(await client.get('a').cancel()).toEqual({ accepted: true, confirmed: true });
    await host.run();
    expect(tape.calls).toEqual(['book', 'book_undo']);
    expect(tape.undone[0]?.output).toBe('book 1');
  });

  it('is cancelled by an event that came before anything else', async () => {
    const { tape, host, client } = stage(ask, [book, remind], { mode });
    await client.start({}, { id: 'a' });
    await host.raiseEvent('a', 'cancel', {});
    await host.run();
    expect((await statusOf(client, 'a')).failure).toMatchObject({
      kind: 'cancelled',
      message: 'the saga was cancelled',
    });
    expect(tape.calls).toEqual(['book', 'book_undo']);
  });

  it('is not cancelled once its body has ended, and says so', async () => {
    const settle = tapedOneWay('settle');
    const brief = saga(
      {
        name: 'brief',
        version: '1',
        input,
        // Takes what every settled activity takes; its own input is of no interest here.
        settled: settle as never,
      },
      function* (saga) {
        yield* saga.step(book, { n: 1 });
      },
    );
    const { host, client } = stage(brief, [book, settle], {
      mode,
      treat: ({ name }) => ({ delay: name === 'settle' ? 10_000 : 0 }),
    });
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + 1_000 });
    expect(await client.get('a').cancel()).toEqual({
      accepted: false,
      code: 'finished',
      message: "saga 'a' has ended: it has done its work",
    });
  });
});

describe.each(MODES)('long waits, run by %s', (mode) => {
  const longNap = saga({ name: 'longNap', version: '1', input, output: z.number() }, function* (saga) {
    const before = saga.now().getTime();
    yield* saga.sleep('20 days');
    return saga.now().getTime() - before;
  });

  it('sleeps for as long as it should, however long', async () => {
    const { host, client } = stage(longNap, [], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 20 * DAY });
  });

  it('makes no timer that a storage provider would refuse', async () => {
    const { host, client } = stage(longNap, [], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    const timers = host.instance('a').history.filter((event) => event.EventType === EventType.timerCreated);
    for (const { Timestamp, FireAt } of timers) {
      expect(Date.parse(FireAt as string) - Timestamp.getTime()).toBeLessThanOrEqual(5 * DAY);
    }
  });

  it('waits rightly after a group that took days', async () => {
    const late = saga({ name: 'late', version: '1', input, output: z.number() }, function* (saga) {
      yield* saga.all([1, 2, 3].map((n) => saga.step(book, { n })));
      const before = saga.now().getTime();
      yield* saga.sleep('4 days');
      return saga.now().getTime() - before;
    });
    const { host, client } = stage(late, [book], {
      mode,
      treat: ({ input: given }) => ({ delay: (given as { n: number }).n * 4 * DAY }),
    });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 4 * DAY });
  });

  it('waits rightly in a saga that is weeks old and all whose timers were cancelled', async () => {
    const quick = taped('quick', { timeout: '1 minute' });
    const came = z.object({});
    const old = saga(
      { name: 'old', version: '1', input, output: z.number(), events: { week1: came, week2: came, week3: came } },
      function* (saga) {
        for (const week of ['week1', 'week2', 'week3'] as const) {
          yield* saga.step(quick, { n: 1 });
          yield* saga.waitFor(week, { timeout: '5 days' });
          yield* saga.all([saga.step(quick, { n: 2 }), saga.step(quick, { n: 3 })]);
        }
        const before = saga.now().getTime();
        yield* saga.sleep('5 days');
        return saga.now().getTime() - before;
      },
    );
    const { tape, host, client } = stage(old, [quick], { mode, treat: () => ({ delay: 1_000 }) });
    tape.script('quick', failing(1));
    await client.start({}, { id: 'a' });
    for (const week of [1, 2, 3]) await host.raiseAt(host.now + week * 4 * DAY, 'a', `week${week}`, {});
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 5 * DAY });
  });
});
