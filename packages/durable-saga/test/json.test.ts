import { copyAsJson, whyNoJson } from '../src/definition/json';

describe('a copy as JSON', () => {
  const values: readonly (readonly [string, unknown])[] = [
    ['texts, numbers and lists', { id: 'o-1', total: 12.5, isPaid: false, note: null, lines: [{ sku: 'a' }, [], {}] }],
    ['what JSON leaves out', { gone: undefined, f: () => 1, kept: 1, list: [undefined, () => 1] }],
    ['numbers that JSON does not have', { a: NaN, b: Infinity, c: -0, d: [-0, NaN] }],
    ['what says itself how it is written', { at: new Date(0), own: { toJSON: () => 'own' } }],
    ['objects of a class', { map: new Map([[1, 2]]), list: new Uint8Array(2), text: new String('boxed') }],
    ['a list with holes', { list: [1, , 3] }], // eslint-disable-line no-sparse-arrays
    ['a field named like the prototype', JSON.parse('{"__proto__":{"a":{"b":1}},"c":[{"__proto__":1}]}')],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: { b: 1 } })],
    ['what nests deeply', JSON.parse('['.repeat(100) + ']'.repeat(100))],
  ];

  it.each(values)('gives back %s as they arrive on the other side', (_what, value) => {
    const arrived: unknown = JSON.parse(JSON.stringify(value));
    const copy = copyAsJson('it', value);
    expect(copy).toStrictEqual(arrived);
    expect(JSON.stringify(copy)).toBe(JSON.stringify(arrived));
    expect(whyNoJson(value)).toBeUndefined();
  });

  it('shares nothing with what it was made of', () => {
    const given = { lines: [{ sku: 'a', tags: ['x'] }] };
    const copy = copyAsJson('it', given);
    given.lines[0]!.tags.push('y');
    given.lines.push({ sku: 'b', tags: [] });
    expect(copy).toEqual({ lines: [{ sku: 'a', tags: ['x'] }] });
  });

  it('names what JSON can not hold', () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    for (const value of [cycle, { n: 1n }]) {
      expect(() => copyAsJson('input of step', value)).toThrow(/^input of step: expected a value that JSON can hold/);
      expect(whyNoJson(value)).toMatch(/^expected a value that JSON can hold/);
    }
  });
});
