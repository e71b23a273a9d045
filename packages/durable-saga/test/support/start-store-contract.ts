import type { StartNote, StartStore } from '../../src';

const note: StartNote = { saga: 'order', version: '1', inputHash: 'aa' };
const other: StartNote = { saga: 'return', version: '2', inputHash: 'bb' };
const LEASE = 10_000;

export interface StagedStarts {
  readonly store: StartStore;
  /** Moves the store's clock. */
  readonly advance: (milliseconds: number) => void;
}

/** What every store of starts must do. `open` gives an empty one. */
export function describeStartStore(name: string, open: () => Promise<StagedStarts>): void {
  describe(`a store of starts (${name})`, () => {
    it('gives a new id to the first that claims it', async () => {
      const { store } = await open();
      expect(await store.claim('a', note, LEASE)).toEqual({ state: 'claimed', note });
      expect(await store.claim('b', note, LEASE)).toEqual({ state: 'claimed', note });
      expect(await store.claim('a', note, LEASE)).toEqual({ state: 'starting', note });
    });

    it('gives it to one only of many that claim it at once', async () => {
      const { store } = await open();
      const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim('a', note, LEASE)));
      expect(claims.filter(({ state }) => state === 'claimed')).toHaveLength(1);
      expect(claims.filter(({ state }) => state === 'starting')).toHaveLength(19);
    });

    it('remembers a confirmed start, with the note of the first confirmation', async () => {
      const { store, advance } = await open();
      await store.claim('a', note, LEASE);
      await store.confirm('a', note);
      await store.confirm('a', other);
      advance(10 * LEASE);
      expect(await store.claim('a', other, LEASE)).toEqual({ state: 'started', note });
      expect(await store.claim('a', note, LEASE)).toEqual({ state: 'started', note });
    });

    it('lets one only take over a claim whose lease has passed, whoever it is', async () => {
      const { store, advance } = await open();
      await store.claim('a', note, LEASE);
      advance(LEASE - 1);
      expect((await store.claim('a', note, LEASE)).state).toBe('starting');
      advance(1);
      const claims = await Promise.all(Array.from({ length: 5 }, () => store.claim('a', other, LEASE)));
      expect(claims.map(({ state }) => state).sort()).toEqual([...Array<string>(4).fill('starting'), 'takenOver']);
      expect(claims.map((claim) => claim.note)).toEqual(Array<StartNote>(5).fill(note));
      advance(LEASE - 1);
      expect((await store.claim('a', other, LEASE)).state).toBe('starting');
      await store.confirm('a', other);
      expect(await store.claim('a', note, LEASE)).toEqual({ state: 'started', note: other });
    });

    it('forgets a claim that is released', async () => {
      const { store } = await open();
      await store.claim('a', note, LEASE);
      await store.release('a');
      expect(await store.claim('a', other, LEASE)).toEqual({ state: 'claimed', note: other });
    });

    it('does not forget a confirmation when a late caller releases', async () => {
      const { store } = await open();
      await store.claim('a', note, LEASE);
      await store.confirm('a', note);
      await store.release('a');
      await store.release('b');
      expect(await store.claim('a', note, LEASE)).toEqual({ state: 'started', note });
    });

    it('takes a confirmation of an id whose claim was released meanwhile', async () => {
      const { store } = await open();
      await store.confirm('a', note);
      expect(await store.claim('a', other, LEASE)).toEqual({ state: 'started', note });
    });
  });
}
