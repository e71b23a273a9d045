/*
 * Expressions of GitHub Actions, as far as the roll-out uses them: contexts, texts, numbers, true and false, `!`, `==`,
 * `!=`, `&&`, `||`, brackets, and the four functions about how the job stands. Anything else is refused by name: a dry run
 * that guessed would pass where the workflow does not. As there, texts are compared without regard to letter case, values of
 * two types as numbers, and what a context does not have is null.
 */

/** What names in expressions stand for: `env`, `inputs`, `steps` and so on. */
export type Contexts = Readonly<Record<string, unknown>>;

/** How the job stands, for `success()` and the like. */
export interface JobState {
  readonly hasFailed: boolean;
  readonly isCancelled: boolean;
}

type Value = string | number | boolean | null | object;

const TOKEN =
  /\s*(?:(\|\||&&|==|!=|!|\(|\))|'((?:[^']|'')*)'|(-?\d+(?:\.\d+)?)|([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*))/y;

/** The value of one expression, without `${{ }}`. Throws for what is not known here. */
export function evaluate(expression: string, contexts: Contexts, state: JobState): Value {
  const reader = new Reader(expression, contexts, state);
  return reader.readWhole();
}

/** Replaces each `${{ }}` of a text. */
export function interpolate(text: string, contexts: Contexts, state: JobState): string {
  return text.replace(/\$\{\{(.*?)\}\}/gs, (_, expression: string) => toText(evaluate(expression, contexts, state)));
}

/** Whether a step runs. One whose condition asks for nothing about the job runs only while nothing has failed. */
export function isMet(condition: string | undefined, contexts: Contexts, state: JobState): boolean {
  const isWell = !state.hasFailed && !state.isCancelled;
  if (condition === undefined) return isWell;
  const text = condition.replace(/^\s*\$\{\{(.*)\}\}\s*$/s, '$1');
  const asksItself = /\b(?:success|failure|always|cancelled)\(\)/.test(text);
  return (asksItself || isWell) && isTrue(evaluate(text, contexts, state));
}

class Reader {
  readonly #text: string;
  readonly #contexts: Contexts;
  readonly #state: JobState;
  readonly #tokens: { readonly kind: 'sign' | 'text' | 'number' | 'name'; readonly text: string }[] = [];
  #next = 0;

  constructor(text: string, contexts: Contexts, state: JobState) {
    this.#text = text;
    this.#contexts = contexts;
    this.#state = state;
    TOKEN.lastIndex = 0;
    const end = text.trimEnd().length;
    while (TOKEN.lastIndex < end) {
      const at = TOKEN.lastIndex;
      const [found, sign, quoted, number, name] = TOKEN.exec(text) ?? [];
      if (found === undefined) throw this.#refusal(`'${text.slice(at).trim()}'`);
      if (sign !== undefined) this.#tokens.push({ kind: 'sign', text: sign });
      else if (quoted !== undefined) this.#tokens.push({ kind: 'text', text: quoted.replaceAll("''", "'") });
      else if (number !== undefined) this.#tokens.push({ kind: 'number', text: number });
      else this.#tokens.push({ kind: 'name', text: name ?? '' });
    }
  }

  readWhole(): Value {
    const value = this.#readOr();
    const left = this.#tokens[this.#next];
    if (left !== undefined) throw this.#refusal(`'${left.text}'`);
    return value;
  }

  #readOr(): Value {
    let value = this.#readAnd();
    while (this.#take('||')) {
      const right = this.#readAnd();
      value = isTrue(value) ? value : right;
    }
    return value;
  }

  #readAnd(): Value {
    let value = this.#readEquality();
    while (this.#take('&&')) {
      const right = this.#readEquality();
      value = isTrue(value) ? right : value;
    }
    return value;
  }

  #readEquality(): Value {
    const value = this.#readOne();
    if (this.#take('==')) return isSame(value, this.#readOne());
    if (this.#take('!=')) return !isSame(value, this.#readOne());
    return value;
  }

  #readOne(): Value {
    if (this.#take('!')) return !isTrue(this.#readOne());
    if (this.#take('(')) {
      const value = this.#readOr();
      this.#require(')');
      return value;
    }
    const token = this.#tokens[this.#next];
    this.#next += 1;
    if (token?.kind === 'text') return token.text;
    if (token?.kind === 'number') return Number(token.text);
    if (token?.kind !== 'name') throw this.#refusal(token === undefined ? 'its end' : `'${token.text}'`);
    if (this.#take('(')) {
      this.#require(')');
      return this.#call(token.text);
    }
    return this.#look(token.text);
  }

  #call(name: string): boolean {
    const { hasFailed, isCancelled } = this.#state;
    switch (name) {
      case 'success':
        return !hasFailed && !isCancelled;
      case 'failure':
        return hasFailed && !isCancelled;
      case 'cancelled':
        return isCancelled;
      case 'always':
        return true;
      default:
        throw this.#refusal(`the function ${name}`);
    }
  }

  #look(path: string): Value {
    if (['true', 'false', 'null'].includes(path)) return JSON.parse(path) as Value;
    const [root = '', ...names] = path.split('.');
    if (!Object.hasOwn(this.#contexts, root)) throw this.#refusal(`the context ${root}`);
    return names.reduce<Value>((value, name) => {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null;
      return (value as Record<string, unknown>)[name] ?? null;
    }, this.#contexts[root] as Value);
  }

  #take(sign: string): boolean {
    const token = this.#tokens[this.#next];
    const isIt = token?.kind === 'sign' && token.text === sign;
    if (isIt) this.#next += 1;
    return isIt;
  }

  #require(sign: string): void {
    if (!this.#take(sign)) throw this.#refusal(`no '${sign}' after ${this.#next} parts`);
  }

  #refusal(what: string): Error {
    return new Error(`the expression "${this.#text.trim()}" can't be read here: ${what}`);
  }
}

const isTrue = (value: Value): boolean => value !== null && value !== '' && value !== 0 && value !== false;

function isSame(left: Value, right: Value): boolean {
  if (typeof left === 'string' && typeof right === 'string') return left.toLowerCase() === right.toLowerCase();
  if (typeof left === typeof right && left !== null && right !== null) return left === right;
  return left === right || toNumber(left) === toNumber(right);
}

function toNumber(value: Value): number {
  if (typeof value === 'object' && value !== null) return NaN;
  return Number(value ?? 0);
}

function toText(value: Value): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
