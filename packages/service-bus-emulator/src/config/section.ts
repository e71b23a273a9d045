import type { JSONPath } from 'jsonc-parser';
import { formatDuration, parseDuration } from '../duration';
import { came, type Findings } from './findings';

/** Inclusive. Beyond `official` the official emulator refuses, so that a warning tells of it. */
export interface Range {
  readonly least: number;
  readonly most: number;
  readonly official?: { readonly least: number; readonly most: number };
}

/** Letters, digits, and within also `. - _ /`, as the official emulator has it; Azure takes `~` besides. */
const OFFICIAL_NAME = /^[A-Za-z0-9]$|^[A-Za-z0-9][\w\-./]*[A-Za-z0-9]$/;
const NAME = /^[A-Za-z0-9]$|^[A-Za-z0-9][\w\-./~]*[A-Za-z0-9]$/;

/**
 * An object of the configuration. Each reader answers undefined for what is left out (null counts as that) or wrong;
 * what is wrong is in the findings.
 */
export class Section {
  readonly path: JSONPath;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #findings: Findings;

  constructor(path: JSONPath, values: Readonly<Record<string, unknown>>, findings: Findings) {
    this.path = path;
    this.#values = values;
    this.#findings = findings;
  }

  /** The section that a value is; undefined, with an error, when it is no object. */
  static of(path: JSONPath, value: unknown, findings: Findings): Section | undefined {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return new Section(path, value as Record<string, unknown>, findings);
    }
    findings.error(path, `expected an object, got ${came(value)}.`);
    return undefined;
  }

  get keys(): readonly string[] {
    return Object.keys(this.#values);
  }

  /** Warns of each key that is not among those known: the official emulator passes over them, too. */
  know(...known: readonly string[]): void {
    for (const key of this.keys) {
      if (known.includes(key)) continue;
      const meant = known.find((name) => name.toLowerCase() === key.toLowerCase());
      const hint = meant ? `did you mean ${meant}?` : `known here: ${known.join(', ')}.`;
      this.#findings.warn([...this.path, key], `unknown key, it has no effect; ${hint}`);
    }
  }

  error(key: string, message: string): void {
    this.#findings.error([...this.path, key], message);
  }

  warn(key: string, message: string): void {
    this.#findings.warn([...this.path, key], message);
  }

  value(key: string): unknown {
    return this.#values[key] ?? undefined;
  }

  section(key: string): Section | undefined {
    const value = this.value(key);
    return value === undefined ? undefined : Section.of([...this.path, key], value, this.#findings);
  }

  required(key: string): Section | undefined {
    if (this.value(key) === undefined) this.error(key, 'expected an object, got nothing.');
    return this.section(key);
  }

  /** The sections of a list; left out is an empty one. */
  list(key: string): Section[] {
    const value = this.value(key);
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.error(key, `expected a list, got ${came(value)}.`);
      return [];
    }
    return value.flatMap((item, index) => Section.of([...this.path, key, index], item, this.#findings) ?? []);
  }

  text(key: string): string | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === 'string') return value;
    this.error(key, `expected a text, got ${came(value)}.`);
    return undefined;
  }

  requiredText(key: string): string | undefined {
    const value = this.text(key);
    if (value === undefined && this.value(key) === undefined) this.error(key, 'expected a text, got nothing.');
    return value;
  }

  boolean(key: string): boolean | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === 'boolean') return value;
    this.error(key, `expected true or false, got ${came(value)}.`);
    return undefined;
  }

  integer(key: string, range: Range): number | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < range.least || value > range.most) {
      this.error(key, `expected a whole number from ${range.least} to ${range.most}, got ${came(value)}.`);
      return undefined;
    }
    this.#warnBeyond(key, value, range, String);
    return value;
  }

  /** In milliseconds. */
  duration(key: string, range: Range): number | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    const milliseconds = typeof value === 'string' ? parseDuration(value) : undefined;
    if (milliseconds === undefined || milliseconds < range.least || milliseconds > range.most) {
      const bounds = `from ${formatDuration(range.least)} to ${formatDuration(range.most)}`;
      this.error(key, `expected an ISO 8601 duration ${bounds}, got ${came(value)}.`);
      return undefined;
    }
    this.#warnBeyond(key, milliseconds, range, formatDuration);
    return milliseconds;
  }

  name(longest: number): string | undefined {
    const name = this.requiredText('Name');
    if (name === undefined) return undefined;
    if (!NAME.test(name) || name.length > longest) {
      this.error(
        'Name',
        `expected letters, digits and, between them, . - _ / ~ (at most ${longest} characters), got ${came(name)}.`,
      );
      return undefined;
    }
    if (!OFFICIAL_NAME.test(name)) this.warn('Name', 'the official emulator refuses names with "~".');
    return name;
  }

  #warnBeyond(key: string, value: number, { official }: Range, show: (value: number) => string): void {
    if (!official || (value >= official.least && value <= official.most)) return;
    const bounds = `${show(official.least)} to ${show(official.most)}`;
    this.warn(key, `the official emulator takes only ${bounds}, got ${show(value)}.`);
  }
}
