import Sequencer from '@jest/test-sequencer';

/**
 * Suites that explore, and those that start processes, kill them and wait for them, take the longest, though their files are short: where jest
 * has no times of an earlier run, as in CI, it would begin with the largest files, and end with one worker at such a suite.
 */
const LONG = [
  'test/explore/',
  'packages/durable-saga/test/mistakes.test.ts',
  'packages/functions-host/test/crash/',
  'test/integration/',
  'packages/functions-host/test/supervisor/',
  'packages/functions-host/test/engine/entity-recovery.test.ts',
  '-failures.test.ts',
  'killed-',
  '-kill.test.ts',
  '/package.test.ts',
  'functions-host.test.ts',
  'packages/functions-host/test/host/',
  'packages/functions-host/test/durable/standby.test.ts',
];

export default class LongestFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    if (sorted.some(({ duration }) => duration !== undefined)) return sorted;
    const rank = ({ path }) => {
      const place = LONG.findIndex((part) => path.includes(part));
      return place < 0 ? LONG.length : place;
    };
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}
