import { failureFromThrown } from '../src/definition/failure';
import { parkNoticeSchema } from '../src/definition/park-notice';
import { settlementSchema } from '../src/definition/settlement';

describe('settlements', () => {
  it('are checked like any other input', () => {
    const check = (value: unknown) => settlementSchema['~standard'].validate(value);
    const failure = failureFromThrown(new Error('x'));
    expect(check({ saga: 'order', instanceId: 'a', outcome: 'compensated', failure })).toEqual({
      value: { saga: 'order', instanceId: 'a', outcome: 'compensated', failure },
    });
    expect(check(7)).toEqual({ issues: [{ path: [], message: 'expected an object, got number' }] });
    expect(check({ outcome: 'odd', failure: {} })).toEqual({
      issues: [
        { path: ['saga'], message: 'expected a string' },
        { path: ['instanceId'], message: 'expected a string' },
        { path: ['outcome'], message: "expected 'completed', 'compensated' or 'compensationFailed'" },
        { path: ['failure'], message: 'expected a failure' },
      ],
    });
  });
});

describe('notices of parking', () => {
  it('are checked like any other input', () => {
    const check = (value: unknown) => parkNoticeSchema['~standard'].validate(value);
    const failure = failureFromThrown(new Error('x'));
    const parked = { saga: 'order', instanceId: 'a', state: 'parked', step: 'a/pay#1', failure };
    expect(check(parked)).toEqual({ value: parked });
    const resumed = { saga: 'order', instanceId: 'a', state: 'resumed' };
    expect(check(resumed)).toEqual({ value: resumed });
    expect(check({ state: 'parked' })).toEqual({
      issues: [
        { path: ['saga'], message: 'expected a string' },
        { path: ['instanceId'], message: 'expected a string' },
        { path: ['step'], message: 'expected a string' },
        { path: ['failure'], message: 'expected a failure' },
      ],
    });
    expect(check({ saga: 'order', instanceId: 'a', state: 'odd' })).toEqual({
      issues: [{ path: ['state'], message: "expected 'parked' or 'resumed'" }],
    });
  });
});
