import { readFileSync } from 'node:fs';
import { Parser } from './expressions';
import type { Expression } from './expressions';
import { readTokens } from './tokens';

/** `@name(given)` before a declaration. */
export interface Decorator {
  readonly name: string;
  readonly given: readonly Expression[];
}

/** One declaration of a Bicep file. `type`: of a parameter or output its type, of a resource or module what it is or where. */
export interface Declaration {
  readonly kind: 'param' | 'var' | 'resource' | 'module' | 'output';
  readonly name: string;
  readonly type: string;
  readonly isExisting: boolean;
  readonly decorators: readonly Decorator[];
  readonly value: Expression | undefined;
  /** Where the name was declared; of a nested one its parent's. */
  readonly line: number;
}

/** A Bicep file, or one of parameters, as far as this project writes them. Anything else is a `BicepError`. */
export function readBicep(file: string): readonly Declaration[] {
  return parseBicep(readFileSync(file, 'utf8'));
}

export function parseBicep(source: string): readonly Declaration[] {
  const parser = new Parser(readTokens(source));
  const found: Declaration[] = [];
  let decorators: Decorator[] = [];
  while (!parser.isAtEnd()) {
    if (parser.take('@')) {
      decorators.push(readDecorator(parser));
      continue;
    }
    found.push(...readDeclaration(parser, decorators));
    decorators = [];
    if (!parser.sees('\n') && !parser.isAtEnd()) parser.fail('expected the end of the line');
  }
  return found;
}

function readDecorator(parser: Parser): Decorator {
  const call = parser.expression();
  if (call.kind !== 'call' || call.of.kind !== 'name') return parser.fail('expected a decorator');
  return { name: call.of.text, given: call.given };
}

function readDeclaration(parser: Parser, decorators: readonly Decorator[]): Declaration[] {
  const { line } = parser.next;
  const keyword = parser.name();
  if (keyword === 'using') {
    parser.string();
    return [];
  }
  if (keyword === 'targetScope') {
    parser.expect('=');
    parser.string();
    return [];
  }
  const name = parser.name();
  const common = { name, decorators, line, isExisting: false };
  if (keyword === 'var') {
    parser.expect('=');
    return [{ ...common, kind: 'var', type: '', value: parser.expression() }];
  }
  if (keyword === 'param') {
    const type = parser.next.kind === 'name' ? parser.name() : '';
    return [{ ...common, kind: 'param', type, value: parser.take('=') ? parser.expression() : undefined }];
  }
  if (keyword === 'output') {
    const type = parser.name();
    parser.expect('=');
    return [{ ...common, kind: 'output', type, value: parser.expression() }];
  }
  if (keyword !== 'resource' && keyword !== 'module') return parser.fail(`unknown declaration ${keyword}`);
  const type = textOf(parser.string());
  const isExisting = parser.take('existing');
  parser.expect('=');
  return [{ ...common, kind: keyword, type, isExisting, value: parser.body() }];
}

/** The text of a string, with what is put into it as ${...}. */
export function textOf(expression: Expression | undefined): string {
  if (expression?.kind !== 'string') throw new Error(`expected a string, got ${expression?.kind ?? 'nothing'}`);
  return expression.parts.map((part) => (typeof part === 'string' ? part : '${...}')).join('');
}

/** The object that a resource or module is, without its loop and condition. */
export function bodyOf(expression: Expression | undefined): Expression | undefined {
  return expression?.kind === 'for' || expression?.kind === 'if' ? bodyOf(expression.body) : expression;
}

/** The member at `path` of an object; undefined where one is missing. */
export function at(expression: Expression | undefined, ...path: readonly string[]): Expression | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return expression;
  const object = bodyOf(expression);
  if (object?.kind !== 'object') return undefined;
  return at(object.members.find((member) => textOf(member.key) === key)?.value, ...rest);
}

/** Every part of an expression, itself first. */
export function partsOf(expression: Expression | undefined): readonly Expression[] {
  if (expression === undefined) return [];
  return [expression, ...childrenOf(expression).flatMap(partsOf)];
}

function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'string':
      return expression.parts.filter((part) => typeof part !== 'string');
    case 'object':
      return expression.members.flatMap(({ key, value }) => [key, value]);
    case 'array':
      return expression.items;
    case 'for':
      return [expression.of, expression.body];
    case 'if':
      return [expression.condition, expression.body];
    case 'lambda':
      return [expression.body];
    case 'member':
      return [expression.of];
    case 'call':
      return [expression.of, ...expression.given];
    case 'operation':
      return expression.given;
    case 'number':
    case 'name':
      return [];
  }
}
