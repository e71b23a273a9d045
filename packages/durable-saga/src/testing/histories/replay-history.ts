import type { Activity } from '../../definition/activity';
import type { Definitions } from '../../definition/definitions';
import type { Saga } from '../../definition/saga';
import type { Orchestrator, ShownInstance } from '../../host/durable-functions';
import type { ExecutionStart } from '../../host/library-executor';
import { orchestratorsOf } from '../../host/orchestrators';
import { recovery } from '../../recovery/recovery';
import { readStart } from '../../runner/start-envelope';
import { ClaimCheck } from '../../store/claim-check';
import type { ClaimCheckOptions } from '../../store/claim-check';
import { isSagaStatus } from './compare-status';
import type { Held, HeldTo } from './hold-against';
import { holdAgainst } from './hold-against';
import { mendingBranch, Verbs } from './mend';
import type { RecordedLife, Told } from './recorded-life';
import { readLife, Unverifiable } from './recorded-life';
import type { Deviation } from './replay-pass';
import { ReplayPass } from './replay-pass';

/*
 * Would this code carry on what that instance has begun? The code runs over the history as a host would replay it, on the
 * library's own executor, and has no effect: replies come from the history, and what has none stays unanswered.
 *
 * The history that the management API shows is not the one that a host replays: it has no turns, no numbers, and nothing
 * that is under way. So a replay may rest on assumptions, and is run again with others where it must:
 *
 *  - A turn's time is that of what began it, until a timer shows that it was a little later (`hold-against.ts`).
 *  - A failure that the platform made does not say which attempt it ended. All that it may be are tried. If more than one
 *    fits and they lead to different ends, nobody knows: the history is unverifiable.
 *  - An event from outside is shown when it came, which is not always when it was taken. If the code does not fit with the
 *    one, it is tried with the other.
 */

/** What the code under test consists of: as it is given to `registerSagas`, without the ports. */
export interface ReplayedCode {
  readonly sagas: readonly Saga<never, unknown>[];
  readonly activities: readonly Activity<never, unknown, never>[];
  readonly claimCheck?: ClaimCheckOptions;
  /** Plain orchestrators of durable-functions, by the name of their function. */
  readonly orchestrators?: Readonly<Record<string, Orchestrator>>;
}

interface About {
  /** Name of the saga. */
  readonly saga: string;
  /** Its id. */
  readonly instance: string;
}

export type ReplayVerdict =
  | (About & { readonly verdict: 'same' })
  | (About & {
      readonly verdict: 'differs';
      /** That the instance was started with. */
      readonly version: string;
      /** Name of the step at which they part: the history's if it has one, else the code's. */
      readonly step: string | undefined;
      /** Place in `historyEvents`. */
      readonly event: number;
      /** What the history has there, and what the code asks for. Neither tells any payload. */
      readonly history: string;
      readonly code: string;
      /** The version branch that would mend it. */
      readonly mend: string;
    })
  | (About & { readonly verdict: 'unverifiable'; readonly why: string });

/** Replays histories against one build. */
export class HistoryReplayer {
  readonly #definitions: Definitions;
  readonly #orchestrators: ReadonlyMap<string, Orchestrator>;
  readonly #verbs = new Verbs();

