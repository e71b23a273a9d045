import { mingle } from '../../src/testing/explorer/mingle';

const numbered = (kind: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${kind}${n}`);
const shares = (): Parameters<typeof mingle<string>>[0] => [
  { candidates: numbered('a', 50), weight: 3 },
  { candidates: numbered('b', 20), weight: 1 },
  { candidates: [], weight: 2 },
];

describe('mingling candidates', () => {
  it('gives each once', () => {
    const all = [...mingle(shares(), 1)];
    expect([...all].sort()).toEqual([...numbered('a', 50), ...numbered('b', 20)].sort());
  });

  it('gives each kind its share from the beginning on, and the rest when others have ended', () => {
    const all = [...mingle(shares(), 1)].map((name) => name[0]);
    expect(all.slice(0, 8).join('')).toBe('aaabaaab');
    expect(all.slice(-2).join('')).toBe('bb');
  });

  it('gives the same for a seed, something else for another', () => {
    expect([...mingle(shares(), 7)]).toEqual([...mingle(shares(), 7)]);
    expect([...mingle(shares(), 7)]).not.toEqual([...mingle(shares(), 8)]);
    expect([...mingle([{ candidates: numbered('a', 9), weight: 1 }], 3)]).not.toEqual(numbered('a', 9));
  });

  it('leaves no candidate at its place more often than another', () => {
    const firsts = new Map<string, number>();
    for (let seed = 0; seed < 4_000; seed += 1) {
      const [first = ''] = mingle([{ candidates: numbered('a', 8), weight: 1 }], seed);
      firsts.set(first, (firsts.get(first) ?? 0) + 1);
    }
    expect(firsts.size).toBe(8);
    // 500 each are to be expected, with a deviation of 21.
    for (const count of firsts.values()) expect(Math.abs(count - 500)).toBeLessThan(130);
  });
});
