import assert from 'node:assert/strict';
import type { Outbox, OutboxMessage, OutboxOptions, Publisher, RelayOptions, RelayRound } from '../store/outbox';
import { drainOutbox } from '../store/outbox';
import type { ContractCase, TransactionalStore } from './contract';
import { casesOver, DAY, Door } from './contract';
import { RecordingPublisher } from './recording-publisher';

/** An outbox to check, empty. */
export interface OutboxUnderTest<Tx> extends TransactionalStore<Tx> {
  readonly outbox: Outbox<Tx>;
}

/**
 * What any outbox must do. `open` gives an empty one for each case, made with the options that it is given.
 *
 * `for (const { title, run } of outboxContract(open)) it(title, run);`
 */
export function outboxContract<Tx>(
  open: (options: OutboxOptions) => Promise<OutboxUnderTest<Tx>>,
): readonly ContractCase[] {
  const { cases, it } = casesOver((clock) => open({ clock, retry: { attempts: 3, first: 60_000, factor: 1 } }));
  describePut(it);
  describeOrder(it);
  describeFailures(it);
  describeRelays(it);
  describeDead(it);
  describeExpiry(it);
  return cases;
}

type It<Tx> = ReturnType<typeof casesOver<OutboxUnderTest<Tx>>>['it'];
type Draft = Partial<OutboxMessage> & { readonly id: string };

class RolledBack extends Error {}

const MINUTE = 60_000;

function put<Tx>(store: OutboxUnderTest<Tx>, ...drafts: readonly Draft[]): Promise<boolean[]> {
  return store.transaction(async (tx) => {
    const isNew: boolean[] = [];
    for (const draft of drafts) isNew.push(await store.outbox.put(tx, { topic: 't', payload: draft.id, ...draft }));
    return isNew;
  });
}

const relay = <Tx>(store: OutboxUnderTest<Tx>, publisher: Publisher, options?: RelayOptions): Promise<RelayRound> =>
  store.transaction((tx) => store.outbox.relay(tx, publisher, options));

const drain = <Tx>(store: OutboxUnderTest<Tx>, publisher: Publisher): Promise<RelayRound> =>
  drainOutbox({ outbox: store.outbox, publisher, transaction: (work) => store.transaction(work) });

const ordered = (lane: string, ...numbers: readonly number[]): Draft[] =>
  numbers.map((n) => ({ id: `${lane}${n}`, orderingKey: lane }));

function describePut<Tx>(it: It<Tx>): void {
  it('sends what was put in a committed transaction, once, as it was put', async (store, clock) => {
    const publisher = new RecordingPublisher();
    const putAt = clock.read();
    const message: OutboxMessage = {
      id: "o-1/pay#1 ü 😀 '",
      topic: 'orders',
      payload: { nested: [1, null, 'a\u0000b'], none: undefined },
      orderingKey: 'o-1',
      headers: { traceparent: '00-1-2-03' },
    };
    assert.deepEqual(await put(store, message, { id: 'plain', payload: null }), [true, true]);
    clock.advance(MINUTE);
    assert.deepEqual(await relay(store, publisher), { taken: 2, sent: 2, failed: 0, dead: 0 });
    const payload = { nested: [1, null, 'a\u0000b'] };
    const rest = { putAt, attempt: 1 };
    assert.deepEqual(publisher.messages, [
      { ...message, payload, ...rest },
      { id: 'plain', topic: 't', payload: null, orderingKey: undefined, headers: {}, ...rest },
    ]);
    assert.deepEqual(await relay(store, publisher), { taken: 0, sent: 0, failed: 0, dead: 0 });
    assert.equal(publisher.ids.length, 2);
  });

  it('sends nothing of a transaction that was rolled back', async (store) => {
    const publisher = new RecordingPublisher();
    const rolledBack = store.transaction(async (tx) => {
      await store.outbox.put(tx, { id: 'm', topic: 't', payload: 1 });
      throw new RolledBack();
    });
    await assert.rejects(rolledBack, RolledBack);
    await drain(store, publisher);
    assert.deepEqual(publisher.ids, []);
    assert.deepEqual(await put(store, { id: 'm' }), [true]);
  });

  it('sends one message an id, however often it is put, also after it was sent', async (store) => {
    const publisher = new RecordingPublisher();
    assert.deepEqual(await put(store, { id: 'm', payload: 'first' }, { id: 'm', payload: 'second' }), [true, false]);
    const atOnce = await Promise.all(Array.from({ length: 8 }, () => put(store, { id: 'n' })));
    assert.equal(atOnce.flat().filter(Boolean).length, 1);
    await drain(store, publisher);
    assert.deepEqual(await put(store, { id: 'm', payload: 'third' }), [false]);
    await drain(store, publisher);
    assert.deepEqual(
      publisher.messages.map(({ payload }) => payload),
      ['first', 'n'],
    );
  });

  it('refuses what it could not keep', async (store) => {
    await assert.rejects(put(store, { id: '' }), RangeError);
    await assert.rejects(put(store, { id: 'a\u0000b' }), RangeError);
    await assert.rejects(put(store, { id: 'm', topic: '' }), RangeError);
    await assert.rejects(put(store, { id: 'm', orderingKey: '' }), RangeError);
    await assert.rejects(put(store, { id: 'm', payload: undefined }), TypeError);
    await assert.rejects(put(store, { id: 'm', payload: 1n }), TypeError);
  });
}

