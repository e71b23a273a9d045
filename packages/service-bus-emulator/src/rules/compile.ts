/*
 * Closures from syntax: what does not depend on the message is settled once. Unknown is `undefined` throughout, both
 * for a value and for a condition.
 */
import { randomUUID } from 'node:crypto';
import { compileLike } from './like';
import { affirm, calculate, compare, negate, show } from './operators';
import { readApplicationProperty, readerOf } from './properties';
import { RuleEvaluationError } from './rule-error';
import type { RuleMessage, RuleValue } from './rule-message';
import type { ConditionNode, ValueNode } from './syntax';

export type CompiledValue = (message: RuleMessage) => RuleValue | undefined;
type CompiledCondition = (message: RuleMessage) => boolean | undefined;

export function compileValue(node: ValueNode): CompiledValue {
  switch (node.kind) {
    case 'constant': {
      const { value } = node;
      return () => value;
    }
    case 'property':
      return readerOf(node);
    case 'newId':
      return () => randomUUID();
    case 'propertyOf': {
      const nameOf = compileValue(node.name);
      return (message) => {
        const name = nameOf(message);
        if (name === undefined || name === null) return undefined;
        if (typeof name !== 'string') throw new RuleEvaluationError(`property() takes a name, got ${show(name)}.`);
        return readApplicationProperty(message, name);
      };
    }
    case 'sign': {
      const operand = compileValue(node.operand);
      const apply = node.operator === '-' ? negate : affirm;
      return (message) => {
        const value = operand(message);
        return value === undefined ? undefined : apply(value);
      };
    }
    case 'arithmetic': {
      const { operator } = node;
      const double = isDouble(node);
      const left = compileValue(node.left);
      const right = compileValue(node.right);
      return (message) => {
        const a = left(message);
        const b = right(message);
        return a === undefined || b === undefined ? undefined : calculate(operator, a, b, double);
      };
    }
  }
}

/** Whether a value is a double for certain: a constant with a point or an exponent makes all it touches one. */
function isDouble(node: ValueNode): boolean {
  switch (node.kind) {
    case 'constant':
      return node.double;
    case 'sign':
      return isDouble(node.operand);
    case 'arithmetic':
      return isDouble(node.left) || isDouble(node.right);
    default:
      return false;
  }
}

export function compileCondition(node: ConditionNode): CompiledCondition {
  switch (node.kind) {
    case 'and':
      return compileChain(node.operands, false);
    case 'or':
      return compileChain(node.operands, true);
    case 'not': {
      const operand = compileCondition(node.operand);
      return (message) => {
        const met = operand(message);
        return met === undefined ? undefined : !met;
      };
    }
    case 'comparison': {
      const { operator } = node;
      const left = compileValue(node.left);
      const right = compileValue(node.right);
      return (message) => {
        const a = left(message);
        const b = right(message);
        return a === undefined || b === undefined ? undefined : compare(operator, a, b);
      };
    }
    case 'isNull': {
      const read = readerOf(node.property);
      return (message) => (read(message) ?? null) === null;
    }
    case 'exists': {
      const { property } = node;
      const read = readerOf(property);
      const missing = property.scope === 'system' ? null : undefined;
      return (message) => read(message) !== missing;
    }
    case 'in':
      return compileIn(compileValue(node.operand), node.items.map(compileValue));
    case 'like':
      return compileLikeNode(node);
  }
}

/** AND ends at the first false, OR at the first true; otherwise one unknown makes the whole unknown. */
function compileChain(operands: readonly ConditionNode[], decisive: boolean): CompiledCondition {
  const conditions = operands.map(compileCondition);
  return (message) => {
    let result: boolean | undefined = !decisive;
    for (const condition of conditions) {
      const met = condition(message);
      if (met === decisive) return decisive;
      if (met === undefined) result = undefined;
    }
    return result;
  };
}

function compileIn(operand: CompiledValue, items: readonly CompiledValue[]): CompiledCondition {
  return (message) => {
    const value = operand(message);
    if (value === undefined || value === null) return undefined;
    let result: boolean | undefined = false;
    for (const item of items) {
      const other = item(message);
      const equal = other === undefined ? undefined : compare('=', value, other);
      if (equal) return true;
      if (equal === undefined) result = undefined;
    }
    return result;
  };
}

function compileLikeNode(node: ConditionNode & { kind: 'like' }): CompiledCondition {
  const operand = compileValue(node.operand);
  const pattern = compileValue(node.pattern);
  const escape = node.escape ? compileValue(node.escape) : undefined;
  let last: { pattern: string; escape: string | undefined; matches: (text: string) => boolean } | undefined;
  return (message) => {
    const text = textOperand('LIKE', operand(message));
    const wanted = textOperand('LIKE', pattern(message));
    const mark = escape ? textOperand('ESCAPE', escape(message)) : '';
    if (text === undefined || wanted === undefined || mark === undefined) return undefined;
    const escapeWith = escape ? mark : undefined;
    if (last?.pattern !== wanted || last.escape !== escapeWith) {
      last = { pattern: wanted, escape: escapeWith, matches: compileLike(wanted, escapeWith) };
    }
    return last.matches(text);
  };
}

function textOperand(operator: string, value: RuleValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw new RuleEvaluationError(`${operator} takes a string, got ${show(value)}.`);
}
