import type { Fault } from '../fault';
import type { Known, Reach, Target } from './enumerate';
import { faultsOf, faultsOfMoments, faultsOfTarget, idOf, targetsOf } from './enumerate';
import type { Schedule } from './runs';

/*
 * What only runs with faults do (undos, telling of a parking, another way) can be struck only there. So each run is asked
 * what it did that no run before it did, and every fault that can strike that is tried on top of the run's own: one after
 * the other, until nothing new is reached. An undo is met twice: when it was its own step that failed, whose effect is
 * unknown then, and when something else did.
 */

/** A run that has been made, and what it did. */
export interface Reached {
  readonly schedule: Schedule;
  readonly reach: Reach;
}

/** More faults than this are not put together to get somewhere. */
const MOST_FAULTS = 4;

export class Singles {
  readonly #known: Known;
  readonly #usual: ReadonlySet<string>;
  readonly #met = new Set<string>();
  readonly #baseline: Reach;
  #wayBack = false;

  constructor(baseline: Reach, known: Known) {
    this.#known = known;
    this.#baseline = baseline;
    this.#usual = new Set(targetsOf(baseline).map(idOf));
  }

  /** One fault each. */
  first(): Schedule[] {
    return faultsOf(this.#baseline, this.#known).map((fault) => [fault]);
  }

  /** What the runs of the last round make it possible to try. */
  next(round: readonly Reached[]): Schedule[] {
    const targets = round.flatMap((reached) => this.#ofNewTargets(reached));
    return [...targets, ...this.#ofWayBack(round)];
  }

  #ofNewTargets({ schedule, reach }: Reached): Schedule[] {
    if (schedule.length >= MOST_FAULTS) return [];
    return targetsOf(reach)
      .filter((target) => !this.#usual.has(idOf(target)) && this.#isNew(target, schedule))
      .flatMap((target) => faultsOfTarget(reach, target, this.#known).map((fault) => [...schedule, fault]));
  }

  #isNew(target: Target, schedule: Schedule): boolean {
    const isOwn = schedule.some((fault) => 'step' in fault && fault.step === target.step);
    const id = `${idOf(target)} ${isOwn ? 'after its own failure' : 'after another'}`;
    if (this.#met.has(id)) return false;
    this.#met.add(id);
    return true;
  }

  /** Kills and cancels while the saga goes back, once: on the longest way of the first round. */
  #ofWayBack(round: readonly Reached[]): Schedule[] {
    if (this.#wayBack) return [];
    this.#wayBack = true;
    const undos = ({ reach }: Reached): number => targetsOf(reach).filter(({ isUndo }) => isUndo).length;
    const longest = round.reduce<Reached | undefined>(
      (best, one) => (undos(one) > (best === undefined ? 0 : undos(best)) ? one : best),
      undefined,
    );
    if (longest === undefined) return [];
    const others = faultsOfMoments(longest.reach, this.#known).filter(({ kind }) => kind !== 'event');
    return others
      .filter((fault) => !longest.schedule.some((own) => areAtOdds(own, fault)))
      .map((fault) => [...longest.schedule, fault]);
  }
}

/** Two faults of which only one can strike: they are about the same attempt, or the same event. */
export function areAtOdds(a: Fault, b: Fault): boolean {
  if ('step' in a && 'step' in b) {
    const isSame = a.step === b.step && a.undo === b.undo;
    return isSame && firstOf(a) <= lastOf(b) && firstOf(b) <= lastOf(a);
  }
  if (a.kind === 'event' && b.kind === 'event') return a.event === b.event && (a.nth ?? 1) === (b.nth ?? 1);
  return a.kind === 'cancel' && b.kind === 'cancel';
}

type AttemptFault = Extract<Fault, { readonly step: string }>;

function firstOf({ attempt = 1 }: AttemptFault): number {
  return attempt;
}

function lastOf({ attempt = 1, times = 1 }: AttemptFault): number {
  return times === 'always' ? Infinity : attempt + times - 1;
}