function describeOrder<Tx>(it: It<Tx>): void {
  it('sends the messages of an ordering key in the order of their puts, over several transactions', async (store) => {
    const publisher = new RecordingPublisher();
    await put(store, ...ordered('a', 1, 2), ...ordered('b', 1));
    await put(store, ...ordered('a', 3), ...ordered('b', 2));
    await drain(store, publisher);
    assert.deepEqual(publisher.of('a'), ['a1', 'a2', 'a3']);
    assert.deepEqual(publisher.of('b'), ['b1', 'b2']);
  });

  it('sends them in the order of the commits: a put waits for another of its key under way', async (store) => {
    const publisher = new RecordingPublisher();
    const firstPut = new Door();
    const mayCommit = new Door();
    const first = store.transaction(async (tx) => {
      await store.outbox.put(tx, { id: 'a1', topic: 't', payload: 1, orderingKey: 'a' });
      firstPut.open();
      await mayCommit.opened;
    });
    await firstPut.opened;
    const second = put(store, ...ordered('a', 2));
    await put(store, ...ordered('b', 1));
    await store.someoneWaits?.();
    await drain(store, publisher);
    assert.deepEqual(publisher.ids, ['b1']);
    mayCommit.open();
    await Promise.all([first, second]);
    await drain(store, publisher);
    assert.deepEqual(publisher.ids, ['b1', 'a1', 'a2']);
  });

  it('gives the publisher one message of an ordering key at a time, and others side by side', async (store) => {
    const publisher = new RecordingPublisher();
    await put(store, ...ordered('a', 1, 2), ...ordered('b', 1), { id: 'free1' }, { id: 'free2' });
    await relay(store, publisher);
    assert.deepEqual(publisher.waves, [['a1', 'b1', 'free1', 'free2'], ['a2']]);
  });

  it('takes at most so many, the oldest first', async (store) => {
    const publisher = new RecordingPublisher();
    await put(store, ...ordered('a', 1, 2, 3), { id: 'free' });
    assert.equal((await relay(store, publisher, { limit: 3 })).taken, 3);
    assert.deepEqual(publisher.ids, ['a1', 'free', 'a2']);
    assert.equal((await relay(store, publisher, { limit: 3 })).taken, 1);
    assert.deepEqual(publisher.of('a'), ['a1', 'a2', 'a3']);
  });

  it('ends a round that takes long, and leaves the rest to the next one', async (store, clock) => {
    const publisher = new RecordingPublisher(() => (clock.advance(6_000), { ok: true }));
    await put(store, ...ordered('a', 1, 2, 3));
    assert.deepEqual(await relay(store, publisher, { within: 10_000 }), { taken: 3, sent: 2, failed: 0, dead: 0 });
    assert.deepEqual(publisher.ids, ['a1', 'a2']);
    await drain(store, publisher);
    assert.deepEqual(publisher.ids, ['a1', 'a2', 'a3']);
  });
}

