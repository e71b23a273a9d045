import { readStart } from '../src/runner/start-envelope';

describe('the start envelope', () => {
  it('is read with and without a stamp', () => {
    expect(readStart({ $saga: { version: '2' }, input: { a: 1 } }, undefined)).toEqual({
      version: '2',
      input: { a: 1 },
    });
    expect(readStart({ a: 1 }, undefined)).toEqual({ version: '0', input: { a: 1 } });
    expect(readStart({ a: 1 }, '1.5')).toEqual({ version: '1.5', input: { a: 1 } });
    expect(readStart('', undefined)).toEqual({ version: '0', input: '' });
    expect(readStart({ $saga: 'odd' }, undefined)).toEqual({ version: '0', input: { $saga: 'odd' } });
  });
});
