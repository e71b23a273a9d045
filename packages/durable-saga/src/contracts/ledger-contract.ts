import assert from 'node:assert/strict';
import type { Ledger } from '../store/ledger';
import type { ContractCase, TransactionalStore } from './contract';
import { casesOver, DAY, Door } from './contract';

/** A ledger to check, empty, with a place for effects in the same store. */
export interface LedgerUnderTest<Tx> extends TransactionalStore<Tx> {
  readonly ledger: Ledger<Tx>;
  /** An effect: adds a line to a list that is part of the transaction. */
  write(tx: Tx, line: string): Promise<void>;
  /** The committed lines, in any order. */
  lines(): Promise<readonly string[]>;
}

/** Expects an error of the ledger: errors of other copies of the package count, too. */
const isTombstone = (key: string) => (error: unknown) =>
  error instanceof Error && error.name === 'LedgerTombstone' && 'key' in error && error.key === key;

class RolledBack extends Error {}

const VALUES: readonly unknown[] = [
  undefined,
  null,
  0,
  -1.5,
  '',
  'text',
  'a\u0000b',
  '😀 ü "quoted" \\ line\nbreak',
  true,
  [],
  {},
  { nested: [1, null, 'two', { deep: [[[]]] }], 'odd key \u2028': '' },
  'large '.repeat(200_000),
];

const KEYS = [
  'o-1/step#1',
  ' o-1/step#1',
  'O-1/step#1',
  "it's; drop table saga_ledger; --",
  '%_\\',
  '$1',
  'line\nbreak\ttab',
  '日本/ü#😀',
  'u\u0308',
  '\u00fc',
  'null',
  '0',
  'k'.repeat(2_000),
];

/**
 * What any ledger must do. `open` gives an empty one for each case, whose times come from `clock`.
 *
 * `for (const { title, run } of ledgerContract(open)) it(title, run);`
 */
export function ledgerContract<Tx>(open: (clock: () => Date) => Promise<LedgerUnderTest<Tx>>): readonly ContractCase[] {
  const { cases, it } = casesOver(open);
  describeOnce(it);
  describeUndo(it);
  describeMoments(it);
  describeExpiry(it);
  return cases;
}

type It<Tx> = ReturnType<typeof casesOver<LedgerUnderTest<Tx>>>['it'];

const once = <Tx>(store: LedgerUnderTest<Tx>, key: string, line = 'done'): Promise<string> =>
  store.transaction((tx) => store.ledger.once(tx, key, () => store.write(tx, `${key} ${line}`).then(() => line)));

const undo = <Tx>(store: LedgerUnderTest<Tx>, key: string): Promise<void> =>
  store.transaction((tx) =>
    store.ledger.undo<string>(tx, key, (value) => store.write(tx, `${key} undone after ${value}`)),
  );

const find = <Tx>(store: LedgerUnderTest<Tx>, key: string) => store.transaction((tx) => store.ledger.find(tx, key));

async function sortedLines<Tx>(store: LedgerUnderTest<Tx>): Promise<string[]> {
  return [...(await store.lines())].sort();
}

function describeOnce<Tx>(it: It<Tx>): void {
  it('once runs the effect, and gives its value again without running it a second time', async (store) => {
    assert.equal(await once(store, 'k', 'first'), 'first');
    assert.equal(await once(store, 'k', 'second'), 'first');
    assert.deepEqual(await store.lines(), ['k first']);
    assert.deepEqual(await find(store, 'k'), { state: 'done', value: 'first' });
  });

  it('once keeps values as JSON does: null, nothing, nested, large', async (store) => {
    for (const [n, value] of VALUES.entries()) {
      const run = () => store.transaction((tx) => store.ledger.once(tx, `k${n}`, () => Promise.resolve(value)));
      assert.deepEqual(await run(), value);
      assert.deepEqual(await run(), value);
      assert.deepEqual(await find(store, `k${n}`), { state: 'done', value });
    }
  });

  it('once gives the same the first time as at a repeat, what JSON does not keep left out', async (store) => {
    const effect = () => Promise.resolve({ at: new Date(0), none: undefined, list: [undefined] });
    const run = (): Promise<unknown> => store.transaction((tx) => store.ledger.once<unknown>(tx, 'k', effect));
    const expected = { at: '1970-01-01T00:00:00.000Z', list: [null] };
    assert.deepEqual(await run(), expected);
    assert.deepEqual(await run(), expected);
  });

  it('once tells keys apart to the letter, whatever characters are in them', async (store) => {
    for (const key of KEYS) assert.equal(await once(store, key, `by ${KEYS.indexOf(key)}`), `by ${KEYS.indexOf(key)}`);
    for (const key of KEYS) assert.equal(await once(store, key, 'again'), `by ${KEYS.indexOf(key)}`);
    assert.equal((await store.lines()).length, KEYS.length);
  });

  it('refuses keys that it could not keep as they are', async (store) => {
    for (const key of ['', 'a\u0000b', 'half a pair \ud83d', 'k'.repeat(2_001)]) {
      await assert.rejects(once(store, key), RangeError);
      await assert.rejects(undo(store, key), RangeError);
      await assert.rejects(find(store, key), RangeError);
    }
    assert.deepEqual(await store.lines(), []);
  });

  it('once stores nothing when the effect throws, so that the next attempt has its chance', async (store) => {
    const broken = store.transaction((tx) =>
      store.ledger.once(tx, 'k', async () => {
        await store.write(tx, 'half');
        throw new RolledBack('half way');
      }),
    );
    await assert.rejects(broken, RolledBack);
    assert.deepEqual(await store.lines(), []);
    assert.equal(await once(store, 'k'), 'done');
  });

  it('once stores nothing when the effect throws and the caller commits all the same', async (store) => {
    await store.transaction(async (tx) => {
      await store.ledger.once(tx, 'k', () => Promise.reject(new Error('refused'))).catch(() => undefined);
    });
    assert.equal(await find(store, 'k'), undefined);
    assert.equal(await once(store, 'k'), 'done');
  });

  it('once stores nothing when the value has no JSON, since nothing could be given at a repeat', async (store) => {
    const odd = store.transaction((tx) => store.ledger.once(tx, 'k', () => Promise.resolve(1n)));
    await assert.rejects(odd, TypeError);
    assert.equal(await find(store, 'k'), undefined);
  });

  it('once stores nothing when the transaction is rolled back afterwards', async (store) => {
    const rolledBack = store.transaction(async (tx) => {
      await store.ledger.once(tx, 'k', () => store.write(tx, 'k'));
      throw new RolledBack();
    });
    await assert.rejects(rolledBack, RolledBack);
    assert.equal(await find(store, 'k'), undefined);
    assert.deepEqual(await store.lines(), []);
  });
}