  constructor({ sagas, activities, claimCheck, orchestrators = {} }: ReplayedCode) {
    this.#definitions = {
      activities: new Map(activities.map((activity) => [activity.name, activity])),
      sagas: this.#verbs.watch(new Map(sagas.map((saga) => [saga.name, saga]))),
      claims: new ClaimCheck(claimCheck),
    };
    const all = [...orchestratorsOf(this.#definitions), ...Object.entries(orchestrators)];
    this.#orchestrators = new Map(all.map(([name, orchestrator]) => [name.toLowerCase(), orchestrator]));
  }

  /** `shown`: an instance with its input, history and results, as the management API gives it. Has no effect. */
  replay(shown: ShownInstance & { readonly instanceId: string }): ReplayVerdict {
    const { instanceId: instance, name: saga } = shown;
    try {
      const life = readLife(shown);
      if (life === undefined) return { verdict: 'same', saga, instance };
      const orchestrator = this.#orchestrators.get(saga.toLowerCase());
      if (orchestrator === undefined) return this.#unknown(shown);
      const found = search(orchestrator, toStart(shown, life), life, { ...shown, deadline: this.#deadlineOf(shown) });
      if (found.unverifiable !== undefined) return { verdict: 'unverifiable', saga, instance, why: found.unverifiable };
      if (found.deviation === undefined) return { verdict: 'same', saga, instance };
      return this.#differs(shown, life, found.deviation);
    } catch (error) {
      if (!(error instanceof Unverifiable)) throw error;
      return { verdict: 'unverifiable', saga, instance, why: error.message };
    }
  }

  #deadlineOf({ name, customStatus }: ShownInstance): number | undefined {
    const timeout = this.#definitions.sagas.get(name)?.timeout;
    if (timeout === undefined || !isSagaStatus(customStatus)) return undefined;
    return Date.parse(customStatus.startedAt ?? '') + timeout;
  }

  #unknown(shown: ShownInstance & { readonly instanceId: string }): ReplayVerdict {
    const { instanceId: instance, name: saga } = shown;
    return {
      verdict: 'differs',
      saga,
      instance,
      version: versionOf(shown),
      step: undefined,
      event: 0,
      history: `the start of ${saga}`,
      code: `no saga of that name`,
      mend: `keep the saga ${saga} registered until none of its instances is left`,
    };
  }

  #differs(
    shown: ShownInstance & { readonly instanceId: string },
    life: RecordedLife,
    deviation: Deviation,
  ): ReplayVerdict {
    const { instanceId: instance, name: saga } = shown;
    const { event, historyStep, codeStep, history, code } = deviation;
    const version = versionOf(shown);
    const later = life.told.filter((told) => told.index >= event);
    const isElsewhere = later.some((told) => told.kind === 'reply' && told.name === codeStep);
    const now = this.#definitions.sagas.get(saga)?.version ?? recovery.version;
    const mend = mendingBranch({ saga, started: version, now, deviation, isElsewhere }, this.#verbs, this.#definitions);
    const step = historyStep ?? codeStep;
    return { verdict: 'differs', saga, instance, version, step, event, history, code, mend };
  }
}

/** Replays one history; `HistoryReplayer` is for many. */
export function replayHistory(
  shown: ShownInstance & { readonly instanceId: string },
  code: ReplayedCode,
): ReplayVerdict {
  return new HistoryReplayer(code).replay(shown);
}

function versionOf({ input, customStatus }: ShownInstance): string {
  return isSagaStatus(customStatus) ? customStatus.version : readStart(input, undefined).version;
}

function toStart(
  { instanceId, input, customStatus }: ShownInstance & { readonly instanceId: string },
  life: RecordedLife,
): ExecutionStart {
  const status = isSagaStatus(customStatus) ? customStatus : undefined;
  // A saga tells the time of its first turn, which a host may not show.
  const told = status?.generation === undefined ? Date.parse(status?.startedAt ?? '') : NaN;
  const startedAt = life.isExact || Number.isNaN(told) ? life.startedAt : Math.max(told, life.startedAt);
  const version = status === undefined || status.version === '0' ? {} : { version: status.version };
  return { instanceId, input, startedAt, ...version };
}

/** Passes in which the times of turns settle, and ways to read a history, that are tried at most. */
const MOST_PASSES = 6;
const MOST_READINGS = 64;

type Found = Pick<Held, 'deviation' | 'unverifiable'> & { readonly stands?: string };

/** Reads the history in all ways that it leaves open, until the code fits one of them. */
function search(orchestrator: Orchestrator, start: ExecutionStart, life: RecordedLife, shown: HeldTo): Found {
  const read = (told: readonly Told[]): Found =>
    readAll((choose) => settle(orchestrator, start, life, shown, told, choose));
  const first = read(life.told);
  if (first.deviation === undefined) return first;
  for (const told of delayed(life.told)) {
    const other = read(told);
    if (other.deviation === undefined) return other;
  }
  return first;
}

/** The same with one event from outside taken later than shown. */
function* delayed(told: readonly Told[]): Generator<readonly Told[]> {
  let readings = 0;
  for (const [i, one] of told.entries()) {
    if (one.kind !== 'raised') continue;
    for (let by = 1; by <= 3 && i + by < told.length; by += 1) {
      readings += 1;
      if (readings > MOST_READINGS) return;
      yield [...told.slice(0, i), ...told.slice(i + 1, i + by + 1), one, ...told.slice(i + by + 1)];
    }
  }
}

/** Tries one choice after another wherever there is more than one. */
function readAll(read: (choose: (count: number) => number) => Found): Found {
  const fits = new Map<string, Found>();
  let first: Found | undefined;
  let choices: number[] = [];
  for (let readings = 0; readings < MOST_READINGS; readings += 1) {
    const counts: number[] = [];
    const found = read((count) => {
      counts.push(count);
      return choices[counts.length - 1] ?? 0;
    });
    first ??= found;
    if (found.deviation === undefined) fits.set(found.stands ?? '', found);
    const next = nextChoices(choices, counts);
    if (next === undefined) return conclude(first, fits);
    choices = next;
  }
  return { unverifiable: 'it does not say which attempts the platform has failed, and there are too many to try' };
}

function conclude(first: Found, fits: ReadonlyMap<string, Found>): Found {
  const [fit, ...more] = fits.values();
  if (fit === undefined) return first;
  if (more.length === 0) return fit;
  return { unverifiable: 'it does not say which attempt a reply is for, and more than one fits' };
}

/** Counts on, as with digits: the last choice that has another possibility takes it. */
function nextChoices(choices: readonly number[], counts: readonly number[]): number[] | undefined {
  for (let last = counts.length - 1; last >= 0; last -= 1) {
    const next = (choices[last] ?? 0) + 1;
    if (next < (counts[last] ?? 0)) return [...counts.slice(0, last).map((_, i) => choices[i] ?? 0), next];
  }
  return undefined;
}

/** Passes over one reading until the times of its turns don't change any more. */
function settle(
  orchestrator: Orchestrator,
  start: ExecutionStart,
  life: RecordedLife,
  shown: HeldTo,
  told: readonly Told[],
  choose: (count: number) => number,
): Found {
  const turns = new Map<number, number>();
  const made: number[] = [];
  for (let passes = 1; ; passes += 1) {
    let chosen = 0;
    const pass = new ReplayPass(orchestrator, start, life, {
      told,
      turns,
      // The same in each pass of one reading.
      choose: (count) => (made[chosen++] ??= choose(count)),
    }).run();
    const held = holdAgainst(pass, shown);
    const isNew = [...held.turns].some(([by, at]) => turns.get(by) !== at);
    if (!isNew || passes === MOST_PASSES) return { ...held, stands: standOf(pass) };
    for (const [by, at] of held.turns) turns.set(by, at);
  }
}

/** Where a replay stands at its end: two that stand alike go on alike. */
function standOf({ asked, timers, end, statuses }: ReplayPass): string {
  const open = asked.filter(({ isAnswered }) => !isAnswered).map(({ id, name }) => [id, name]);
  return JSON.stringify([
    open,
    timers.filter(({ isFired }) => !isFired).map(({ id }) => id),
    end?.kind,
    statuses.at(-1),
  ]);
}
