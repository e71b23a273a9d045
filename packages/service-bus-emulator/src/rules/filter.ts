import { compileCondition } from './compile';
import { compileCorrelation } from './correlation';
import { parseCondition } from './parser';
import type { RuleMessage, RuleValue } from './rule-message';

/**
 * Which messages a subscription takes. `sql` is a condition over properties; `correlation` is met when each property
 * that it names equals the message's, value and type.
 */
export type Filter =
  | { readonly kind: 'true' }
  | { readonly kind: 'false' }
  | {
      readonly kind: 'sql';
      readonly expression: string;
      /** Values of `@name` in the expression, by name with or without `@`. */
      readonly parameters?: Readonly<Record<string, RuleValue>>;
    }
  | CorrelationFilter;

export interface CorrelationFilter {
  readonly kind: 'correlation';
  readonly contentType?: string;
  readonly correlationId?: string;
  readonly label?: string;
  readonly messageId?: string;
  readonly replyTo?: string;
  readonly replyToSessionId?: string;
  readonly sessionId?: string;
  readonly to?: string;
  /** Application properties. */
  readonly properties?: Readonly<Record<string, RuleValue>>;
}

/** A filter, compiled: true when the message is taken. Throws RuleEvaluationError. */
export type CompiledFilter = (message: RuleMessage) => boolean;

/** Compiles a filter once. Throws RuleSyntaxError when it cannot be used. */
export function compileFilter(filter: Filter): CompiledFilter {
  switch (filter.kind) {
    case 'true':
      return () => true;
    case 'false':
      return () => false;
    case 'correlation':
      return compileCorrelation(filter);
    case 'sql': {
      const condition = compileCondition(parseCondition(filter.expression, filter.parameters ?? {}));
      return (message) => condition(message) === true;
    }
  }
}
