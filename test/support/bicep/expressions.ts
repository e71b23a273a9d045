import { BicepError } from './tokens';
import type { Token } from './tokens';

/** What an expression is made of, as it stands there: nothing is worked out. */
export type Expression =
  | { readonly kind: 'string'; readonly parts: readonly (string | Expression)[] }
  | { readonly kind: 'number' | 'name'; readonly text: string }
  | { readonly kind: 'object'; readonly members: readonly { readonly key: Expression; readonly value: Expression }[] }
  | { readonly kind: 'array'; readonly items: readonly Expression[] }
  | { readonly kind: 'for'; readonly names: readonly string[]; readonly of: Expression; readonly body: Expression }
  | { readonly kind: 'if'; readonly condition: Expression; readonly body: Expression }
  | { readonly kind: 'lambda'; readonly names: readonly string[]; readonly body: Expression }
  /** `isSafe`: `.?`, which is null where there is no such member. */
  | { readonly kind: 'member'; readonly of: Expression; readonly name: string; readonly isSafe: boolean }
  | { readonly kind: 'call'; readonly of: Expression; readonly given: readonly Expression[] }
  | { readonly kind: 'operation'; readonly sign: string; readonly given: readonly Expression[] };

/** Bicep's two-sided operators, from those that bind least. */
const levels = [['??'], ['||'], ['&&'], ['==', '!=', '=~', '!~'], ['<', '>', '<=', '>='], ['+', '-'], ['*', '/', '%']];

export class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get next(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '', line: 0 };
  }

  sees(text: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead];
    return token !== undefined && token.kind !== 'string' && token.text === text;
  }

  take(text: string): boolean {
    const seen = this.sees(text);
    if (seen) this.#at += 1;
    return seen;
  }

  expect(text: string): void {
    if (!this.take(text)) this.fail(`expected ${text}`);
  }

  name(): string {
    const token = this.next;
    if (token.kind !== 'name') return this.fail('expected a name');
    this.#at += 1;
    return token.text;
  }

  string(): Expression {
    const token = this.next;
    if (token.kind !== 'string') return this.fail('expected a string');
    this.#at += 1;
    const parts = token.parts.map((part) => (typeof part === 'string' ? part : new Parser(part).whole()));
    return { kind: 'string', parts: parts.filter((part) => part !== '') };
  }

  /** Whether nothing but empty lines is left; skips those. */
  isAtEnd(): boolean {
    this.skipLines();
    return this.next.kind === 'end';
  }

  skipLines(): void {
    while (this.take('\n'));
  }

  fail(message: string): never {
    const { next } = this;
    throw new BicepError(
      next.line,
      `${message}, got ${next.kind === 'string' ? 'a string' : JSON.stringify(next.text)}`,
    );
  }

  /** The only thing there is. */
  whole(): Expression {
    this.skipLines();
    const expression = this.expression();
    if (!this.isAtEnd()) this.fail('expected the end');
    return expression;
  }

  expression(): Expression {
    const condition = this.#level(0);
    if (!this.#takeOnNextLine('?')) return condition;
    this.skipLines();
    const yes = this.expression();
    if (!this.#takeOnNextLine(':')) this.fail('expected :');
    this.skipLines();
    return { kind: 'operation', sign: '?', given: [condition, yes, this.expression()] };
  }

  /** `?` and `:` may begin a line. */
  #takeOnNextLine(sign: string): boolean {
    let ahead = 0;
    while (this.sees('\n', ahead)) ahead += 1;
    if (!this.sees(sign, ahead)) return false;
    this.#at += ahead + 1;
    return true;
  }

  #level(level: number): Expression {
    const signs = levels[level];
    if (signs === undefined) return this.#single();
    let left = this.#level(level + 1);
    for (let sign = signs.find((one) => this.take(one)); sign; sign = signs.find((one) => this.take(one)))
      left = { kind: 'operation', sign, given: [left, this.#level(level + 1)] };
    return left;
  }

  #single(): Expression {
    for (const sign of ['!', '-']) if (this.take(sign)) return { kind: 'operation', sign, given: [this.#single()] };
    let value = this.#primary();
    for (;;) {
      if (this.sees('.') || this.sees('.?')) {
        const isSafe = this.sees('.?');
        this.#at += 1;
        value = { kind: 'member', of: value, name: this.name(), isSafe };
      } else if (this.sees('!') && this.sees('.', 1)) this.take('!');
      else if (this.sees('[') || this.sees('[?')) {
        const sign = this.sees('[?') ? '[?]' : '[]';
        this.#at += 1;
        value = { kind: 'operation', sign, given: [value, this.expression()] };
        this.expect(']');
      } else if (this.take('(')) value = { kind: 'call', of: value, given: this.#list(')') };
      else return value;
    }
  }

  #primary(): Expression {
    const token = this.next;
    if (token.kind === 'string') return this.string();
    if (token.kind === 'number') {
      this.#at += 1;
      return { kind: 'number', text: token.text };
    }
    if (token.kind === 'name') return this.#nameOrLambda();
    if (this.take('{')) return this.#object();
    if (this.take('[')) return this.#array();
    if (this.take('(')) return this.#bracketed();
    return this.fail('expected a value');
  }

  #nameOrLambda(): Expression {
    const text = this.name();
    if (!this.take('=>')) return { kind: 'name', text };
    this.skipLines();
    return { kind: 'lambda', names: [text], body: this.expression() };
  }

  #bracketed(): Expression {
    this.skipLines();
    const inner = this.expression();
    this.skipLines();
    this.expect(')');
    return inner;
  }

  #object(): Expression {
    const members: { key: Expression; value: Expression }[] = [];
    while (!this.#ends('}')) {
      if (this.sees('resource')) this.fail('nested resources are read by declarations only');
      const key: Expression = this.next.kind === 'string' ? this.string() : { kind: 'string', parts: [this.name()] };
      this.expect(':');
      members.push({ key, value: this.expression() });
    }
    return { kind: 'object', members };
  }

  #array(): Expression {
    this.skipLines();
    if (!this.sees('for')) return { kind: 'array', items: this.#list(']') };
    const loop = this.loop();
    this.skipLines();
    this.expect(']');
    return loop;
  }

  /** `for x in y: body`, `for (x, index) in y: if (condition) body`. */
  loop(): Expression {
    this.expect('for');
    const names = this.take('(') ? [this.name(), (this.expect(','), this.name())] : [this.name()];
    if (names.length === 2) this.expect(')');
    this.expect('in');
    const of = this.expression();
    this.expect(':');
    return { kind: 'for', names, of, body: this.body() };
  }

  body(): Expression {
    if (!this.sees('if')) return this.expression();
    this.take('if');
    this.expect('(');
    const condition = this.#bracketed();
    return { kind: 'if', condition, body: this.expression() };
  }

  #list(closing: string): Expression[] {
    const items: Expression[] = [];
    while (!this.#ends(closing)) items.push(this.expression());
    return items;
  }

  /** Goes over what parts members, and takes the closing sign if it comes then. */
  #ends(closing: string): boolean {
    while (this.take('\n') || this.take(','));
    return this.take(closing);
  }
}
