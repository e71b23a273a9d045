import { failureFromThrown, isFailure, messageOf, StepFailure } from '../src/definition/failure';

describe('failures as data', () => {
  it('keep what a StepFailure says, of this or another copy of the package', () => {
    const options = { code: 'c', message: 'm', effect: 'none', details: { n: 1 } } as const;
    const expected = { kind: 'declared', code: 'c', message: 'm', retriable: false, effect: 'none', details: { n: 1 } };
    expect(failureFromThrown(new StepFailure(options))).toEqual(expected);
    const copy = Object.assign(new Error('m'), { name: 'StepFailure', retriable: false, ...options });
    expect(failureFromThrown(copy)).toEqual(expected);
  });

  it.each([
    [new Error('boom'), 'error', 'boom'],
    [Object.assign(new Error('boom'), { code: 'ECONNRESET' }), 'ECONNRESET', 'boom'],
    [Object.assign(new Error('boom'), { code: 23505 }), '23505', 'boom'],
    [Object.assign(new Error('boom'), { code: { odd: true } }), 'error', 'boom'],
    [new AggregateError([new Error('one'), new Error('two')]), 'error', 'one; two'],
    [new TypeError(''), 'error', 'TypeError'],
    ['text', 'error', 'thrown value: "text"'],
    [undefined, 'error', 'thrown value: undefined'],
    [Symbol('s'), 'error', 'thrown value: Symbol(s)'],
  ])('take anything else, like %p, as "maybe ran, try again"', (thrown, code, message) => {
    const failure = failureFromThrown(thrown);
    expect(failure).toEqual({ kind: 'error', code, message, retriable: true, effect: 'unknown' });
    expect(isFailure(JSON.parse(JSON.stringify(failure)))).toBe(true);
  });

  it('say something of a value that can not be shown', () => {
    const ring: { self?: unknown } = {};
    ring.self = ring;
    expect(messageOf(ring)).toBe('thrown value: [object Object]');
  });

  it('are told from other values', () => {
    for (const value of [null, 'x', {}, { kind: 'error', code: 'x', message: 'x', retriable: 1, effect: 'none' }]) {
      expect(isFailure(value)).toBe(false);
    }
  });
});
