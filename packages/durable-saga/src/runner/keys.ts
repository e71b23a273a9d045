import { checkKey } from '../store/ledger';

/**
 * The latest number of each step's name; and, under the name with `#` behind it, the highest number among its own keys,
 * which the next history must not count up to.
 */
export type KeyCounts = Readonly<Record<string, number>>;

const OWN = '#';

/** A key of the author's that a count could give as well, or 0. */
function numberIn(ownKey: string): number {
  return /^[1-9]\d{0,14}$/.test(ownKey) ? Number(ownKey) : 0;
}

/** What is known of a step's name: what this history has come to, and what it began with. */
interface Count {
  /** The number given last. */
  latest: number;
  /** The highest number among its own keys. */
  own: number;
  readonly latestBefore: number;
  readonly ownBefore: number;
}

/**
 * Gives each step its idempotency key, `<instance>/<step>#<n>`. `n` counts per step name, from 1, in the order of the
 * calls, so that a step added elsewhere shifts nothing. An author's own key takes the place of the number.
 */
export class KeyCounter {
  readonly #instanceId: string;
  readonly #before: KeyCounts;
  /** Of the names that this history has called. */
  readonly #counts = new Map<string, Count>();
  readonly #taken: Set<string>;
  readonly #childIds = new Set<string>();

  /** `taken`: keys of an earlier history that must not be given again. */
  constructor(instanceId: string, counts: KeyCounts = {}, taken: Iterable<string> = []) {
    this.#instanceId = instanceId;
    this.#before = counts;
    this.#taken = new Set(taken);
  }

  toData(): KeyCounts {
    const data = { ...this.#before };
    for (const [stepName, { latest, own }] of this.#counts) {
      if (latest > 0) data[stepName] = latest;
      if (own > 0) data[stepName + OWN] = own;
    }
    return data;
  }

  /** Throws if an author's key names a step that has it already: two effects under one key would be one effect. */
  next(stepName: string, ownKey?: string): string {
    const count = this.#countOf(stepName);
    const suffix = ownKey ?? nextNumber(count);
    const key = `${this.#instanceId}/${stepName}#${suffix}`;
    if (ownKey !== undefined) checkKey(key, `key of step '${stepName}'`);
    const number = ownKey === undefined ? 0 : numberIn(ownKey);
    if (number > count.own) count.own = number;
    const wasCounted = number > 0 && number <= count.latestBefore;
    if (wasCounted || this.#taken.has(key)) {
      throw new Error(`step '${stepName}': the key '${suffix}' is used twice in this saga; each call needs its own`);
    }
    this.#taken.add(key);
    return key;
  }

  /** Throws for an id that a child of this saga has: two children in one instance would be one. */
  takeChildId(sagaName: string, id: string): void {
    if (this.#childIds.has(id)) {
      throw new Error(`child '${sagaName}': the id '${id}' is used twice in this saga; each child needs its own`);
    }
    this.#childIds.add(id);
  }

  #countOf(stepName: string): Count {
    const known = this.#counts.get(stepName);
    if (known !== undefined) return known;
    const latestBefore = this.#numberBefore(stepName);
    const ownBefore = this.#numberBefore(stepName + OWN);
    const count = { latest: latestBefore, own: ownBefore, latestBefore, ownBefore };
    this.#counts.set(stepName, count);
    return count;
  }

  /** A step may be called what every object has, e.g. `toString`. */
  #numberBefore(name: string): number {
    return Object.hasOwn(this.#before, name) ? (this.#before[name] ?? 0) : 0;
  }
}

function nextNumber(count: Count): string {
  count.latest = Math.max(count.latest, count.ownBefore) + 1;
  return String(count.latest);
}
