import { evaluate, interpolate, isMet } from '../../../scripts/deploy/dry-run/expression';

/** Expressions as GitHub's runner evaluates them, as far as the roll-out uses them. */

const well = { hasFailed: false, isCancelled: false };
const failed = { hasFailed: true, isCancelled: false };
const contexts = {
  env: { APP: 'shop', EMPTY: '' },
  inputs: { environment: 'staging', 'skip-replay-gate': false },
  steps: { deploy: { outcome: 'skipped' } },
};

describe('an expression', () => {
  it.each([
    ["env.APP == 'SHOP'", true],
    ["env.EMPTY != ''", false],
    ["env.MISSING == ''", true],
    ['inputs.skip-replay-gate == false', true],
    ["inputs.environment == 'staging' && !inputs.skip-replay-gate", true],
    ["steps.deploy.outcome != '' && steps.deploy.outcome != 'skipped'", false],
    ["steps.later.outcome != ''", false],
    ["env.EMPTY || 'other'", 'other'],
    ["(false || true) && 'it''s'", "it's"],
    ['null', null],
  ])('%s is %j', (expression, value) => {
    expect(evaluate(expression, contexts, well)).toBe(value);
  });

  it.each([
    ['hashFiles()', 'the function hashFiles'],
    ['secrets.KEY', 'the context secrets'],
    ['env.APP == ', 'its end'],
    ["env.APP 'x'", "'x'"],
    ['env.APP > 1', "'> 1'"],
  ])('that is not known here is refused: %s', (expression, why) => {
    expect(() => evaluate(expression, contexts, well)).toThrow(why);
  });

  it('stands in a text between braces', () => {
    expect(interpolate('a ${{ env.APP }}-${{ inputs.environment }} b ${{ env.MISSING }}', contexts, well)).toBe(
      'a shop-staging b ',
    );
  });
});

describe('a condition', () => {
  it('holds only while nothing has failed, unless it asks for that itself', () => {
    expect(isMet(undefined, contexts, well)).toBe(true);
    expect(isMet(undefined, contexts, failed)).toBe(false);
    expect(isMet("env.APP == 'shop'", contexts, failed)).toBe(false);
    expect(isMet("failure() && env.APP == 'shop'", contexts, failed)).toBe(true);
    expect(isMet('failure()', contexts, well)).toBe(false);
    expect(isMet('${{ always() }}', contexts, failed)).toBe(true);
    expect(isMet('failure() || cancelled()', contexts, { hasFailed: false, isCancelled: true })).toBe(true);
  });
});
