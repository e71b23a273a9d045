/*
 * A fault is one thing that goes wrong, as plain data: it can be printed, sent to a worker and given to `runSchedule`
 * again. It is addressed by what it strikes, not by when: a step's key and the number of its attempt, an event's name and
 * the number of its occurrence, the number of a turn. So it means the same when others of its schedule are taken away.
 * One whose target does not come about in a run strikes nothing, and is not among the run's `met`.
 */

/** An attempt of a step, or of its undo. */
export interface AttemptAddress {
  /**
   * The step's key: within the saga itself without its instance id, e.g. `reserveStock#apple` or `charge#1`; of a child
   * saga's step the whole key.
   */
  readonly step: string;
  /** Of the step's undo. */
  readonly undo?: true;
  /** Number of the first attempt that it strikes, from 1. Default: 1. */
  readonly attempt?: number;
  /** How many attempts in a row it strikes. Default: 1. */
  readonly times?: number | 'always';
}

/**
 * What an operator decides when the fault has parked the saga. `skip`: does by hand what the step or undo could not do,
 * and counts it as done; `skipBlind`: counts it as done without doing it; `fail`: gives it up.
 */
export type OperatorDecision = 'retry' | 'skip' | 'skipBlind' | 'fail';

/**
 * A call that an attempt makes of a port fails. `before`: without its effect; `after`: with it, and the reply is lost.
 * `lost` (the default) is worth another attempt, `broken` fails for good and nobody knows whether it had an effect,
 * `refused` fails for good and says that it had none.
 */
export interface CallFault extends AttemptAddress {
  readonly kind: 'call';
  /** Number of the call within its attempt, from 1. */
  readonly call: number;
  readonly when: 'before' | 'after';
  readonly as?: 'lost' | 'broken' | 'refused';
  /** Default: `retry`. */
  readonly then?: OperatorDecision;
}

/** The platform fails the attempt: before it ran, or after it and its reply is lost. */
export interface PlatformFault extends AttemptAddress {
  readonly kind: 'platform';
  readonly when: 'before' | 'after';
  /** Default: `retry`. */
  readonly then?: OperatorDecision;
}

/**
 * The attempt takes longer than its timeout. `effect`: it runs late; `answer`: it runs at once and answers late. Of a
 * step without a timeout it is only slow.
 */
export interface LateFault extends AttemptAddress {
  readonly kind: 'late';
  readonly what: 'effect' | 'answer';
  /** Milliseconds. Default: 15 seconds more than the step's timeout. */
  readonly by?: number;
  /** Default: `retry`. */
  readonly then?: OperatorDecision;
}

/**
 * The attempt is delivered twice: once more right after it, both at the same time, or once more an hour later, whatever
 * has become of the saga. The first answer is the one that counts.
 */
export interface TwiceFault extends AttemptAddress {
  readonly kind: 'twice';
  readonly how: 'after' | 'together' | 'later';
}

/**
 * The host is killed. `before` the commit of a turn: the turn is lost and run again from what was committed; `after` it:
 * only what was kept in memory is lost. Activities that had begun and whose answers were not committed run again.
 */
export interface KillFault {
  readonly kind: 'kill';
  /** Number of the turn within its instance, from 1. */
  readonly turn: number;
  readonly when: 'before' | 'after';
  /** Instance id of a child saga whose turn is meant. Default: the saga itself. */
  readonly instance?: string;
}

/** What happens to an event of the setup's `events`. */
export interface EventFault {
  readonly kind: 'event';
  readonly event: string;
  /** Which of those of this name, from 1. Default: 1. */
  readonly nth?: number;
  /**
   * `early`: it comes with the start; `late`: `by` milliseconds after its time; `doubled`: it comes twice; `missing`: it
   * never comes; `swapped`: it changes places with the one after it.
   */
  readonly how: 'early' | 'late' | 'doubled' | 'missing' | 'swapped';
  /** Milliseconds that a late one is late by. Default: 30 days. */
  readonly by?: number;
}

/** A cancel comes at the n-th wait of the saga. */
export interface CancelFault {
  readonly kind: 'cancel';
  /** Number of the wait, from 1: each turn of the saga ends in one. 0: before its first turn. */
  readonly wait: number;
  /** `alone` (the default): in a turn of its own; `behind`: in one turn with the answer that is waited for, after it. */
  readonly how?: 'alone' | 'behind';
}

export type Fault = CallFault | PlatformFault | LateFault | TwiceFault | KillFault | EventFault | CancelFault;

export type FaultKind = Fault['kind'];

export const FAULT_KINDS: readonly FaultKind[] = ['call', 'platform', 'late', 'twice', 'kill', 'event', 'cancel'];

/** What a fault does, in a line for people. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'call':
      return `${nameOf(fault)}: call ${fault.call} ${CALL_FAILS[fault.as ?? 'lost']} ${fault.when} its effect${then(fault)}`;
    case 'platform':
      return fault.when === 'before'
        ? `${nameOf(fault)}: the platform fails it before it runs${then(fault)}`
        : `${nameOf(fault)}: its reply is lost${then(fault)}`;
    case 'late':
      return fault.what === 'effect'
        ? `${nameOf(fault)}: runs late${by(fault)}${then(fault)}`
        : `${nameOf(fault)}: answers late${by(fault)}${then(fault)}`;
    case 'twice':
      return `${nameOf(fault)}: delivered twice, ${TWICE[fault.how]}`;
    case 'kill': {
      const whose = fault.instance === undefined ? '' : ` of ${fault.instance}`;
      return `the host is killed ${fault.when} the commit of turn ${fault.turn}${whose}`;
    }
    case 'event': {
      const which = fault.nth === undefined || fault.nth === 1 ? '' : ` (number ${fault.nth})`;
      return `event '${fault.event}'${which}: ${EVENTS[fault.how]}${fault.how === 'late' ? by(fault) : ''}`;
    }
    case 'cancel':
      return `a cancel comes at wait ${fault.wait}${fault.how === 'behind' ? ', behind what was waited for' : ''}`;
  }
}

const CALL_FAILS = { lost: 'fails', broken: 'fails for good', refused: 'is refused' } as const;
const TWICE = { after: 'one after the other', together: 'at the same time', later: 'once more an hour later' } as const;
const EVENTS = {
  early: 'comes with the start',
  late: 'comes late',
  doubled: 'comes twice',
  missing: 'never comes',
  swapped: 'changes places with the next',
} as const;

function nameOf({ step, undo, attempt = 1, times = 1 }: AttemptAddress): string {
  const whose = undo === true ? `undo of ${step}` : step;
  if (times === 'always') return `${whose}, attempts from ${attempt} on`;
  return times === 1 ? `${whose}, attempt ${attempt}` : `${whose}, attempts ${attempt} to ${attempt + times - 1}`;
}

function then({ then: decision }: { readonly then?: OperatorDecision }): string {
  return decision === undefined ? '' : `; parked, an operator says ${decision}`;
}

function by({ by: milliseconds }: { readonly by?: number }): string {
  return milliseconds === undefined ? '' : ` by ${milliseconds} ms`;
}
