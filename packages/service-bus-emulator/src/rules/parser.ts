/*
 * A recursive-descent parser of Service Bus's SQL: one function a level of precedence, from OR down to a constant.
 * Conditions (true, false, unknown) and values are different things in this language, yet a parenthesis may open
 * either, so each level takes what the one below found and says at which place the other kind was wanted. All errors
 * name the character, what was expected and what came.
 */
import { findSystemProperty, isChangeable, systemPropertyNames } from './properties';
import { RuleSyntaxError } from './rule-error';
import type { RuleValue } from './rule-message';
import {
  type ArithmeticOperator,
  type ComparisonOperator,
  type ConditionNode,
  isCondition,
  type Node,
  type Property,
  type Statement,
  type ValueNode,
} from './syntax';
import { type Token, tokensOf } from './tokens';

/** Values of `@name`, by name with or without `@`. */
export type Parameters = Readonly<Record<string, RuleValue>>;

/** Azure's limit on the statements of one action. */
const MOST_STATEMENTS = 32;

/** Parses a filter's condition. Throws RuleSyntaxError. */
export function parseCondition(expression: string, parameters: Parameters): ConditionNode {
  const parser = new Parser(expression, parameters);
  const condition = parser.condition();
  parser.expectEnd('AND, OR or the end');
  return condition;
}

/** Parses an action's statements. Throws RuleSyntaxError. */
export function parseStatements(expression: string, parameters: Parameters): readonly Statement[] {
  const parser = new Parser(expression, parameters);
  const statements: Statement[] = [];
  do {
    statements.push(parser.statement());
    while (parser.takeMark(';'));
  } while (!parser.atEnd());
  if (statements.length > MOST_STATEMENTS) {
    throw new RuleSyntaxError(`Expected at most ${MOST_STATEMENTS} statements, got ${statements.length}`);
  }
  return statements;
}

const comparisons: Readonly<Record<string, ComparisonOperator>> = {
  '=': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '>': '>',
  '<=': '<=',
  '>=': '>=',
};

class Parser {
  readonly #tokens: readonly Token[];
  readonly #parameters: ReadonlyMap<string, RuleValue>;
  #next = 0;

