/*
 * An action runs on a copy of the message: each statement sees what those before it did. What it answers is only what
 * changed, so that everything else of the message stays as the sender encoded it.
 */
import { type CompiledValue, compileValue } from './compile';
import { convertLike, toSystemValue } from './conversions';
import { type Parameters, parseStatements } from './parser';
import { findApplicationProperty, systemPropertyNames } from './properties';
import type { ChangeableSystemProperty, RuleChanges, RuleMessage, RuleValue } from './rule-message';
import type { Statement } from './syntax';

/** An action, compiled: what changes in the subscription's copy of the message. Throws RuleEvaluationError. */
export type CompiledAction = (message: RuleMessage) => RuleChanges;

interface Draft {
  readonly message: { readonly system: Record<string, unknown>; readonly application: Record<string, unknown> };
  readonly system: Partial<Record<ChangeableSystemProperty, RuleValue>>;
  readonly application: Record<string, RuleValue | undefined>;
}

/** Compiles an action (`SET ...; REMOVE ...`) once. Throws RuleSyntaxError when it cannot be used. */
export function compileAction(expression: string, parameters: Parameters = {}): CompiledAction {
  const steps = parseStatements(expression, parameters).map(compileStatement);
  return (message) => {
    const draft: Draft = {
      message: {
        system: Object.fromEntries(systemPropertyNames.map((name) => [name, message.system[name]])),
        application: { ...message.application },
      },
      system: {},
      application: {},
    };
    for (const step of steps) step(draft);
    return { system: draft.system, application: draft.application };
  };
}

function compileStatement(statement: Statement): (draft: Draft) => void {
  const { property } = statement;
  const value: CompiledValue | undefined = statement.kind === 'set' ? compileValue(statement.value) : undefined;
  if (property.scope === 'system') {
    const name = property.name as ChangeableSystemProperty;
    return (draft) => setSystem(draft, name, toSystemValue(name, value?.(draft.message) ?? null));
  }
  const { name } = property;
  if (!value) return (draft) => remove(draft, name);
  return (draft) => set(draft, name, value(draft.message) ?? null);
}

function setSystem(draft: Draft, name: ChangeableSystemProperty, value: RuleValue): void {
  draft.system[name] = value;
  draft.message.system[name] = value;
}

/** A property that is there keeps its name and, where the new value allows it, its type. */
function set(draft: Draft, name: string, value: RuleValue): void {
  const { application } = draft.message;
  const known = findApplicationProperty(application, name);
  const key = known ?? name;
  const converted = known === undefined ? value : convertLike(application[known], value);
  application[key] = converted;
  draft.application[key] = converted;
}

function remove(draft: Draft, name: string): void {
  const { application } = draft.message;
  const known = findApplicationProperty(application, name);
  if (known === undefined) return;
  Reflect.deleteProperty(application, known);
  draft.application[known] = undefined;
}