function describeFailures<Tx>(it: It<Tx>): void {
  it('tries a failed message again after a while; what is behind it waits, the rest goes on', async (store, clock) => {
    let isDown = true;
    const publisher = new RecordingPublisher(({ id }) =>
      id === 'a2' && isDown ? { ok: false, error: 'busy' } : { ok: true },
    );
    await put(store, ...ordered('a', 1, 2, 3), ...ordered('b', 1, 2), { id: 'free' });
    assert.deepEqual(await relay(store, publisher), { taken: 6, sent: 4, failed: 1, dead: 0 });
    await put(store, ...ordered('b', 3));
    assert.deepEqual(await relay(store, publisher), { taken: 1, sent: 1, failed: 0, dead: 0 });
    assert.equal((await drain(store, publisher)).taken, 0);
    isDown = false;
    clock.advance(MINUTE);
    assert.deepEqual(await relay(store, publisher), { taken: 2, sent: 2, failed: 0, dead: 0 });
    assert.deepEqual(publisher.of('a'), ['a1', 'a2', 'a2', 'a3']);
    assert.deepEqual(
      publisher.messages.filter(({ id }) => id === 'a2').map(({ attempt }) => attempt),
      [1, 2],
    );
  });

  it('counts whatever the publisher throws as the failure of all that it was given', async (store, clock) => {
    const broken: Publisher = { publish: () => Promise.reject(new Error('no broker')) };
    await put(store, { id: 'm' }, { id: 'n' });
    assert.deepEqual(await relay(store, broken), { taken: 2, sent: 0, failed: 2, dead: 0 });
    clock.advance(MINUTE);
    const publisher = new RecordingPublisher();
    assert.equal((await relay(store, publisher)).sent, 2);
  });

  it('takes nothing for sent when the publisher does not give a result a message', async (store) => {
    const silent: Publisher = { publish: () => Promise.resolve([{ ok: true }]) };
    await put(store, { id: 'm' }, { id: 'n' });
    assert.deepEqual(await relay(store, silent), { taken: 2, sent: 0, failed: 2, dead: 0 });
  });

  it('sends again, with the same id, what was published but could not be noted', async (store) => {
    const publisher = new RecordingPublisher();
    await put(store, ...ordered('a', 1, 2));
    const lost = store.transaction(async (tx) => {
      await store.outbox.relay(tx, publisher);
      throw new RolledBack();
    });
    await assert.rejects(lost, RolledBack);
    await drain(store, publisher);
    assert.deepEqual(publisher.ids, ['a1', 'a2', 'a1', 'a2']);
  });
}

function describeRelays<Tx>(it: It<Tx>): void {
  it('keeps a second relay from an ordering key that the first is at; it takes the others', async (store) => {
    const recorder = new RecordingPublisher();
    const isAsked = new Door();
    const mayAnswer = new Door();
    await put(store, ...ordered('a', 1, 2), ...ordered('b', 1));
    const slow: Publisher = {
      async publish(messages) {
        isAsked.open();
        await mayAnswer.opened;
        return recorder.publish(messages);
      },
    };
    const first = relay(store, slow, { limit: 1 });
    await Promise.race([isAsked.opened, first]);
    await put(store, ...ordered('a', 3), ...ordered('c', 1));
    await drain(store, recorder);
    const meanwhile = [...recorder.ids].sort();
    mayAnswer.open();
    await first;
    await drain(store, recorder);
    assert.deepEqual(meanwhile, ['b1', 'c1']);
    assert.deepEqual(recorder.of('a'), ['a1', 'a2', 'a3']);
  });

  it('may run several times at once: each message goes out once, in the order of its key', async (store) => {
    const publisher = new RecordingPublisher();
    const lanes = Array.from({ length: 12 }, (_, n) => `lane${n}-`);
    for (let n = 10; n < 20; n += 1) await put(store, ...lanes.flatMap((lane) => ordered(lane, n)));
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        while ((await relay(store, publisher, { limit: 7 })).taken > 0);
      }),
    );
    await drain(store, publisher);
    for (const lane of lanes) assert.deepEqual(publisher.of(lane), [...publisher.of(lane)].sort());
    assert.equal(publisher.ids.length, 120);
    assert.equal(new Set(publisher.ids).size, 120);
  });
}