function describeUndo<Tx>(it: It<Tx>): void {
  it('undo runs its effect once, with the value that was stored', async (store) => {
    await once(store, 'k');
    await undo(store, 'k');
    await undo(store, 'k');
    assert.deepEqual(await sortedLines(store), ['k done', 'k undone after done']);
    assert.deepEqual(await find(store, 'k'), { state: 'undone' });
  });

  it('undo runs its effect without a value when nothing had happened, and a late attempt does nothing', async (store) => {
    await undo(store, 'k');
    await assert.rejects(once(store, 'k'), isTombstone('k'));
    await undo(store, 'k');
    assert.deepEqual(await store.lines(), ['k undone after undefined']);
  });

  it('keeps the tombstone after an undo of what was done: a late attempt does nothing', async (store) => {
    await once(store, 'k');
    await undo(store, 'k');
    await assert.rejects(once(store, 'k'), isTombstone('k'));
    assert.equal((await store.lines()).length, 2);
  });

  it('undo writes no tombstone when its effect throws', async (store) => {
    await once(store, 'k');
    const broken = store.transaction((tx) => store.ledger.undo(tx, 'k', () => Promise.reject(new RolledBack())));
    await assert.rejects(broken, RolledBack);
    assert.deepEqual(await find(store, 'k'), { state: 'done', value: 'done' });
    await undo(store, 'k');
    assert.deepEqual(await sortedLines(store), ['k done', 'k undone after done']);
  });

  it('undoes in the transaction that did it, too', async (store) => {
    await store.transaction(async (tx) => {
      await store.ledger.once(tx, 'k', () => Promise.resolve('done'));
      await store.ledger.undo<string>(tx, 'k', (value) => store.write(tx, `undone ${value}`));
    });
    assert.deepEqual(await store.lines(), ['undone done']);
    assert.deepEqual(await find(store, 'k'), { state: 'undone' });
  });
}

/** Runs `first` up to its end, short of committing, then `second` beside it, then lets `first` end. */
async function atTheSameMoment<Tx, A, B>(
  store: LedgerUnderTest<Tx>,
  first: { readonly work: (tx: Tx) => Promise<A>; readonly commits: boolean },
  second: () => Promise<B>,
  secondWaits = true,
): Promise<[PromiseSettledResult<A>, PromiseSettledResult<B>]> {
  const worked = new Door();
  const mayEnd = new Door();
  const one = store.transaction(async (tx) => {
    const result = await first.work(tx);
    worked.open();
    await mayEnd.opened;
    if (!first.commits) throw new RolledBack();
    return result;
  });
  // A failure before the door would leave the case waiting for ever.
  await Promise.race([worked.opened, one]);
  const two = second();
  try {
    const settled = two.catch(() => undefined);
    await (secondWaits ? Promise.race([store.someoneWaits?.(), settled]) : settled);
  } finally {
    mayEnd.open();
  }
  return Promise.allSettled([one, two]);
}

