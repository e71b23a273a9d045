import { sumUp } from '../../src/testing';

it('sums explorations up in a line', () => {
  const paths = [
    { schedules: 1_400, violations: 0, elapsed: 1_990 },
    { schedules: 12, violations: 1, elapsed: 100 },
  ];
  expect(sumUp('placeOrder', paths)).toBe('placeOrder: 1,412 schedules, 1 violation, 2.1 s');
});
