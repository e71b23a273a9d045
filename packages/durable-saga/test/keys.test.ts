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

  it('count a name that every object has like any other', () => {
    const keys = new KeyCounter('o');
    expect([keys.next('toString'), keys.next('toString'), keys.next('constructor')]).toEqual([
      'o/toString#1',
      'o/toString#2',
      'o/constructor#1',
    ]);
    expect(keys.toData()).toEqual({ toString: 2, constructor: 1 });
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

  it('of an earlier history are not counted up to, whoever chose them', () => {
    const first = new KeyCounter('o');
    expect(['7', '3', '007', 'sku-9'].map((own) => first.next('book', own))).toEqual([
      'o/book#7',
      'o/book#3',
      'o/book#007',
      'o/book#sku-9',
    ]);
    expect(first.next('book')).toBe('o/book#1');
    expect(first.next('pay')).toBe('o/pay#1');
    const second = new KeyCounter('o', first.toData());
    expect([second.next('book'), second.next('book'), second.next('pay')]).toEqual(['o/book#8', 'o/book#9', 'o/pay#2']);
    // What was counted before can't be chosen now; what was chosen before may be, as ever.
    expect(() => second.next('pay', '1')).toThrow("step 'pay': the key '1' is used twice in this saga");
    expect(second.next('book', '7')).toBe('o/book#7');
  });
});
