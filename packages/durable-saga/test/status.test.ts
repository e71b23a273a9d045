import { fitStatus, STATUS_LIMIT } from '../src/runner/status';
import type { SagaStatus, StepState, StepStatus } from '../src/runner/status';

describe('a status', () => {
  const base = { saga: 's', version: '1', state: 'running', pivot: 'none' } as const;
  const shown = (n: number, state: StepState): StepStatus => ({
    name: 'book',
    key: `an-instance/book#${n}`,
    state,
    attempts: 1,
    startedAt: '2026-01-01T00:00:00.000Z',
  });

  it('is left as it is where it fits', () => {
    const status: SagaStatus = { ...base, steps: [shown(1, 'done'), shown(2, 'running')] };
    expect(fitStatus(status)).toBe(status);
  });

  it('sums up what ended well, the oldest first, and adds to the sums that there are', () => {
    const steps = Array.from({ length: 100 }, (_, n) => shown(n, n % 10 === 9 ? 'running' : 'done'));
    const status = fitStatus({ ...base, steps, summary: [{ name: 'book', state: 'done', count: 5 }] });
    expect(JSON.stringify(status).length).toBeLessThanOrEqual(STATUS_LIMIT);
    expect(JSON.stringify(status).length).toBeGreaterThan(STATUS_LIMIT - 300);
    expect(status.steps.filter(({ state }) => state === 'running')).toHaveLength(10);
    expect(status.summary).toEqual([{ name: 'book', state: 'done', count: 105 - status.steps.length }]);
    expect(status.steps.at(-1)?.key).toBe('an-instance/book#99');
  });

  it('fits even when nothing ended well', () => {
    const steps = Array.from({ length: 500 }, (_, n) => shown(n, 'retrying'));
    const status = fitStatus({ ...base, steps });
    expect(JSON.stringify(status).length).toBeLessThanOrEqual(STATUS_LIMIT);
    expect(status.summary).toEqual([{ name: 'book', state: 'retrying', count: 500 - status.steps.length }]);
  });

  it('fits even when the keys of what is parked are long', () => {
    const failure = { kind: 'error', code: 'x', message: 'x' } as const;
    const one = { what: 'step', name: 'book', key: 'k'.repeat(1_200), since: '2026-01-01T00:00:00.000Z' } as const;
    const alsoParked = Array.from({ length: 9 }, (_, n) => ({ ...one, number: n + 2 }));
    const parked = { ...one, number: 1, failure, others: 9 };
    const status = fitStatus({ ...base, steps: [shown(1, 'done')], parked, alsoParked });
    expect(JSON.stringify(status).length).toBeLessThanOrEqual(STATUS_LIMIT);
    expect(status.parked).toEqual(parked);
    expect(status.alsoParked).toEqual(alsoParked.slice(0, 4));
  });
});
