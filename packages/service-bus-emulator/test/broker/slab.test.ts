import { keep } from '../../src/broker/slab';

describe('contents that are kept', () => {
  it('are copies that leave each other alone, whatever their sizes', () => {
    const sizes = [0, 1, 200, 2048, 2049, 16_384, 100_000, ...Array.from({ length: 300 }, (_, index) => index)];
    const sources = sizes.map((size, index) => Buffer.alloc(size, index + 1));
    const copies = sources.map(keep);
    const expected = sources.map((source) => source.toString('hex'));
    for (const source of sources) source.fill(0);
    expect(copies.map((copy) => copy.toString('hex'))).toEqual(expected);
  });

  it('share memory when they are small, apart from everybody else', () => {
    const [first, second] = [keep(Buffer.alloc(10)), keep(Buffer.alloc(10))];
    expect(second.buffer === first.buffer || second.byteOffset === 0).toBe(true);
    expect(first.buffer).not.toBe(Buffer.from('pooled').buffer);
    expect(keep(Buffer.alloc(50_000)).buffer.byteLength).toBe(50_000);
  });
});
