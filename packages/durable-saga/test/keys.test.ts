import { KeyCounter } from '../src/runner/keys';

describe('keys', () => {
  it('count per step name, in the order of the calls', () => {
    const keys = new KeyCounter('order-1');
    expect(['book', 'pay', 'book', 'book'].map((name) => keys.next(name))).toEqual([
      'order-1/book#1',
      'order-1/pay#1',
      'order-1/book#2',
      'order-1/book#3',
    ]);
  });

  it("leave the count alone for an author's own key", () => {
    const keys = new KeyCounter('o');
    expect([keys.next('book'), keys.next('book', 'sku-7'), keys.next('book')]).toEqual([
      'o/book#1',
      'o/book#sku-7',
      'o/book#2',
    ]);
  });

  it('are never given twice', () => {
    const keys = new KeyCounter('o');
    keys.next('book', '1');
    expect(() => keys.next('book')).toThrow("step 'book': the key '1' is used twice in this saga");
  });
});
