import { compileAction } from '../../src/rules/action';
import { compileFilter, type Filter } from '../../src/rules/filter';
import { RuleEvaluationError, RuleSyntaxError } from '../../src/rules/rule-error';
import { actionRows, failingActions, filterRows, refusedActions, refusedFilters } from './rows';

const toFilter = (filter: string | Filter): Filter =>
  typeof filter === 'string' ? { kind: 'sql', expression: filter } : filter;

describe('A filter', () => {
  it.each(filterRows)('$title', ({ filter, system = {}, application = {}, result }) => {
    const compiled = compileFilter(toFilter(filter));
    const run = (): boolean => compiled({ system, application });
    if (result === 'error') expect(run).toThrow(RuleEvaluationError);
    else expect(run()).toBe(result);
  });

  it.each(refusedFilters)('is refused when it reads $expression', ({ expression, says }) => {
    const compile = (): unknown => compileFilter({ kind: 'sql', expression });
    expect(compile).toThrow(RuleSyntaxError);
    expect(compile).toThrow(says);
  });

  it('tells the character at which it goes wrong', () => {
    try {
      compileFilter({ kind: 'sql', expression: 'a = = 1' });
    } catch (error) {
      expect(error).toMatchObject({ name: 'RuleSyntaxError', position: 4 });
    }
    expect.assertions(1);
  });

  it('is refused when it correlates by nothing', () => {
    expect(() => compileFilter({ kind: 'correlation', properties: {} })).toThrow(RuleSyntaxError);
  });

  it('says which values do not compare', () => {
    const filter = compileFilter({ kind: 'sql', expression: "a = 'x'" });
    expect(() => filter({ system: {}, application: { a: 5 } })).toThrow(
      '= does not compare the number 5 with the string "x".',
    );
  });

  it('reads only the properties that it names', () => {
    const filter = compileFilter({ kind: 'sql', expression: "sys.Label = 'a'" });
    const message = {
      system: { Label: 'a' },
      get application(): never {
        throw new Error('The application properties were read.');
      },
    };
    expect(filter(message)).toBe(true);
  });

  it('does not take for ever over a pattern made to', () => {
    const filter = compileFilter({ kind: 'sql', expression: `a LIKE '${'%a'.repeat(400)}b'` });
    expect(filter({ system: {}, application: { a: 'a'.repeat(20_000) } })).toBe(false);
  });
});

describe('An action', () => {
  it.each(actionRows)('$title', ({ action, system = {}, application = {}, changes }) => {
    const made = compileAction(action)({ system, application });
    expect(made).toEqual({ system: changes.system ?? {}, application: changes.application ?? {} });
    expect(Object.keys(made.application)).toEqual(expect.arrayContaining(Object.keys(changes.application ?? {})));
  });

  it.each(refusedActions)('is refused when it reads $expression', ({ expression, says }) => {
    const compile = (): unknown => compileAction(expression);
    expect(compile).toThrow(RuleSyntaxError);
    expect(compile).toThrow(says);
  });

  it.each(failingActions)('cannot be worked out when it reads $expression', ({ expression, says }) => {
    const run = (): unknown => compileAction(expression)({ system: {}, application: {} });
    expect(run).toThrow(RuleEvaluationError);
    expect(run).toThrow(says);
  });

  it('takes parameters and leaves the message as it was', () => {
    const application = { a: 1 };
    const changes = compileAction('SET a = @b', { b: 2 })({ system: {}, application });
    expect(changes.application).toEqual({ a: 2 });
    expect(application).toEqual({ a: 1 });
  });

  it('changes system properties that the message has as getters', () => {
    class Lazy {
      readonly #bytes = Buffer.from('old');
      get Label(): string {
        return this.#bytes.toString();
      }
    }
    const changes = compileAction("SET sys.Label = sys.Label + '!'; SET seen = sys.Label")({
      system: new Lazy(),
      application: {},
    });
    expect(changes).toEqual({ system: { Label: 'old!' }, application: { seen: 'old!' } });
  });
});
