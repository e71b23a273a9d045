import { formatDuration, parseDuration } from '../duration';
import { AdminError } from './admin-error';
import { childrenOf, type Description, textOf, type XmlChildren } from './atom';

/**
 * The fields of a description, read one by one: each reader gives the value, or `undefined` when the field is not there, and
 * refuses one that cannot be with what was expected, what came, and where.
 */
export class Fields {
  readonly #kind: string;
  readonly #fields: XmlChildren;

  constructor({ kind, fields }: Description) {
    this.#kind = kind;
    this.#fields = fields;
  }

  get names(): readonly string[] {
    return Object.keys(this.#fields).filter((name) => !name.startsWith('@') && name !== '#text');
  }

  child(name: string): XmlChildren | undefined {
    return this.#fields[name] === undefined ? undefined : childrenOf(this.#fields[name]);
  }

  text(name: string, longest?: number): string | undefined {
    const text = textOf(this.#fields[name]);
    if (text !== undefined && longest !== undefined && text.length > longest) {
      throw this.refuse(name, `a text of at most ${longest} characters`, `one of ${text.length}`);
    }
    return text;
  }

  boolean(name: string): boolean | undefined {
    const text = this.#filled(name)?.toLowerCase();
    if (text === undefined) return undefined;
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
    throw this.refuse(name, 'true or false', text);
  }

  integer(name: string, bounds: { readonly least: number; readonly most: number; readonly step?: number }) {
    const text = this.#filled(name);
    if (text === undefined) return undefined;
    const { least, most, step = 1 } = bounds;
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most && value % step === 0) return value;
    const kind = step === 1 ? 'a whole number' : `a multiple of ${step}`;
    throw this.refuse(name, `${kind} from ${least} to ${most}`, text);
  }

  /** In milliseconds. */
  duration(name: string, bounds: { readonly least: number; readonly most: number }): number | undefined {
    const text = this.#filled(name);
    if (text === undefined) return undefined;
    const value = parseDuration(text);
    if (value !== undefined && value >= bounds.least && value <= bounds.most) return value;
    const range = `a duration from ${formatDuration(bounds.least)} to ${formatDuration(bounds.most)}`;
    throw this.refuse(name, range, text);
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const text = this.#filled(name);
    if (text === undefined) return undefined;
    const found = allowed.find((one) => one === text);
    if (found === undefined) throw this.refuse(name, allowed.join(', '), text);
    return found;
  }

  /** A field that is not supported: it may be left out or have the one value that it has here. */
  only(name: string, value: string, why: string): void {
    const text = this.#filled(name);
    if (text !== undefined && text.toLowerCase() !== value.toLowerCase()) {
      throw this.refuse(name, `${value} (${why})`, text);
    }
  }

  refuse(name: string, expected: string, got: string): AdminError {
    return new AdminError(400, `${this.#kind}/${name}: expected ${expected}, got ${JSON.stringify(got)}.`, 40000);
  }

  /** Clients write a field that has no value as an empty element, too. */
  #filled(name: string): string | undefined {
    const text = this.text(name)?.trim();
    return text === '' ? undefined : text;
  }
}
