import { expectTypeOf } from 'expect-type';
import { z } from 'zod';
import { many, saga } from '../src';
import { stampEvent } from '../src/definition/many-events';
import { EventType } from '../src/testing/history';
import { MODES } from '../src/testing/turns';
import { failing, stage, statusOf, taped, tapedOneWay } from './support/tape';

const HOUR = 3_600_000;
const input = z.object({ items: z.int() });
const book = taped('book');
const note = tapedOneWay('note');
const item = z.object({ n: z.int() });

/** Takes as many items as it is told to, with a step after each. */
const collect = saga(
  { name: 'collect', version: '1', input, output: z.array(z.int()), events: { item: many(item), go: z.object({}) } },
  function* (saga, { items }) {
    const taken: number[] = [];
    yield* saga.step(book, { n: 0 });
    while (taken.length < items) {
      const { n } = yield* saga.waitFor('item');
      taken.push(n);
      yield* saga.call(note, { n });
    }
    return taken;
  },
);

/** Takes items one after the other, with nothing between them, until none has come for an hour. */
const drain = saga(
  { name: 'drain', version: '1', input: z.object({}), output: z.array(z.int()), events: { item: many(item) } },
  function* (saga) {
    const taken: number[] = [];
    for (;;) {
      const next = yield* saga.waitFor('item', { timeout: '1 hour' });
      if (next === undefined) return taken;
      taken.push(next.n);
    }
  },
);

/** Takes items for as long as each comes in time, then looks whether one came late. */
const late = saga(
  {
    name: 'late',
    version: '1',
    input: z.object({}),
    output: z.array(z.int().nullable()),
    events: { item: many(item) },
  },
  function* (saga) {
    const taken: (number | null)[] = [];
    for (let wait = 0; wait < 3; wait += 1) {
      const next = yield* saga.waitFor('item', { timeout: '1 hour' });
      taken.push(next?.n ?? null);
    }
    return taken;
  },
);

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

describe.each(MODES)('events that may come many times, run by %s', (mode) => {
  it('two that come before the first wait are both taken, in order', async () => {
    const { host, client } = stage(collect, [book, note], { mode, treat: () => ({ delay: 10_000 }) });
    await client.start({ items: 2 }, { id: 'a' });
    await host.raiseAt(host.now, 'a', 'item', { n: 1 });
    await host.raiseAt(host.now + 1_000, 'a', 'item', { n: 2 });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: [1, 2] });
  });

  it('all that come in one turn, in the turns of activities and between them are taken, in order', async () => {
    for (const gap of [0, 400, 1_000, 1_500]) {
      const { host, client } = stage(collect, [book, note], { mode, treat: () => ({ delay: 1_000 }) });
      await client.start({ items: 12 }, { id: 'a' });
      for (const n of numbers(12)) await host.raiseAt(host.now + 500 + n * gap, 'a', 'item', { n });
      await host.run();
      expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: numbers(12) });
    }
  });

  it('one that comes while the steps of a failing saga are undone is not lost: the log says that nobody took it', async () => {
    const { host, client, tape } = stage(collect, [book, note], {
      mode,
      treat: ({ name }) => ({ delay: name === 'book_undo' ? 60_000 : 1_000 }),
    });
    tape.script('note', failing(3));
    await client.start({ items: 5 }, { id: 'a' });
    await host.raiseAt(host.now + 500, 'a', 'item', { n: 1 });
    await host.raiseAt(host.now + 1_500, 'a', 'item', { n: 2 });
    await host.raiseAt(host.now + 30_000, 'a', 'item', { n: 3 });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ outcome: 'compensated' });
    expect(tape.calls.at(-1)).toBe('book_undo');
    expect(host.logs).toContainEqual({ level: 'warn', text: "saga a ended and left 2 events 'item' untaken" });
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('one that comes in the very moment of a timeout is taken, by this wait or by the next', async () => {
    for (const early of [-1, 0, 1]) {
      const { host, client } = stage(late, [], { mode });
      await client.start({}, { id: 'a' });
      await host.raiseAt(host.now + HOUR + early, 'a', 'item', { n: 1 });
      await host.raiseAt(host.now + HOUR + early, 'a', 'item', { n: 2 });
      await host.run();
      const { outcome } = await statusOf(client, 'a');
      const taken = (outcome as unknown as { result: (number | null)[] }).result;
      expect(taken.filter((n) => n !== null)).toEqual([1, 2]);
      expect(host.instance('a').openTimers).toBe(0);
    }
  });

  it('one that does not match its schema is logged and passed over', async () => {
    const { host, client } = stage(collect, [book, note], { mode });
    await client.start({ items: 2 }, { id: 'a' });
    for (const n of ['one', 1, null, 2]) await host.raiseAt(host.now, 'a', 'item', { n });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ result: [1, 2] });
    expect(host.logs.filter(({ text }) => text.includes("event 'item' ignored"))).toHaveLength(2);
  });

  it('one that is delivered again is taken once, and another with the same payload is another', async () => {
    const { host, client } = stage(collect, [book, note], { mode });
    await client.start({ items: 4 }, { id: 'a' });
    for (const id of ['x', 'y', 'x', 'z', 'z']) await host.raiseAt(host.now, 'a', 'item', stampEvent({ id }, { n: 7 }));
    await host.raiseAt(host.now, 'a', 'item', { n: 8 });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ result: [7, 7, 7, 8] });
    expect(host.logs.filter(({ text }) => text.endsWith('was delivered again'))).toHaveLength(2);
  });

  it('one raised again by a client that names it is taken once', async () => {
    const { host, client } = stage(collect, [book, note], { mode });
    const handle = await client.start({ items: 3 }, { id: 'a' });
    for (const id of ['x', 'x', undefined, undefined]) {
      const answer = await handle.raise('item', { n: 7 }, id === undefined ? {} : { id });
      expect(answer).toEqual({ accepted: true, confirmed: true });
    }
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ result: [7, 7, 7] });
    expect(await handle.raise('item', { n: 1 })).toMatchObject({ accepted: false, code: 'finished' });
  });

  it('ten thousand in one turn are taken in order', async () => {
    const { host, client } = stage(drain, [], { mode });
    await client.start({}, { id: 'a' });
    for (const n of numbers(10_000)) await host.raiseAt(host.now, 'a', 'item', { n });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: numbers(10_000) });
    const raised = host.instance('a').history.filter((event) => event.EventType === EventType.eventRaised);
    expect(raised).toHaveLength(10_000);
  });
});

describe('the types of events that may come many times', () => {
  it('give the payload that the schema gives, and refuse another', () => {
    const dated = z.object({ at: z.string().transform((text) => new Date(text)) });
    const when = saga(
      { name: 'when', version: '1', input: z.object({}), output: z.int(), events: { item: many(dated) } },
      function* (saga) {
        const { at } = yield* saga.waitFor('item');
        expectTypeOf(at).toEqualTypeOf<Date>();
        const next = yield* saga.waitFor('item', { timeout: '1 hour' });
        expectTypeOf(next).toEqualTypeOf<{ at: Date } | undefined>();
        // @ts-expect-error -- not declared
        yield* saga.waitFor('items');
        return at.getTime();
      },
    );
    expect(when.events.item['~standard'].validate({ at: 7 })).toHaveProperty('issues');
  });
});