  constructor(expression: string, parameters: Parameters) {
    this.#tokens = tokensOf(expression);
    this.#parameters = new Map(
      Object.entries(parameters).map(([name, value]) => [name.replace(/^@?/, '@').toLowerCase(), value]),
    );
  }

  condition(): ConditionNode {
    return requireCondition(this.#or());
  }

  statement(): Statement {
    if (this.#takeKeyword('REMOVE')) return { kind: 'remove', property: this.#changeable() };
    if (!this.#takeKeyword('SET')) throw this.#unexpected('SET or REMOVE');
    const property = this.#changeable();
    if (!this.takeMark('=')) throw this.#unexpected('=');
    return { kind: 'set', property, value: requireValue(this.#sum()) };
  }

  atEnd = (): boolean => this.#peek().kind === 'end';

  expectEnd(expected: string): void {
    if (!this.atEnd()) throw this.#unexpected(expected);
  }

  takeMark(...marks: readonly string[]): Token | undefined {
    const token = this.#peek();
    if (token.kind !== 'mark' || !marks.includes(token.text)) return undefined;
    this.#next += 1;
    return token;
  }

  #or = (): Node => this.#chain('OR', () => this.#and());
  #and = (): Node => this.#chain('AND', () => this.#not());

  #chain(keyword: 'AND' | 'OR', operand: () => Node): Node {
    const first = operand();
    const operands = [first];
    while (this.#takeKeyword(keyword)) operands.push(operand());
    if (operands.length === 1) return first;
    const kind = keyword === 'AND' ? 'and' : 'or';
    return { kind, position: first.position, operands: operands.map(requireCondition) };
  }

  #not(): Node {
    const not = this.#takeKeyword('NOT');
    if (!not) return this.#predicate();
    return { kind: 'not', position: not.position, operand: requireCondition(this.#not()) };
  }

  /** A value with what is asked of it (a comparison, IS, IN, LIKE), or a value or condition alone. */
  #predicate(): Node {
    const left = this.#sum();
    const mark = this.takeMark(...Object.keys(comparisons));
    const operator = mark && comparisons[mark.text];
    if (mark && operator) {
      const right = requireValue(this.#sum());
      return { kind: 'comparison', position: mark.position, operator, left: requireValue(left), right };
    }
    if (this.#takeKeyword('IS')) {
      const not = this.#takeKeyword('NOT');
      const token = this.#peek();
      if (token.kind !== 'constant' || token.value !== null) throw this.#unexpected(not ? 'NULL' : 'NULL or NOT NULL');
      this.#next += 1;
      return negated(not, { kind: 'isNull', position: left.position, property: requireProperty(left, 'IS') });
    }
    const not = this.#takeKeyword('NOT');
    if (this.#takeKeyword('IN')) return negated(not, this.#in(requireValue(left)));
    if (this.#takeKeyword('LIKE')) return negated(not, this.#like(requireValue(left)));
    if (not) throw this.#unexpected('IN or LIKE');
    return left;
  }

  #in(operand: ValueNode): ConditionNode {
    this.#open('IN');
    const items = [requireValue(this.#sum())];
    while (this.takeMark(',')) items.push(requireValue(this.#sum()));
    this.#close();
    return { kind: 'in', position: operand.position, operand, items };
  }

  #like(operand: ValueNode): ConditionNode {
    const pattern = requireValue(this.#sum());
    const escape = this.#takeKeyword('ESCAPE') ? requireValue(this.#sum()) : undefined;
    return { kind: 'like', position: operand.position, operand, pattern, escape };
  }

  #sum = (): Node => this.#binary(['+', '-'], () => this.#product());
  #product = (): Node => this.#binary(['*', '/', '%'], () => this.#sign());

  #binary(operators: readonly ArithmeticOperator[], operand: () => Node): Node {
    let left = operand();
    for (let mark = this.takeMark(...operators); mark; mark = this.takeMark(...operators)) {
      const operator = mark.text as ArithmeticOperator;
      const right = requireValue(operand());
      left = { kind: 'arithmetic', position: mark.position, operator, left: requireValue(left), right };
    }
    return left;
  }

  #sign(): Node {
    const mark = this.takeMark('+', '-');
    if (!mark) return this.#primary();
    const operator = mark.text as '+' | '-';
    return { kind: 'sign', position: mark.position, operator, operand: requireValue(this.#sign()) };
  }

  #primary(): Node {
    const token = this.#peek();
    switch (token.kind) {
      case 'constant':
        this.#next += 1;
        return token;
      case 'parameter':
        this.#next += 1;
        return this.#parameter(token);
      case 'name':
        return this.#function() ?? this.#property();
      default:
        return this.#parenthesised();
    }
  }

  #parenthesised(): Node {
    const exists = this.#takeKeyword('EXISTS');
    if (exists) {
      this.#open('EXISTS');
      const property = this.#property();
      this.#close();
      return { kind: 'exists', position: exists.position, property };
    }
    if (!this.takeMark('(')) throw this.#unexpected('a property, a constant, a function or "("');
    const inner = this.#or();
    this.#close();
    return inner;
  }

  #parameter(token: Token & { kind: 'parameter' }): ValueNode {
    const value = this.#parameters.get(token.name.toLowerCase());
    if (value !== undefined) return { kind: 'constant', position: token.position, value, double: false };
    const known = this.#parameters.size === 0 ? 'none' : [...this.#parameters.keys()].join(', ');
    throw new RuleSyntaxError(`Expected a parameter that has a value (${known}), got ${token.name}`, token.position);
  }

  /** `newid()`, `property(name)`, `p(name)`; undefined when what comes is no call. */
  #function(): ValueNode | undefined {
    const name = this.#peek();
    const open = this.#tokens[this.#next + 1];
    if (name.kind !== 'name' || name.delimited || open?.text !== '(') return undefined;
    const called = name.name.toLowerCase();
    if (!['newid', 'property', 'p'].includes(called)) throw this.#unexpected('newid(), property(name) or p(name)');
    this.#next += 2;
    const argument = called === 'newid' ? undefined : requireValue(this.#sum());
    this.#close();
    const { position } = name;
    return argument ? { kind: 'propertyOf', position, name: argument } : { kind: 'newId', position };
  }

  #property(): Property {
    const first = this.#name('a property');
    const scope = first.delimited ? '' : first.name.toLowerCase();
    if (this.#peek().text !== '.')
      return { kind: 'property', scope: 'application', name: first.name, position: first.position };
    if (scope !== 'sys' && scope !== 'user') {
      throw new RuleSyntaxError(`Expected the scope sys or user before ".", got ${first.text}`, first.position);
    }
    this.#next += 1;
    const { name, position } = this.#name('the name of a property');
    if (scope === 'user') return { kind: 'property', scope: 'application', name, position };
    const system = findSystemProperty(name);
    if (system) return { kind: 'property', scope: 'system', name: system, position };
    throw new RuleSyntaxError(
      `Expected a system property (${systemPropertyNames.join(', ')}), got ${JSON.stringify(name)}`,
      position,
    );
  }

  #changeable(): Property {
    const property = this.#property();
    if (property.scope === 'application' || isChangeable(property.name)) return property;
    const names = systemPropertyNames.filter(isChangeable).join(', ');
    throw new RuleSyntaxError(
      `Expected a system property that can be changed (${names}), got ${property.name}`,
      property.position,
    );
  }

  #name(expected: string): Token & { kind: 'name' } {
    const token = this.#peek();
    if (token.kind !== 'name') throw this.#unexpected(expected);
    this.#next += 1;
    return token;
  }

  #takeKeyword(keyword: string): Token | undefined {
    const token = this.#peek();
    if (token.kind !== 'keyword' || token.keyword !== keyword) return undefined;
    this.#next += 1;
    return token;
  }

  #open(after: string): void {
    if (!this.takeMark('(')) throw this.#unexpected(`"(" after ${after}`);
  }

  #close(): void {
    if (!this.takeMark(')')) throw this.#unexpected('")"');
  }

  #peek(): Token {
    const token = this.#tokens[this.#next];
    if (!token) throw new Error('Read past the end of the expression.');
    return token;
  }

  #unexpected(expected: string): RuleSyntaxError {
    const token = this.#peek();
    const came = token.kind === 'end' ? 'the end' : JSON.stringify(token.text);
    return new RuleSyntaxError(`Expected ${expected}, got ${came}`, token.position);
  }
}

const negated = (not: Token | undefined, operand: ConditionNode): ConditionNode =>
  not ? { kind: 'not', position: not.position, operand } : operand;

function requireCondition(node: Node): ConditionNode {
  if (isCondition(node)) return node;
  throw new RuleSyntaxError('Expected a condition, got a value: compare it with something', node.position);
}

function requireValue(node: Node): ValueNode {
  if (!isCondition(node)) return node;
  throw new RuleSyntaxError('Expected a value, got a condition', node.position);
}

function requireProperty(node: Node, keyword: string): Property {
  if (node.kind === 'property') return node;
  throw new RuleSyntaxError(`Expected a property before ${keyword}, got something else`, node.position);
}
