import { formatDuration, parseDuration } from '../src/duration';

describe('durations', () => {
  it.each([
    ['PT1M', 60_000],
    ['PT0.25S', 250],
    ['P1DT2H3M4.005S', 93_784_005],
    ['P7D', 604_800_000],
    ['PT20H', 72_000_000],
    ['P10675199DT2H48M5.4775807S', Infinity],
    ['PT0S', 0],
  ])('%s is %d milliseconds, and is written so', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
    expect(formatDuration(milliseconds)).toBe(text);
  });

  it.each([
    ['PT90S', 90_000, 'PT1M30S'],
    ['P1Y', 31_536_000_000, 'P365D'],
    ['P2W', 1_209_600_000, 'P14D'],
    ['P99999999D', Infinity, 'P10675199DT2H48M5.4775807S'],
  ])('%s is %d milliseconds, and is written otherwise', (text, milliseconds, written) => {
    expect(parseDuration(text)).toBe(milliseconds);
    expect(formatDuration(milliseconds)).toBe(written);
  });

  it.each(['', 'P', 'PT', '60', '00:01:00', '-PT1M', 'PT1', 'P1H', ' PT1M'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
