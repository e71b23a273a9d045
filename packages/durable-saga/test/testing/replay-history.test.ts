import type { StandardSchemaV1 } from '@standard-schema/spec';
import { z } from 'zod';
import { many, saga, sagaClients } from '../../src';
import type { Saga, SagaBody } from '../../src';
import { HistoryReplayer } from '../../src/testing/histories/replay-history';
import { createSagaHost } from '../../src/testing';
import { MODES } from '../../src/testing/turns';
import type { Attempt, Mode, Treatment } from '../../src/testing';
import { Tape, taped, tapedOneWay } from '../support/tape';

const input = z.object({ n: z.number() });
const book = taped('book', { timeout: '30 seconds' });
const pack = taped('pack');
const load = taped('load', { settleWithin: '1 minute' });
const label = taped('label');
const check = taped('check');
const pay = tapedOneWay('pay');
const activities = [book, pack, load, label, check, pay];

const events = { go: z.object({ by: z.string() }), item: many(z.object({ n: z.number() })) };

const parcel = saga({ name: 'parcel', version: '1', input, events: { loaded: z.object({}) } }, function* (saga, { n }) {
  yield* saga.step(pack, { n });
  yield* saga.waitFor('loaded', { timeout: '10 seconds' });
  yield* saga.step(load, { n });
});

const definition = { name: 'order', version: '1', input, events, timeout: '2 days' } as const;

/** Of all kinds of things that a saga does. */
const order = saga(definition, function* (saga, { n }) {
  yield* saga.step(book, { n }, { key: saga.newId() });
  yield* saga.all(
    [1, 2, 3].map((one) => saga.step(label, { n: one })),
    { concurrency: 2 },
  );
  const go = yield* saga.waitFor('go', { timeout: '1 hour' });
  const { n: item } = yield* saga.waitFor('item');
  yield* saga.child(parcel, { n: item });
  yield* saga.sleep(go === undefined ? '1 minute' : '2 minutes');
  yield* saga.step(load, { n: item }, { timeout: '1 minute' });
  yield* saga.pivot(pay, { n });
  yield* saga.step(pack, { n });
});

function open(mode: Mode, treat: (attempt: Attempt) => Treatment | undefined = () => ({ delay: 700 }), own = order) {
  const sagas: Saga<never, unknown>[] = [own, parcel];
  const host = createSagaHost({ ports: { tape: new Tape() }, sagas, activities, mode, treat }).durable;
  return { host, sagas: sagaClients({ order, parcel })(host) };
}

type Opened = ReturnType<typeof open>;

const same = new HistoryReplayer({ sagas: [order, parcel], activities });

function verdictOf({ host }: Opened, id: string, replayer = same) {
  return replayer.replay(host.describe(id, { history: true }) as Parameters<typeof same.replay>[0]);
}

/** Goes on second by second, and holds the history of each moment against the code. */
async function watch(opened: Opened, ids: readonly string[], seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    await opened.host.run({ until: opened.host.now + 1_000 });
    for (const id of ids) {
      if (opened.host.describe(id, { history: false }) === undefined) continue;
      expect(verdictOf(opened, id)).toEqual({ verdict: 'same', saga: expect.any(String), instance: id });
    }
  }
}

describe.each(MODES)('a history replayed against the code that made it (%s)', (mode) => {
  it('is the same at every moment of a saga that completes', async () => {
    const opened = open(mode);
    const { host, sagas } = opened;
    await sagas.order.start({ n: 1 }, { id: 'o1' });
    await host.raiseAt(host.now + 5_000, 'o1', 'go', { by: 'Ann' });
    await host.raiseAt(host.now + 1_000, 'o1', 'item', { n: 7 });
    await watch(opened, ['o1', 'o1:parcel:1'], 160);
    expect(host.instance('o1').output).toMatchObject({ outcome: 'completed' });
  });

  it('is the same at every moment of a saga that is cancelled, retried and timed out', async () => {
    const opened = open(mode, ({ name, attempt }) => {
      if (name === 'label' && attempt === 1) return { delay: 300, hostFails: 'after' };
      return name === 'book' && attempt === 1 ? { delay: 100, answersAfter: 40_000 } : { delay: 500 };
    });
    const { host, sagas } = opened;
    await sagas.order.start({ n: 1 }, { id: 'o2' });
    await host.raiseAt(host.now + 90_300, 'o2', 'cancel', { reason: 'changed my mind' });
    await watch(opened, ['o2'], 160);
    await host.run();
    expect(host.instance('o2').output).toMatchObject({ outcome: 'compensated' });
    expect(verdictOf(opened, 'o2')).toMatchObject({ verdict: 'same' });
  });
});

/** A build with another body, held against histories of the one above. */
function buildOf(
  body: SagaBody<typeof input, StandardSchemaV1<unknown, unknown>, typeof events>,
  version = '1',
): HistoryReplayer {
  const changed = saga({ ...definition, version }, body);
  return new HistoryReplayer({ sagas: [changed, parcel], activities });
}

async function atWait(mode: Mode): Promise<Opened> {
  const opened = open(mode);
  await opened.sagas.order.start({ n: 1 }, { id: 'o1' });
  await opened.host.run({ until: opened.host.now + 60_000 });
  return opened;
}

