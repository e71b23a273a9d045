import { failureFromThrown } from '../src/failure';
import { settlementSchema } from '../src/settlement';

describe('settlements', () => {
  it('are checked like any other input', () => {
    const check = (value: unknown) => settlementSchema['~standard'].validate(value);
    const failure = failureFromThrown(new Error('x'));
    expect(check({ instanceId: 'a', outcome: 'compensated', failure })).toEqual({
      value: { instanceId: 'a', outcome: 'compensated', failure },
    });
    expect(check(7)).toEqual({ issues: [{ path: [], message: 'expected an object, got number' }] });
    expect(check({ outcome: 'odd', failure: {} })).toEqual({
      issues: [
        { path: ['instanceId'], message: 'expected a string' },
        { path: ['outcome'], message: "expected 'completed', 'compensated' or 'compensationFailed'" },
        { path: ['failure'], message: 'expected a failure' },
      ],
    });
  });
});
