import { z } from 'zod';
import { activity, saga } from '../src';
import { toMilliseconds, toTimeout } from '../src/definition/duration';

describe('durations', () => {
  it.each([
    [0, 0],
    [1500, 1500],
    ['200 ms', 200],
    ['1 second', 1_000],
    ['30 seconds', 30_000],
    ['1.5 hours', 5_400_000],
    ['2 days', 172_800_000],
    ['5 m', 300_000],
  ] as const)('%j is %d ms', (duration, expected) => {
    expect(toMilliseconds(duration, 'here')).toBe(expected);
  });

  it.each(['', '5', 'minutes', '5 minuten', '-1 second', 'x seconds', '1 second 2', -1, NaN, Infinity, null, {}])(
    '%j is none, and is named with its place',
    (duration) => {
      expect(() => toMilliseconds(duration as never, 'step x')).toThrow(/^step x: expected a duration/);
    },
  );

  it('of no length are no time that something may take', () => {
    expect(toTimeout('1 ms', 'here')).toBe(1);
    expect(() => toTimeout('0.4 ms', 'here')).toThrow('here: expected at least 1 ms, got "0.4 ms"');
    const input = z.object({});
    expect(() => activity({ name: 'book', input, timeout: 0, run: () => async () => undefined })).toThrow(
      "activity 'book': timeout: expected at least 1 ms, got 0; leave it out where there is no limit",
    );
    expect(() => saga({ name: 'order', version: '1', input, timeout: '0 hours' }, function* () {})).toThrow(
      "saga 'order': timeout: expected at least 1 ms",
    );
  });
});
