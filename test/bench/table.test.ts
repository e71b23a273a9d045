import { quantile, toSpread, toTable } from '../../bench/table';

describe('the bench table', () => {
  it('has a row for each quantity and a column for each subject', () => {
    const table = toTable([
      { quantity: 'throughput', unit: 'sagas/s', subject: 'ours', values: [1500, 1400, 1600] },
      { quantity: 'throughput', unit: 'sagas/s', subject: 'theirs', values: [280] },
      { quantity: 'memory', unit: 'MiB', subject: 'ours', values: [12.34] },
    ]);
    expect(table.split('\n')).toEqual([
      '                                 ours  theirs',
      '-------------------  ----------------  ------',
      'throughput, sagas/s  1500 (1400-1600)     280',
      'memory, MiB                      12.3',
    ]);
  });

  it('takes the median of an even number of values between the two in the middle', () => {
    expect(toSpread([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(quantile([1, 2, 3, 4, 5], 0.95)).toBeCloseTo(4.8);
  });

  it('refuses to sum up nothing', () => {
    expect(() => toSpread([])).toThrow('Expected at least one value');
  });
});
