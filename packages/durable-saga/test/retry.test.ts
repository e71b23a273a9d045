import { failureFromThrown } from '../src/definition/failure';
import { nextDelay, planRetries } from '../src/definition/retry';

describe('retries', () => {
  const failure = failureFromThrown(new Error('x'));
  const delaysOf = (policy: Parameters<typeof planRetries>[1], attempts: number) =>
    Array.from({ length: attempts }, (_, n) =>
      nextDelay(planRetries('step', policy, 'x'), { key: 'k', attempt: n + 1, elapsed: 0, failure }),
    );

  it('wait exponentially longer up to the cap, between half of it and all of it', () => {
    const delays = delaysOf({ attempts: 8, first: '1 second', factor: 2, cap: '10 seconds' }, 7);
    const full = [1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000];
    for (const [n, delay] of delays.entries()) {
      expect(delay).toBeGreaterThanOrEqual(full[n]! / 2);
      expect(delay).toBeLessThanOrEqual(full[n]!);
    }
    expect(new Set(delays).size).toBe(7);
  });

  it('end with the attempts, the deadline, retryIf, and a failure that is not retriable', () => {
    const plan = planRetries('step', { attempts: 3, deadline: '5 seconds' }, 'x');
    const at = (attempt: number, elapsed: number) => nextDelay(plan, { key: 'k', attempt, elapsed, failure });
    expect(at(2, 0)).toBeDefined();
    expect(at(3, 0)).toBeUndefined();
    expect(at(1, 4_900)).toBeUndefined();
    const never = planRetries('step', { retryIf: () => false }, 'x');
    expect(nextDelay(never, { key: 'k', attempt: 1, elapsed: 0, failure })).toBeUndefined();
    const hopeless = { ...failure, retriable: false };
    expect(nextDelay(plan, { key: 'k', attempt: 1, elapsed: 0, failure: hopeless })).toBeUndefined();
  });

  it('never end for the settled activity', () => {
    const plan = planRetries('settled', { attempts: 1, deadline: 1 }, 'x');
    const hopeless = { ...failure, retriable: false };
    expect(nextDelay(plan, { key: 'k', attempt: 10_000, elapsed: 1e12, failure: hopeless })).toBeLessThanOrEqual(
      300_000,
    );
  });

  it('come at once, however many there were, where the first wait is none', () => {
    const plan = planRetries('settled', { first: 0 }, 'x');
    expect(nextDelay(plan, { key: 'k', attempt: 2_000, elapsed: 0, failure })).toBe(1);
  });

  it('take what is left out from the role: a step gives up in minutes, what has no way back in hours', () => {
    expect(planRetries('step', {}, 'x')).toMatchObject({ attempts: 10, first: 1_000, factor: 2, cap: 60_000 });
    expect(planRetries('forward', {}, 'x')).toMatchObject({ attempts: 100, cap: 300_000 });
    expect(planRetries('undo', { attempts: 2 }, 'x')).toMatchObject({ attempts: 2, cap: 300_000 });
  });

  it.each([{ attempts: 0 }, { attempts: NaN }, { factor: 0.5 }, { first: 'soon' as never }])('refuse %j', (policy) => {
    expect(() => planRetries('step', policy, "step 'x'")).toThrow(/^step 'x': /);
  });
});
