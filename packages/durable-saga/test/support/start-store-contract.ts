import type { StartNote, StartStore } from '../../src';

const note: StartNote = { saga: 'order', version: '1', inputHash: 'aa' };
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

    it('remembers a confirmed start, and the note of the first', async () => {
      const { store, advance } = await open();
      await store.claim('a', note, LEASE);
      await store.confirm('a');
      advance(10 * LEASE);
      const other = { saga: 'return', version: '2', inputHash: 'bb' };
      expect(await store.claim('a', other, LEASE)).toEqual({ state: 'started', note });
      expect(await store.claim('a', note, LEASE)).toEqual({ state: 'started', note });
    });

    it('lets one only take over a claim whose lease has passed', async () => {
      const { store, advance } = await open();
      await store.claim('a', note, LEASE);
      advance(LEASE - 1);
      expect((await store.claim('a', note, LEASE)).state).toBe('starting');
      advance(1);
      const later = { ...note, version: '2' };
      const claims = await Promise.all(Array.from({ length: 5 }, () => store.claim('a', later, LEASE)));
      expect(claims.map(({ state }) => state).sort()).toEqual([...Array<string>(4).fill('starting'), 'takenOver']);
      expect(claims.map((claim) => claim.note)).toEqual(Array<StartNote>(5).fill(later));
    });

    it('lets a released claim be taken over at once', async () => {
      const { store } = await open();
      await store.claim('a', note, LEASE);
      await store.release('a');
      expect(await store.claim('a', note, LEASE)).toEqual({ state: 'takenOver', note });
      expect((await store.claim('a', note, LEASE)).state).toBe('starting');
    });

    it.each([
      ['input', { ...note, inputHash: 'bb' }],
      ['saga', { ...note, saga: 'return' }],
    ])('leaves a claim alone that is of another %s', async (_what, other) => {
      const { store, advance } = await open();
      await store.claim('a', note, LEASE);
      await store.release('a');
      advance(10 * LEASE);
      expect(await store.claim('a', other, LEASE)).toEqual({ state: 'starting', note });
      expect((await store.claim('a', note, LEASE)).state).toBe('takenOver');
    });

    it('does not forget a confirmation when a late caller releases, and knows nothing of ids that nobody claimed', async () => {
      const { store } = await open();
      await store.confirm('a');
      await store.release('a');
      expect((await store.claim('a', note, LEASE)).state).toBe('claimed');
      await store.confirm('a');
      await store.confirm('a');
      await store.release('a');
      expect((await store.claim('a', note, LEASE)).state).toBe('started');
    });
  });
}
