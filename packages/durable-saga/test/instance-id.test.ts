import { checkId, childIdOf } from '../src/runner/instance-id';

describe('the id of a child', () => {
  it('follows from its parent, its saga and its key', () => {
    expect(childIdOf('order-7', 'parcel', '2')).toBe('order-7:parcel:2');
    expect(childIdOf('order-7', 'parcel', 'sku-1')).toBe('order-7:parcel:sku-1');
  });

  it.each([
    ['a parent of a long id', 'p'.repeat(100), '1'],
    ['a key of characters that an id must not have', 'order-7', 'a/b?c#d'],
    ['a key that looks like the id of a grandchild', 'order-7', '1:parcel:1'],
  ])('is hashed for %s', (_what, parent, key) => {
    const id = childIdOf(parent, 'parcel', key);
    expect(id).toMatch(/:[0-9a-f]{40}$/);
    expect(id.length).toBeLessThanOrEqual(100);
    expect(() => checkId(id)).not.toThrow();
    expect(childIdOf(parent, 'parcel', `${key}x`)).not.toBe(id);
  });
});
