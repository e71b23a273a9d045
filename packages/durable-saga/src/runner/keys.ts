import { checkKey } from '../store/ledger';

/** The latest number of each step's name. */
export type KeyCounts = Readonly<Record<string, number>>;

/**
 * Gives each step its idempotency key, `<instance>/<step>#<n>`. `n` counts per step name, from 1, in the order of the
 * calls, so that a step added elsewhere shifts nothing. An author's own key takes the place of the number.
 */
export class KeyCounter {
  readonly #instanceId: string;
  readonly #counts: Map<string, number>;
  readonly #taken: Set<string>;

  /** `taken`: keys of an earlier history that must not be given again. */
  constructor(instanceId: string, counts: KeyCounts = {}, taken: Iterable<string> = []) {
    this.#instanceId = instanceId;
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
    if (this.#taken.has(key)) {
      throw new Error(`step '${stepName}': the key '${suffix}' is used twice in this saga; each call needs its own`);
    }
    this.#taken.add(key);
    return key;
  }

  #count(stepName: string): number {
    const n = (this.#counts.get(stepName) ?? 0) + 1;
    this.#counts.set(stepName, n);
    return n;
  }
}