function describeMoments<Tx>(it: It<Tx>): void {
  const doing = (store: LedgerUnderTest<Tx>, line: string) => (tx: Tx) =>
    store.ledger.once(tx, 'k', () => store.write(tx, `k ${line}`).then(() => line));

  it('makes a second attempt at the same moment wait, and gives it the value of the first', async (store) => {
    const first = { work: doing(store, 'first'), commits: true };
    const both = await atTheSameMoment(store, first, () => once(store, 'k', 'second'));
    assert.deepEqual(
      both,
      [1, 2].map(() => ({ status: 'fulfilled', value: 'first' })),
    );
    assert.deepEqual(await store.lines(), ['k first']);
  });

  it('lets the second attempt have the effect when the first is rolled back', async (store) => {
    const first = { work: doing(store, 'first'), commits: false };
    const [one, two] = await atTheSameMoment(store, first, () => once(store, 'k', 'second'));
    assert.equal(one.status, 'rejected');
    assert.deepEqual(two, { status: 'fulfilled', value: 'second' });
    assert.deepEqual(await store.lines(), ['k second']);
  });

  it('makes an undo wait for the attempt under way, and undoes what that did', async (store) => {
    await atTheSameMoment(store, { work: doing(store, 'first'), commits: true }, () => undo(store, 'k'));
    assert.deepEqual(await sortedLines(store), ['k first', 'k undone after first']);
  });

  it('makes an undo wait for the attempt under way, and undoes nothing when that is rolled back', async (store) => {
    await atTheSameMoment(store, { work: doing(store, 'first'), commits: false }, () => undo(store, 'k'));
    assert.deepEqual(await store.lines(), ['k undone after undefined']);
    await assert.rejects(once(store, 'k'), isTombstone('k'));
  });

  it('makes an attempt wait for the undo under way, and then do nothing', async (store) => {
    const burying = (tx: Tx) =>
      store.ledger.undo<string>(tx, 'k', (value) => store.write(tx, `k undone after ${value}`));
    const [, two] = await atTheSameMoment(store, { work: burying, commits: true }, () => once(store, 'k'));
    assert.ok(two.status === 'rejected' && isTombstone('k')(two.reason));
    assert.deepEqual(await store.lines(), ['k undone after undefined']);
  });

  it('lets the attempt happen when the undo under way is rolled back', async (store) => {
    const burying = (tx: Tx) =>
      store.ledger.undo<string>(tx, 'k', (value) => store.write(tx, `k undone after ${value}`));
    await atTheSameMoment(store, { work: burying, commits: false }, () => once(store, 'k'));
    assert.deepEqual(await store.lines(), ['k done']);
  });

  it('has each effect once for many attempts and undos at the same moment', async (store) => {
    const attempts = await Promise.all(Array.from({ length: 12 }, (_, n) => once(store, 'k', `attempt ${n}`)));
    assert.equal(new Set(attempts).size, 1);
    await Promise.all(Array.from({ length: 12 }, () => undo(store, 'k')));
    assert.equal((await store.lines()).length, 2);
  });

  it('and do and undo, raced many times, leave either both or neither', async (store) => {
    const keys = Array.from({ length: 20 }, (_, n) => `race-${n}`);
    const undoDone = (key: string) =>
      store.transaction((tx) =>
        store.ledger.undo<string>(tx, key, async (value) => {
          if (value !== undefined) await store.write(tx, `${key} undone`);
        }),
      );
    await Promise.all(
      keys.flatMap((key) => [
        once(store, key).catch((error: unknown) => assert.ok(isTombstone(key)(error), String(error))),
        undoDone(key),
      ]),
    );
    const lines = await store.lines();
    for (const key of keys) {
      assert.equal(lines.includes(`${key} done`), lines.includes(`${key} undone`), key);
      assert.deepEqual(await find(store, key), { state: 'undone' });
    }
  });
}

function describeExpiry<Tx>(it: It<Tx>): void {
  it('expire deletes what was last written before, oldest first, at most so many', async (store, clock) => {
    const expire = (before: Date, limit: number) => store.transaction((tx) => store.ledger.expire(tx, before, limit));
    for (const key of ['b', 'a', 'd', 'c']) {
      await once(store, key);
      clock.advance(DAY);
    }
    clock.advance(-DAY);
    const before = clock.read();
    assert.equal(await expire(before, 2), 2);
    assert.equal(await find(store, 'a'), undefined);
    assert.deepEqual(await find(store, 'd'), { state: 'done', value: 'done' });
    assert.equal(await expire(before, 100), 1);
    assert.equal(await expire(before, 100), 0);
    assert.deepEqual(await find(store, 'c'), { state: 'done', value: 'done' });
  });

  it('expire counts a tombstone from when it was written', async (store, clock) => {
    await once(store, 'k');
    clock.advance(DAY);
    const between = clock.read();
    clock.advance(DAY);
    await undo(store, 'k');
    assert.equal(await store.transaction((tx) => store.ledger.expire(tx, between, 100)), 0);
    assert.deepEqual(await find(store, 'k'), { state: 'undone' });
  });

  it('expire passes over what a transaction holds', async (store, clock) => {
    await once(store, 'held');
    await once(store, 'free');
    clock.advance(DAY);
    const holding = (tx: Tx) => store.ledger.undo(tx, 'held', () => Promise.resolve());
    const expired = () => store.transaction((tx) => store.ledger.expire(tx, clock.read(), 100));
    const [, count] = await atTheSameMoment(store, { work: holding, commits: true }, expired, false);
    assert.deepEqual(count, { status: 'fulfilled', value: 1 });
    assert.deepEqual(await find(store, 'held'), { state: 'undone' });
  });
}