function describeDead<Tx>(it: It<Tx>): void {
  it('gives a message up when its attempts are used up, says why, and goes on behind it', async (store, clock) => {
    const publisher = new RecordingPublisher(({ id }) => (id === 'a1' ? { ok: false, error: 'no' } : { ok: true }));
    const putAt = clock.read();
    await put(store, ...ordered('a', 1, 2));
    for (const expected of [0, 0, 1]) {
      assert.equal((await relay(store, publisher)).dead, expected);
      clock.advance(MINUTE);
    }
    await drain(store, publisher);
    assert.deepEqual(publisher.of('a'), ['a1', 'a1', 'a1', 'a2']);
    const dead = { id: 'a1', topic: 't', payload: 'a1', orderingKey: 'a', headers: {}, putAt, attempts: 3 };
    assert.deepEqual(await store.transaction((tx) => store.outbox.listDead(tx, 10)), [
      { ...dead, reason: 'exhausted', error: 'no' },
    ]);
  });

  it('gives a refused message up at once', async (store) => {
    const publisher = new RecordingPublisher(() => ({ ok: false, error: 'too large', refused: true }));
    await put(store, { id: 'm' });
    assert.deepEqual(await relay(store, publisher), { taken: 1, sent: 0, failed: 0, dead: 1 });
    const [dead] = await store.transaction((tx) => store.outbox.listDead(tx, 10));
    assert.deepEqual([dead?.id, dead?.attempts, dead?.reason, dead?.error], ['m', 1, 'refused', 'too large']);
    assert.equal((await relay(store, publisher)).taken, 0);
  });

  it('sends what was given up again when it is told to, or forgets it', async (store) => {
    let answer: { ok: true } | { ok: false; error: string; refused: true } = { ok: false, error: 'no', refused: true };
    const publisher = new RecordingPublisher(() => answer);
    await put(store, { id: 'm' }, { id: 'n' }, { id: 'o' });
    await relay(store, publisher);
    answer = { ok: true };
    const operate = (work: (tx: Tx) => Promise<boolean>): Promise<boolean> => store.transaction(work);
    assert.equal(await operate((tx) => store.outbox.retryDead(tx, 'm')), true);
    assert.equal(await operate((tx) => store.outbox.retryDead(tx, 'm')), false);
    assert.equal(await operate((tx) => store.outbox.dropDead(tx, 'm')), false);
    assert.equal(await operate((tx) => store.outbox.dropDead(tx, 'n')), true);
    assert.equal(await operate((tx) => store.outbox.dropDead(tx, 'nothing')), false);
    await drain(store, publisher);
    assert.deepEqual(publisher.ids, ['m', 'n', 'o', 'm']);
    const dead = await store.transaction((tx) => store.outbox.listDead(tx, 10));
    assert.deepEqual(
      dead.map(({ id }) => id),
      ['o'],
    );
  });
}

function describeExpiry<Tx>(it: It<Tx>): void {
  it('expire deletes what was sent before, at most so many, and never what was not sent', async (store, clock) => {
    const publisher = new RecordingPublisher(({ id }) => {
      if (id === 'dead') return { ok: false, error: 'no', refused: true };
      return id === 'failed' ? { ok: false, error: 'busy' } : { ok: true };
    });
    const expire = (limit: number) => store.transaction((tx) => store.outbox.expire(tx, clock.read(), limit));
    await put(store, { id: 'dead' }, { id: 'failed' }, { id: 'sent1' }, { id: 'sent2' }, { id: 'sent3' });
    await relay(store, publisher);
    assert.equal(await expire(10), 0);
    clock.advance(DAY);
    await put(store, { id: 'sentLater' });
    await relay(store, publisher);
    assert.equal(await expire(2), 2);
    assert.equal(await expire(10), 1);
    assert.equal(await expire(10), 0);
    assert.deepEqual(await put(store, { id: 'sent1' }, { id: 'sentLater' }, { id: 'dead' }, { id: 'failed' }), [
      true,
      false,
      false,
      false,
    ]);
  });
}
