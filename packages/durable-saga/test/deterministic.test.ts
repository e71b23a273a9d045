import { fractionOf, uuidOf } from '../src/definition/deterministic';

describe('deterministic values', () => {
  it('are the same for the same texts, and others for others', () => {
    expect(fractionOf('a', '1')).toBe(fractionOf('a', '1'));
    expect(fractionOf('a', '1')).not.toBe(fractionOf('a1'));
    const fractions = Array.from({ length: 1_000 }, (_, n) => fractionOf(String(n)));
    expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...fractions)).toBeLessThan(1);
    expect(fractions.reduce((sum, fraction) => sum + fraction) / 1_000).toBeCloseTo(0.5, 1);
  });

  it('include UUIDs of version 8', () => {
    expect(uuidOf('a')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuidOf('a')).toBe(uuidOf('a'));
    expect(uuidOf('a', 'b')).not.toBe(uuidOf('ab'));
  });
});
