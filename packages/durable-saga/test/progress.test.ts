import { failureFromThrown } from '../src/definition/failure';
import { Progress } from '../src/runner/progress';
import { STATUS_LIMIT } from '../src/runner/status';
import type { SagaStatus } from '../src/runner/status';

describe('progress', () => {
  const counted = ({ steps, summary = [] }: SagaStatus): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { state } of steps) counts[state] = (counts[state] ?? 0) + 1;
    for (const { state, count } of summary) counts[state] = (counts[state] ?? 0) + count;
    return counts;
  };

  it('lists every step of a saga that has few', () => {
    const progress = new Progress('s', '1');
    for (let n = 0; n < 40; n += 1) progress.begin('book', `k${n}`, 0).end('done', 1);
    expect(progress.toJSON().steps).toHaveLength(40);
    expect(progress.toJSON().summary).toBeUndefined();
  });

  it('sums up the oldest steps that ended well when there are many', () => {
    const progress = new Progress('s', '1');
    for (let n = 0; n < 100; n += 1) progress.begin('book', `k${n}`, 0).end('done', 1);
    progress.begin('pay', 'pay', 2);
    const { steps, summary } = progress.toJSON();
    expect(steps.map(({ key }) => key).slice(0, 2)).toEqual(['k61', 'k62']);
    expect(steps.at(-1)).toMatchObject({ key: 'pay', state: 'running' });
    expect(summary).toEqual([{ name: 'book', state: 'done', count: 61 }]);
  });

  it('counts rightly through thousands of steps that run, end and are undone side by side', () => {
    const progress = new Progress('s', '1');
    const records = Array.from({ length: 2_000 }, (_, n) => progress.begin('book', `k${n}`, 0));
    expect(counted(progress.toJSON())).toEqual({ running: 2_000 });
    for (const record of records.slice(0, 1_500)) record.end('done', 1);
    expect(counted(progress.toJSON())).toEqual({ done: 1_500, running: 500 });
    for (const record of records.slice(1_000).reverse()) record.restart('undoing', 2);
    expect(counted(progress.toJSON())).toEqual({ done: 1_000, undoing: 1_000 });
    for (const record of records.slice(1_000)) record.end('undone', 3);
    expect(counted(progress.toJSON())).toEqual({ done: 1_000, undone: 1_000 });
    expect(JSON.stringify(progress).length).toBeLessThanOrEqual(STATUS_LIMIT);
  });

  it('shows a step that fails even where there are many', () => {
    const progress = new Progress('s', '1');
    for (let n = 0; n < 1_000; n += 1) progress.begin('book', `k${n}`, 0).end('done', 1);
    const late = progress.resume('book', 'k3', 2);
    late.restart('undoing', 2);
    late.fail(failureFromThrown(new Error('no way back')));
    late.become('parked');
    expect(progress.toJSON().steps.at(-1)).toMatchObject({
      key: 'k3',
      state: 'parked',
      error: { message: 'no way back' },
    });
  });

  it('begins a record for a step of another history, and keeps it', () => {
    const progress = new Progress('s', '1');
    const record = progress.resume('book', 'k', 0);
    expect(progress.resume('book', 'k', 1)).toBe(record);
    expect(progress.toJSON().steps).toMatchObject([{ name: 'book', key: 'k' }]);
  });

  it('stays within its limit with keys and failures that take more room as JSON', () => {
    for (let count = 1; count <= 60; count += 1) {
      const progress = new Progress('s', '1');
      for (let n = 0; n < count; n += 1) {
        const record = progress.begin('reserve', `"\n"\u0001/reserve#"${n}"`.repeat(3), 0);
        record.attempt();
        if (n % 3 === 0) record.fail(failureFromThrown(new Error('"\t"'.repeat(40))));
        if (n % 2 === 0) record.end('unknown', 1);
      }
      const text = JSON.stringify(progress);
      expect(text.length).toBeLessThanOrEqual(STATUS_LIMIT);
      expect(Object.values(counted(JSON.parse(text) as SagaStatus)).reduce((a, b) => a + b)).toBe(count);
    }
  });
});
