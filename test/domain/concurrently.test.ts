import { forEachConcurrently } from '../../src/domain/concurrently';

describe('working on many items', () => {
  it('takes each once, in order, and never more than the limit at a time', async () => {
    const begun: number[] = [];
    let atWork = 0;
    let most = 0;
    await forEachConcurrently(
      3,
      Array.from({ length: 20 }, (_, n) => n),
      async (n) => {
        begun.push(n);
        atWork += 1;
        most = Math.max(most, atWork);
        await new Promise(setImmediate);
        atWork -= 1;
      },
    );
    expect(begun).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(most).toBe(3);
  });

  it('begins nothing more after an error, and rejects with it', async () => {
    const begun: number[] = [];
    const work = async (n: number): Promise<void> => {
      begun.push(n);
      await new Promise(setImmediate);
      if (n === 2) throw new Error('item 2 is bad');
    };
    await expect(forEachConcurrently(2, [1, 2, 3, 4, 5, 6, 7, 8], work)).rejects.toThrow('item 2 is bad');
    expect(begun.length).toBeLessThan(6);
  });

  it('does nothing with nothing', async () => {
    await forEachConcurrently(4, [], () => Promise.reject(new Error('never called')));
  });
});
