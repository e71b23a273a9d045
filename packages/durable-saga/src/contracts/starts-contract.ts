import assert from 'node:assert/strict';
import type { StartNote, StartStore } from '../store/start-store';
import type { ContractCase } from './contract';
import { casesOver } from './contract';

/** A store of starts to check, empty. */
export interface StartsUnderTest {
  readonly store: StartStore;
  /** Called at the end of the case. */
  close?(): Promise<void>;
}

const note: StartNote = { saga: 'order', version: '1', inputHash: 'aa' };
const other: StartNote = { saga: 'return', version: '2', inputHash: 'bb' };
const LEASE = 10_000;

/**
 * What any store of starts must do. `open` gives an empty one for each case, whose times come from `clock`.
 *
 * `for (const { title, run } of startsContract(open)) it(title, run);`
 */
export function startsContract(open: (clock: () => Date) => Promise<StartsUnderTest>): readonly ContractCase[] {
  const { cases, it } = casesOver(open);

  it('gives a new id to the first that claims it', async ({ store }) => {
    assert.deepEqual(await store.claim('a', note, LEASE), { state: 'claimed', note });
    assert.deepEqual(await store.claim('b', note, LEASE), { state: 'claimed', note });
    assert.deepEqual(await store.claim('a', other, LEASE), { state: 'starting', note });
  });

  it('tells ids apart to the letter', async ({ store }) => {
    for (const id of ['o-1', 'O-1', ' o-1', 'o-1 ', "o'1", '$1', 'ü', 'u\u0308', '😀', 'x'.repeat(100)]) {
      assert.equal((await store.claim(id, note, LEASE)).state, 'claimed', id);
    }
  });

  it('gives it to one only of many that claim it at once', async ({ store }) => {
    const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim('a', note, LEASE)));
    assert.equal(claims.filter(({ state }) => state === 'claimed').length, 1);
    assert.equal(claims.filter(({ state }) => state === 'starting').length, 19);
  });

  it('remembers a confirmed start, with the note of the first confirmation', async ({ store }, clock) => {
    await store.claim('a', note, LEASE);
    await store.confirm('a', note);
    await store.confirm('a', other);
    clock.advance(10 * LEASE);
    assert.deepEqual(await store.claim('a', other, LEASE), { state: 'started', note });
    assert.deepEqual(await store.claim('a', note, LEASE), { state: 'started', note });
  });

  it('lets one only take over a claim whose lease has passed, whoever it is', async ({ store }, clock) => {
    await store.claim('a', note, LEASE);
    clock.advance(LEASE - 1);
    assert.equal((await store.claim('a', note, LEASE)).state, 'starting');
    clock.advance(1);
    const claims = await Promise.all(Array.from({ length: 5 }, () => store.claim('a', other, LEASE)));
    assert.equal(claims.filter(({ state }) => state === 'takenOver').length, 1);
    assert.equal(claims.filter(({ state }) => state === 'starting').length, 4);
    for (const claim of claims) assert.deepEqual(claim.note, note);
    clock.advance(LEASE - 1);
    assert.equal((await store.claim('a', other, LEASE)).state, 'starting');
    await store.confirm('a', other);
    assert.deepEqual(await store.claim('a', note, LEASE), { state: 'started', note: other });
  });

  it('forgets a claim that is released', async ({ store }) => {
    await store.claim('a', note, LEASE);
    await store.release('a');
    assert.deepEqual(await store.claim('a', other, LEASE), { state: 'claimed', note: other });
  });

  it('does not forget a confirmation when a late caller releases', async ({ store }) => {
    await store.claim('a', note, LEASE);
    await store.confirm('a', note);
    await store.release('a');
    await store.release('b');
    assert.deepEqual(await store.claim('a', note, LEASE), { state: 'started', note });
  });

  it('takes a confirmation of an id whose claim was released meanwhile', async ({ store }) => {
    await store.confirm('a', note);
    assert.deepEqual(await store.claim('a', other, LEASE), { state: 'started', note });
  });

  it('gives each caller an answer while claims, confirmations and releases of one id meet', async ({ store }) => {
    const callers = Array.from({ length: 12 }, async (_, n) => {
      const { state } = await store.claim('a', note, LEASE);
      if (state !== 'claimed') return state;
      await (n % 2 === 0 ? store.confirm('a', note) : store.release('a'));
      return state;
    });
    const states = await Promise.all(callers);
    assert.ok(states.includes('claimed'));
    assert.ok(states.every((state) => state !== 'takenOver'));
  });
  return cases;
}
