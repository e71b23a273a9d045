/**
 * A filter or an action that cannot be used: it is refused when the rule is made, never later. `position` is where in
 * the expression, in characters from 0; undefined when the expression as a whole is meant.
 */
export class RuleSyntaxError extends Error {
  override readonly name = 'RuleSyntaxError';
  readonly position: number | undefined;

  constructor(message: string, position?: number) {
    super(position === undefined ? message : `${message} (at character ${position + 1})`);
    this.position = position;
  }
}

/**
 * A rule that is well-formed and cannot be worked out for this message: operands of types that do not compare, a
 * division by zero. A subscription with deadLetteringOnFilterEvaluationExceptions dead-letters the message, any other
 * does without it.
 */
export class RuleEvaluationError extends Error {
  override readonly name = 'RuleEvaluationError';
}
