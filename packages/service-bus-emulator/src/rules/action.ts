import type { RuleChanges, RuleMessage, RuleValue } from './rule-message';

/** An action, compiled: what changes in the subscription's copy of the message. Throws RuleEvaluationError. */
export type CompiledAction = (message: RuleMessage) => RuleChanges;

/** Compiles an action (`SET ...; REMOVE ...`) once. Throws RuleSyntaxError when it cannot be used. */
export function compileAction(
  _expression: string,
  _parameters: Readonly<Record<string, RuleValue>> = {},
): CompiledAction {
  throw new Error('Actions are not there yet.');
}