describe.each(MODES)('a history replayed against another build (%s)', (mode) => {
  it('differs where two steps have changed places, and says how to mend it', async () => {
    const opened = await atWait(mode);
    const swapped = buildOf(function* (saga, { n }) {
      yield* saga.all([1, 2, 3].map((one) => saga.step(label, { n: one })));
      yield* saga.step(book, { n }, { key: saga.newId() });
      yield* saga.waitFor('go', { timeout: '1 hour' });
    });
    expect(verdictOf(opened, 'o1', swapped)).toEqual({
      verdict: 'differs',
      saga: 'order',
      instance: 'o1',
      version: '1',
      step: 'book',
      event: 3,
      history: expect.stringMatching(/^book#[0-9a-f-]{36}$/),
      code: 'label#1, label#2, label#3',
      mend:
        "give order another version than '1', and keep the old way: if (saga.version === '1') " +
        "{ yield* saga.step(book, ...); yield* saga.step(label, ...); } else { /* today's order */ }",
    });
  });

  it('differs where a step was added before the wait, and not where it was added after it', async () => {
    const opened = await atWait(mode);
    const build = (before: boolean) =>
      buildOf(function* (saga, { n }) {
        yield* saga.step(book, { n }, { key: saga.newId() });
        if (before) yield* saga.step(check, { n });
        yield* saga.all(
          [1, 2, 3].map((one) => saga.step(label, { n: one })),
          { concurrency: 2 },
        );
        yield* saga.waitFor('go', { timeout: '1 hour' });
        if (!before) yield* saga.step(check, { n });
      });
    expect(verdictOf(opened, 'o1', build(false))).toMatchObject({ verdict: 'same' });
    expect(verdictOf(opened, 'o1', build(true))).toMatchObject({
      verdict: 'differs',
      step: 'label',
      history: 'label#1',
      code: 'check#1',
      mend: expect.stringContaining(
        "if (saga.version === '1') yield* saga.step(label, ...); else yield* saga.step(check, ...);",
      ),
    });
  });

  it.each([
    ['a step was taken out', 'label', [1, 2, 3], 2, false],
    ['the members of a group have changed places', 'label', [3, 2, 1], 2, true],
    ['more of a group begin at once', 'label', [1, 2, 3], 3, true],
    ['a group has another member', 'label', [1, 2, 3, 4], 2, true],
  ] as const)('differs where %s', async (_what, step, members, concurrency, books) => {
    const opened = await atWait(mode);
    const changed = buildOf(function* (saga, { n }) {
      if (books) yield* saga.step(book, { n }, { key: saga.newId() });
      const own = members.length === 3 && members[0] === 3;
      yield* saga.all(
        members.map((one) => saga.step(label, { n: one }, own ? { key: String(one) } : {})),
        { concurrency },
      );
      yield* saga.waitFor('go', { timeout: '1 hour' });
    });
    expect(verdictOf(opened, 'o1', changed)).toMatchObject({
      verdict: 'differs',
      step: books ? step : 'book',
    });
  });

  it('differs where two different members of a group have changed places', async () => {
    const [before, after] = [false, true].map((isSwapped) =>
      buildOf(function* (saga, { n }) {
        const members = [saga.step(check, { n }), saga.step(label, { n })];
        yield* saga.all(isSwapped ? members.reverse() : members);
        yield* saga.waitFor('go', { timeout: '1 hour' });
      }),
    );
    const grouped = saga(definition, function* (saga, { n }) {
      yield* saga.all([saga.step(check, { n }), saga.step(label, { n })]);
      yield* saga.waitFor('go', { timeout: '1 hour' });
    });
    const opened = open(mode, undefined, grouped);
    await opened.sagas.order.start({ n: 1 }, { id: 'o1' });
    await opened.host.run({ until: opened.host.now + 60_000 });
    expect(verdictOf(opened, 'o1', before)).toMatchObject({ verdict: 'same' });
    expect(verdictOf(opened, 'o1', after)).toMatchObject({
      verdict: 'differs',
      history: 'check#1, then label#1',
      code: 'label#1, then check#1',
    });
  });

  it('differs where the code waits for something else, or for another time', async () => {
    const opened = await atWait(mode);
    const waiting = (event: 'go' | 'item', timeout: '1 hour' | '2 hours') =>
      buildOf(function* (saga, { n }) {
        yield* saga.step(book, { n }, { key: saga.newId() });
        yield* saga.all(
          [1, 2, 3].map((one) => saga.step(label, { n: one })),
          { concurrency: 2 },
        );
        yield* saga.waitFor(event, { timeout });
      });
    expect(verdictOf(opened, 'o1', waiting('go', '1 hour'))).toMatchObject({ verdict: 'same' });
    expect(verdictOf(opened, 'o1', waiting('item', '1 hour'))).toMatchObject({
      history: expect.stringContaining("waiting, for 'go'"),
      code: expect.stringContaining("waiting, for 'item'"),
    });
    expect(verdictOf(opened, 'o1', waiting('go', '2 hours'))).toMatchObject({
      history: expect.stringMatching(/^a timer until /),
      code: expect.stringMatching(/^a timer until /),
    });
  });

  it('is the same where the build keeps the old way for the old version', async () => {
    const opened = await atWait(mode);
    const mended = buildOf(function* (saga, { n }) {
      if (saga.version !== '1') yield* saga.step(check, { n });
      yield* saga.step(book, { n }, { key: saga.newId() });
      yield* saga.all(
        [1, 2, 3].map((one) => saga.step(label, { n: one })),
        { concurrency: 2 },
      );
      yield* saga.waitFor('go', { timeout: '1 hour' });
    }, '2');
    expect(verdictOf(opened, 'o1', mended)).toMatchObject({ verdict: 'same' });
  });

  it('differs where the saga or one of its activities is gone', async () => {
    const opened = await atWait(mode);
    expect(verdictOf(opened, 'o1', new HistoryReplayer({ sagas: [parcel], activities }))).toMatchObject({
      verdict: 'differs',
      code: 'no saga of that name',
    });
    const without = activities.filter((activity) => activity !== label);
    expect(verdictOf(opened, 'o1', new HistoryReplayer({ sagas: [order, parcel], activities: without }))).toMatchObject(
      { verdict: 'differs', step: 'label' },
    );
  });
});
