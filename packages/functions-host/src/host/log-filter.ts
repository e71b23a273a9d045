import type { LogLevel } from '../log';

const severity: Readonly<Record<LogLevel | 'None', number>> = {
  Trace: 0,
  Debug: 1,
  Information: 2,
  Warning: 3,
  Error: 4,
  Critical: 5,
  None: 6,
};

/**
 * Decides by host.json's `logging.logLevel` which lines are written: the longest category that is a prefix of the line's
 * own (without case) sets the minimum, `default` does for all others, Information without one.
 */
export function createLogFilter(
  levels: Readonly<Record<string, LogLevel | 'None'>>,
): (level: LogLevel, category: string) => boolean {
  const rules = Object.entries(levels)
    .filter(([prefix]) => prefix.toLowerCase() !== 'default')
    .map(([prefix, level]) => ({ prefix: prefix.toLowerCase(), minimum: severity[level] }))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  const fallback = Object.entries(levels).find(([prefix]) => prefix.toLowerCase() === 'default')?.[1] ?? 'Information';
  const minimums = new Map<string, number>();
  const toMinimum = (category: string): number => {
    const lowerCased = category.toLowerCase();
    return rules.find(({ prefix }) => lowerCased.startsWith(prefix))?.minimum ?? severity[fallback];
  };
  return (level, category) => {
    let minimum = minimums.get(category);
    if (minimum === undefined) {
      minimum = toMinimum(category);
      minimums.set(category, minimum);
    }
    return severity[level] >= minimum;
  };
}
