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

/**
 * Gives each step its idempotency key, `<instance>/<step>#<n>`. `n` counts per step name, from 1, in the order of the
 * calls, so that a step added elsewhere shifts nothing. An author's own key takes the place of the number.
 */
export class KeyCounter {
  readonly #instanceId: string;
  readonly #counts: Map<string, number>;
  readonly #taken: Set<string>;
  readonly #childIds = new Set<string>();
  readonly #before: KeyCounts;

  /** `taken`: keys of an earlier history that must not be given again. */
  constructor(instanceId: string, counts: KeyCounts = {}, taken: Iterable<string> = []) {
    this.#instanceId = instanceId;
    this.#before = counts;
    this.#counts = new Map(Object.entries(counts));
    this.#taken = new Set(taken);
  }

  toData(): KeyCounts {
    return Object.fromEntries(this.#counts);
  }

  /** Throws if an author's key names a step that has it already: two effects under one key would be one effect. */
  next(stepName: string, ownKey?: string): string {
    const suffix = ownKey ?? String(this.#count(stepName));
    const key = `${this.#instanceId}/${stepName}#${suffix}`;
    if (ownKey !== undefined) checkKey(key, `key of step '${stepName}'`);
    const number = ownKey === undefined ? 0 : numberIn(ownKey);
    if (number > (this.#counts.get(stepName + OWN) ?? 0)) this.#counts.set(stepName + OWN, number);
    const wasCounted = number > 0 && number <= (this.#before[stepName] ?? 0);
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

  #count(stepName: string): number {
    const n = Math.max(this.#counts.get(stepName) ?? 0, this.#before[stepName + OWN] ?? 0) + 1;
    this.#counts.set(stepName, n);
    return n;
  }
}
