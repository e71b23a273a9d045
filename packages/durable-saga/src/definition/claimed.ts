import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { In, Out } from './schema';
import { validateAtOnce } from './schema';

/*
 * The claim check: large values stay out of histories.
 *
 * A history is read whole at every replay, and hosts limit what may stand in it. What a saga's body has of a large
 * value is therefore a claim: something that it can pass on, and can't look into, since the body does no I/O. The value
 * itself is in a store (a `PayloadStore`), and is put there and fetched where I/O is allowed: by activities and clients.
 *
 * Which fields may be large is declared with `claiming`, where the schema is, and everything follows from the types:
 * activities give and take the value, clients give it, the body has a `Claimed`. A value at or below the budget travels as it
 * is, and so does every value in an app without a store, so that declaring costs nothing. Done in secret, for whatever
 * is large, it could not work: a body that reads a field needs it in its history.
 *
 * A value's key in the store is the SHA-256 of its JSON. So a repeated attempt puts the same again, what is fetched can
 * be checked, and whoever can name a key knows the value already or was given the claim: treat claims as you treat what
 * they stand for.
 */

declare const content: unique symbol;

/** What a saga's body has of a field that is declared by `claiming`: to pass on, not to look into. */
export interface Claimed<T> {
  readonly [content]: T;
}

/** How a claim is written into histories, events and inputs. */
export interface Claim {
  readonly $claim: {
    /** Of the value's JSON, in hexadecimal; its key in the store. */
    readonly sha256: string;
    /** Length of the JSON in UTF-8. */
    readonly bytes: number;
  };
}

export function isClaim(value: unknown): value is Claim {
  if (!looksLikeClaim(value)) return false;
  const { $claim: claim } = value;
  if (typeof claim !== 'object' || claim === null || !('sha256' in claim) || !('bytes' in claim)) return false;
  return typeof claim.sha256 === 'string' && /^[0-9a-f]{64}$/.test(claim.sha256) && typeof claim.bytes === 'number';
}

/** Values that could be taken for a claim never travel as they are. */
export function looksLikeClaim(value: unknown): value is { readonly $claim: unknown } {
  return typeof value === 'object' && value !== null && '$claim' in value;
}

type Fields = Readonly<Record<string, StandardSchemaV1>>;
type FieldsIn<F extends Fields> = { readonly [K in keyof F]: In<F[K]> };
type FieldsOut<F extends Fields> = { readonly [K in keyof F]: Out<F[K]> };
type FieldsOfBody<F extends Fields> = { readonly [K in keyof F]: In<F[K]> | Claimed<In<F[K]>> };
type FieldsClaimed<F extends Fields> = { readonly [K in keyof F]: Claimed<Out<F[K]>> };

/** Some libraries give an object without fields an index signature, which would forbid those that are added here. */
type Own<T> = string extends keyof T ? unknown : T;

/** A schema as a saga's body sees it, and `open`, the same over the values themselves. */
export interface ClaimingSchema<BodyInput, BodyOutput, Input, Output> extends StandardSchemaV1<BodyInput, BodyOutput> {
  readonly claimedFields: readonly string[];
  readonly open: StandardSchemaV1<Input, Output>;
}

interface AnyClaiming {
  readonly claimedFields: readonly string[];
  readonly open: StandardSchemaV1;
}

/** What is given where I/O is allowed: plain values. */
export type Given<S extends StandardSchemaV1> = S extends { readonly open: infer Open extends StandardSchemaV1 }
  ? In<Open>
  : In<S>;
/** What is got where I/O is allowed: plain values. */
export type Opened<S extends StandardSchemaV1> = S extends { readonly open: infer Open extends StandardSchemaV1 }
  ? Out<Open>
  : Out<S>;

/**
 * An object of which some fields may be large: `claiming(z.object({ pages: z.int() }), { pdf: z.string() })`. Use it as
 * an activity's input or output, as a saga's input or output, or for an event. Throws a `RangeError` without a field.
 */
export function claiming<Base extends StandardSchemaV1, const F extends Fields>(
  base: Base,
  fields: F,
): ClaimingSchema<
  Own<In<Base>> & FieldsOfBody<F>,
  Own<Out<Base>> & FieldsClaimed<F>,
  Own<In<Base>> & FieldsIn<F>,
  Own<Out<Base>> & FieldsOut<F>
> {
  if (Object.keys(fields).length === 0) throw new RangeError('claiming: expected at least one field');
  return {
    claimedFields: Object.keys(fields),
    '~standard': combine(base, fields, isClaim),
    open: { '~standard': combine(base, fields, () => false) },
  };
}

export function isClaiming<S extends StandardSchemaV1>(schema: S): schema is S & AnyClaiming {
  return 'claimedFields' in schema && 'open' in schema;
}

/** The schema where I/O is allowed. */
export function openOf(schema: StandardSchemaV1): StandardSchemaV1 {
  return isClaiming(schema) ? schema.open : schema;
}

/** The base's own fields and the others, each by its schema; violations of all are listed. */
function combine<I, O>(
  base: StandardSchemaV1,
  fields: Fields,
  passes: (value: unknown) => boolean,
): StandardSchemaV1.Props<I, O> {
  const validate = (value: unknown): StandardSchemaV1.Result<O> => {
    if (typeof value !== 'object' || value === null) return validateAtOnce(base, value) as StandardSchemaV1.Result<O>;
    const rest = Object.fromEntries(Object.entries(value).filter(([name]) => !Object.hasOwn(fields, name)));
    const result = validateAtOnce(base, rest);
    const issues = [...(result.issues ?? [])];
    const whole: Record<string, unknown> = { ...(result.issues === undefined ? (result.value as object) : {}) };
    for (const [name, schema] of Object.entries(fields)) {
      const given = (value as Readonly<Record<string, unknown>>)[name];
      const field = passes(given) ? { value: given } : validateAtOnce(schema, given);
      if (field.issues !== undefined) {
        issues.push(...field.issues.map((issue) => ({ ...issue, path: [name, ...(issue.path ?? [])] })));
      } else if (field.value !== undefined) whole[name] = field.value;
    }
    return issues.length > 0 ? { issues } : { value: whole as O };
  };
  return { version: 1, vendor: 'durable-saga', validate };
}
