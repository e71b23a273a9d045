import { badParameter } from './stripe-error';

/** A form-encoded body with its names as they were sent, e.g. `metadata[orderId]`. */
export type Form = ReadonlyMap<string, string>;

/** Parses a body or query; refuses top-level names that are not in `understood`, instead of ignoring a wish. */
export function parseForm(text: string | URLSearchParams, understood: readonly string[]): Form {
  const form = new Map(new URLSearchParams(text));
  for (const name of form.keys()) {
    const top = name.split('[', 1)[0] ?? name;
    if (understood.includes(top)) continue;
    throw badParameter(
      'parameter_unknown',
      top,
      `${top}: the development provider does not know this parameter here; it knows ${understood.join(', ') || 'none'}`,
    );
  }
  return form;
}

export function requireText(form: Form, name: string): string {
  const value = form.get(name);
  if (value === undefined || value === '') throw badParameter('parameter_missing', name, `${name}: expected a value`);
  return value;
}

/** A positive integer of minor units, at most what Stripe takes (eight digits). */
export function readAmount(form: Form, name: string): number | undefined {
  const value = form.get(name);
  if (value === undefined) return undefined;
  if (!/^-?\d+$/.test(value)) {
    throw badParameter('parameter_invalid_integer', name, `${name}: expected an integer of minor units, got ${value}`);
  }
  const amount = Number(value);
  if (amount < 1) throw badParameter('amount_too_small', name, `${name}: expected at least 1, got ${value}`);
  if (amount > 99_999_999) {
    throw badParameter('amount_too_large', name, `${name}: expected at most 99999999, got ${value}`);
  }
  return amount;
}

/** One of `choices`, the first of them when absent. */
export function readChoice<Choice extends string>(
  form: Form,
  name: string,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  const value = form.get(name) ?? choices[0];
  const choice = choices.find((candidate) => candidate === value);
  if (choice !== undefined) return choice;
  throw badParameter('parameter_invalid', name, `${name}: expected one of ${choices.join(', ')}, got ${value}`);
}

/** `metadata[<name>]` as an object: at most 50 entries, names to 40 and values to 500 characters. */
export function readMetadata(form: Form): Readonly<Record<string, string>> {
  const entries: [string, string][] = [];
  for (const [name, value] of form) {
    const [, key] = /^metadata\[([^\]]*)\]$/.exec(name) ?? [];
    if (key === undefined) continue;
    if (key === '' || key.length > 40 || value.length > 500) {
      throw badParameter('parameter_invalid', name, 'metadata: expected names to 40 and values to 500 characters');
    }
    entries.push([key, value]);
  }
  if (entries.length > 50) throw badParameter('parameter_invalid', 'metadata', 'metadata: expected at most 50 entries');
  return Object.fromEntries(entries);
}
