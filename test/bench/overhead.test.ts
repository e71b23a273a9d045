import { Series } from '../../bench/sections/overhead';

describe('the overhead of sagas', () => {
  const round = (engine: number, database: number, count = 500) => ({
    cpu: { engine, database, loadGenerator: 7 },
    latencies: new Array<number>(count).fill(1),
  });

  it('is told of each pair of rounds, the load generator left out', () => {
    const series = new Series('');
    series.add(
      { title: 'saga', per: 1000 },
      new Map([
        ['by hand', round(0.3, 0.1)],
        ['toolkit', round(0.33, 0.11)],
      ]),
    );
    series.add(
      { title: 'saga', per: 1000 },
      new Map([
        ['toolkit', round(0.6, 0.2)],
        ['by hand', round(0.5, 0.3)],
      ]),
    );
    const figures = new Map(series.figures().map((each) => [`${each.quantity}: ${each.subject}`, each]));
    expect(figures.get('saga: by hand')?.values).toEqual([0.8, 1.6]);
    expect(figures.get('  of it the database, saga: by hand')?.values).toEqual([0.2, 0.6]);
    const overhead = figures.get('  overhead, saga: toolkit');
    expect(overhead?.unit).toBe('%');
    expect(overhead?.values[0]).toBeCloseTo(10);
    expect(overhead?.values[1]).toBeCloseTo(0);
    expect(figures.has('  overhead, saga: by hand')).toBe(false);
  });
});
