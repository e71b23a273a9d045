/*
 * What the operators do with values. Azure documents C#'s rules: numbers compare and calculate with each other (two
 * integers divide to an integer), equal types compare, and what C# would not compile (a string with a number, `<`
 * between strings or booleans) is an error of this evaluation, not "false". JavaScript has one kind of number, so a
 * whole number counts as an integer unless a constant with a point or an exponent made it a double.
 */
import { RuleEvaluationError } from './rule-error';
import type { RuleValue } from './rule-message';
import type { ArithmeticOperator, ComparisonOperator } from './syntax';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

type Numeric = number | bigint;

const isNumeric = (value: RuleValue): value is Numeric => typeof value === 'number' || typeof value === 'bigint';

/** Null on either side is unknown, as in SQL. */
export function compare(operator: ComparisonOperator, left: RuleValue, right: RuleValue): boolean | undefined {
  if (left === null || right === null) return undefined;
  if (isNumeric(left) && isNumeric(right)) return compareOrdered(operator, left, right);
  if (left instanceof Date && right instanceof Date) {
    return compareOrdered(operator, left.getTime(), right.getTime());
  }
  const equatable = typeof left === typeof right && typeof left !== 'object';
  if (equatable && operator === '=') return left === right;
  if (equatable && operator === '<>') return left !== right;
  throw new RuleEvaluationError(`${operator} does not compare ${show(left)} with ${show(right)}.`);
}

function compareOrdered(operator: ComparisonOperator, left: Numeric, right: Numeric): boolean {
  switch (operator) {
    case '=':
      return left >= right && left <= right;
    case '<>':
      return left < right || left > right;
    case '<':
      return left < right;
    case '>':
      return left > right;
    case '<=':
      return left <= right;
    case '>=':
      return left >= right;
  }
}

/** `double` says that the result is a double whatever the values look like. Null on either side is unknown. */
export function calculate(
  operator: ArithmeticOperator,
  left: RuleValue,
  right: RuleValue,
  double: boolean,
): RuleValue | undefined {
  if (left === null || right === null) return undefined;
  if (isNumeric(left) && isNumeric(right)) {
    const integers = !double && isInteger(left) && isInteger(right);
    return integers
      ? calculateIntegers(operator, left, right)
      : calculateDoubles(operator, Number(left), Number(right));
  }
  if (operator === '+' && (typeof left === 'string' || typeof right === 'string')) return textOf(left) + textOf(right);
  throw new RuleEvaluationError(`${operator} does not take ${show(left)} and ${show(right)}.`);
}

export function negate(value: RuleValue): RuleValue | undefined {
  if (value === null) return undefined;
  if (!isNumeric(value)) throw new RuleEvaluationError(`- does not take ${show(value)}.`);
  return typeof value === 'bigint' ? narrow(-value) : 0 - value;
}

export function affirm(value: RuleValue): RuleValue | undefined {
  if (value === null) return undefined;
  if (!isNumeric(value)) throw new RuleEvaluationError(`+ does not take ${show(value)}.`);
  return value;
}

const isInteger = (value: Numeric): boolean => typeof value === 'bigint' || Number.isSafeInteger(value);

function calculateDoubles(operator: ArithmeticOperator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
  }
}

function calculateIntegers(operator: ArithmeticOperator, left: Numeric, right: Numeric): Numeric {
  const divides = operator === '/' || operator === '%';
  // eslint-disable-next-line eqeqeq -- 0 and 0n alike
  if (divides && right == 0) throw new RuleEvaluationError(`${left} ${operator} 0 divides by zero.`);
  if (typeof left === 'number' && typeof right === 'number') {
    const result = calculateDoubles(operator, left, right);
    const whole = divides ? Math.trunc(result) : result;
    if (Number.isSafeInteger(whole)) return whole + 0;
  }
  return narrow(calculateLongs(operator, BigInt(left), BigInt(right)));
}

function calculateLongs(operator: ArithmeticOperator, left: bigint, right: bigint): bigint {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
  }
}

function narrow(value: bigint): Numeric {
  if (value < INT64_MIN || value > INT64_MAX) {
    throw new RuleEvaluationError(`${value} does not fit a 64-bit integer.`);
  }
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** A value as text: what `+` appends to a string, and what a string property takes. */
export function textOf(value: Exclude<RuleValue, null>): string {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) throw new RuleEvaluationError('Binary values have no text.');
  return String(value);
}

/** A value for people: its type and what it is. */
export function show(value: RuleValue | undefined): string {
  if (value === undefined) return 'a property that is not there';
  if (value === null) return 'null';
  if (value instanceof Date) return `the time ${value.toISOString()}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return `the ${typeof value === 'bigint' ? 'number' : typeof value} ${typeof value === 'string' ? JSON.stringify(value) : value}`;
}
