import { createMemoryStarts } from '../../src/memory';
import { startsContract } from '../../src/contracts';
import { hashOfJson } from '../../src/store/input-hash';

describe('the store of starts in memory', () => {
  const cases = startsContract(async (clock) => ({ store: createMemoryStarts({ clock }) }));
  for (const { title, run } of cases) it(title, run);
});

describe('the hash of an input', () => {
  it('is the same whatever the order of keys, and for what JSON leaves out', () => {
    const hash = hashOfJson({ a: [1, { b: 'x', c: null }], d: new Date(0) });
    expect(hashOfJson({ d: '1970-01-01T00:00:00.000Z', e: undefined, a: [1, { c: null, b: 'x' }] })).toBe(hash);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    [{ a: 1 }, { a: '1' }],
    [
      [1, 2],
      [2, 1],
    ],
    [{}, undefined],
    [null, undefined],
    [JSON.parse('{"__proto__": 1}'), {}],
  ])('differs for %j and %j', (one, other) => {
    expect(hashOfJson(one)).not.toBe(hashOfJson(other));
  });
});
