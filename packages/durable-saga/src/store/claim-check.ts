import { createHash } from 'node:crypto';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Claim, Claimed } from '../definition/claimed';
import { isClaim, isClaiming, looksLikeClaim } from '../definition/claimed';
import type { Effect } from '../definition/failure';
import { messageOf, StepFailure } from '../definition/failure';
import type { Parsed } from '../definition/schema';
import { parseWith } from '../definition/schema';

/** Where large values are kept. A key has one value for ever: putting it again renews how old it is. */
export interface PayloadStore {
  /** Resolves when the text is kept for good. */
  put(key: string, text: string): Promise<void>;
  /** Undefined when there is none. */
  get(key: string): Promise<string | undefined>;
}

export interface ClaimCheckOptions {
  readonly store: PayloadStore;
  /**
   * Bytes of JSON; a field declared by `claiming` that is larger goes to the store. Default: 32,768. It may differ from
   * one deployment to the next.
   */
  readonly above?: number;
  /**
   * Bytes of JSON that a host takes as one input, output or event. What is larger, claims not counted, is an error that
   * says so, instead of whatever the host makes of it. Default: 1,000,000, near what Durable Task Scheduler takes.
   */
  readonly limit?: number;
}

const ABOVE = 32_768;
const LIMIT = 1_000_000;

/** Puts large fields into the store and fetches them, where I/O is allowed. */
export class ClaimCheck {
  readonly #store: PayloadStore | undefined;
  readonly #above: number;
  readonly #limit: number;

  /** Without options everything travels as it is, whatever its size. */
  constructor(options?: ClaimCheckOptions) {
    this.#store = options?.store;
    this.#above = options?.above ?? ABOVE;
    this.#limit = options === undefined ? Infinity : (options.limit ?? LIMIT);
  }

  /**
   * Fetches what is claimed, then checks the whole; at once where nothing can be. Throws a `StepFailure` where a claim
   * can't be honoured.
   */
  parse(schema: StandardSchemaV1, value: unknown): Parsed<unknown> | Promise<Parsed<unknown>> {
    if (!isClaiming(schema)) return parseWith(schema, value);
    return this.#fetch(schema.claimedFields, value).then((opened) => parseWith(schema.open, opened));
  }

  /** An output that was parsed before, with its claims honoured; at once where nothing can be claimed. */
  open(schema: StandardSchemaV1 | undefined, value: unknown): unknown {
    return schema !== undefined && isClaiming(schema) ? this.#fetch(schema.claimedFields, value) : value;
  }

  /**
   * What travels in place of a value: `parsed`, its large fields replaced by claims. Of the others `given` travels,
   * where whoever gets it parses it again. A promise where something may be claimed.
   */
  close(schema: StandardSchemaV1 | undefined, parsed: unknown, given: unknown = parsed): unknown {
    if (schema === undefined || !isClaiming(schema) || this.#store === undefined) return given;
    return this.#put(this.#store, schema.claimedFields, parsed, given);
  }

  async #put(store: PayloadStore, fields: readonly string[], parsed: unknown, given: unknown): Promise<unknown> {
    const closed: Record<string, unknown> = { ...(given as object) };
    for (const field of fields) {
      const value = (parsed as Readonly<Record<string, unknown>>)[field];
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) continue;
      const bytes = Buffer.byteLength(text);
      if (bytes <= this.#above && !looksLikeClaim(value)) continue;
      const claim: Claim = { $claim: { sha256: hashOf(text), bytes } };
      await store.put(claim.$claim.sha256, text);
      closed[field] = claim;
    }
    return closed;
  }

  /** What is wrong with the size of what is to travel, if anything is. */
  tooLarge(what: string, value: unknown): string | undefined {
    if (this.#limit === Infinity) return undefined;
    const text = JSON.stringify(value) as string | undefined;
    // No character takes more than three bytes, so that most texts need not be counted.
    if (text === undefined || text.length * 3 <= this.#limit) return undefined;
    const bytes = Buffer.byteLength(text);
    if (bytes <= this.#limit) return undefined;
    return (
      `${what} is ${bytes} bytes of JSON, expected ${this.#limit} at most: ` +
      'declare its large fields with claiming(...), and let an activity or a client give them'
    );
  }

  async #fetch(fields: readonly string[], value: unknown): Promise<unknown> {
    if (typeof value !== 'object' || value === null) return value;
    const opened: Record<string, unknown> = { ...value };
    for (const field of fields) {
      const claim = opened[field];
      if (isClaim(claim)) opened[field] = await fetchClaim(this.#store, claim, field);
    }
    return opened;
  }
}

/** Fetches what a claim stands for, e.g. in a trigger that shows a saga's result. Throws a `StepFailure` if it can't. */
export async function loadClaimed<T>(store: PayloadStore, claimed: Claimed<T>): Promise<T> {
  // The type hides what it is at run time: the value itself where that was small.
  return (isClaim(claimed) ? await fetchClaim(store, claimed, 'claim') : claimed) as T;
}

async function fetchClaim(store: PayloadStore | undefined, { $claim }: Claim, field: string): Promise<unknown> {
  const { sha256, bytes } = $claim;
  const what = `the payload ${sha256} (${bytes} bytes) of '${field}'`;
  if (store === undefined) {
    throw claimFailure('claimNotKept', `${what} can't be fetched: give registerSagas({ claimCheck }) its store`);
  }
  const text = await store.get(sha256).catch((error: unknown) => {
    throw claimFailure('claimUnreachable', `${what} can't be fetched: ${messageOf(error)}`, true);
  });
  if (text === undefined) {
    throw claimFailure('claimLost', `${what} is not in the store (any more): keep payloads longer than any saga lives`);
  }
  if (hashOf(text) !== sha256) throw claimFailure('claimBroken', `${what} is not what was put into the store`);
  return JSON.parse(text);
}

/** Fetching comes before the effect. */
function claimFailure(code: string, message: string, retriable = false, effect: Effect = 'none'): StepFailure {
  return new StepFailure({ code, message, retriable, effect });
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
