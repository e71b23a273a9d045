import { transformSync } from 'esbuild';
import { printTest } from '../../src/testing/explorer/print-test';

const shown: Parameters<typeof printTest>[0] = {
  saga: 'order',
  violation: { invariant: 'one payment', message: "charged 'twice'", step: 'order-1/charge#1' },
  schedule: [
    { kind: 'call', step: "charge#it's", call: 1, when: 'after' },
    { kind: 'kill', turn: 3, when: 'before' },
  ],
  timeline: ['0:00 start', '0:01 a comment */ and a\nsecond line'],
  module: { file: '/shop/test/explore/order.ts', name: 'orders' },
};

const parses = (code: string): void => void transformSync(code, { loader: 'ts' });

describe('a printed test', () => {
  it('is a whole file with the schedule, what was violated and the timeline', () => {
    expect(printTest(shown)).toBe(`// Stands beside order.ts.
import { runSchedule } from 'durable-saga/testing';
import { orders } from './order';

/*
 * violated: one payment at order-1/charge#1
 * charged 'twice'
 *
 * 0:00 start
 * 0:01 a comment * / and a
 * second line
 */
it("order keeps to 'one payment' at order-1/charge#1", async () => {
  const run = await runSchedule(orders.saga, orders.setup, [
    { kind: 'call', step: "charge#it's", call: 1, when: 'after' },
    { kind: 'kill', turn: 3, when: 'before' },
  ]);
  expect(run.violations).toEqual([]);
});
`);
  });

  it('is correct code, whatever the names are', () => {
    const invariant = `both " and ' and \\ and \u2028`;
    const code = printTest({ ...shown, violation: { invariant, message: invariant } });
    expect(() => parses(code)).not.toThrow();
    expect(code).toContain(`it('order keeps to \\'both " and \\' and \\\\ and`);
  });

  it('runs without any fault what is wrong by itself, and says where a setup without a file belongs', () => {
    const code = printTest({ ...shown, schedule: [], module: undefined });
    expect(() => parses(code)).not.toThrow();
    expect(code).toContain('await runSchedule(explored.saga, explored.setup, []);');
    expect(code).toContain('With `module` in the setup it is imported here.');
  });
});
