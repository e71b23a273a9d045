import type { SagaPath } from 'durable-saga/diagram';
import type { Fault, Run } from 'durable-saga/testing';

/** What a saga's steps are to it, by the names of their activities. */
export interface Roles {
  /** Before the pivot; without any of them there is no going on. */
  readonly needed: readonly string[];
  readonly pivot: string;
}

type StepFault = Extract<Fault, { readonly step: string }>;

/** Attempts of a step before the pivot, when nothing else is said. */
const ATTEMPTS = 10;

/**
 * Whether what a run ended with follows from its path and from what struck it, as far as faults were its steps' own: a
 * step that is given up turns back, nothing else does, and what can be tried again ends as if nothing had happened.
 */
export function endsForAReason(path: SagaPath<unknown>, { needed, pivot }: Roles, run: Run): boolean {
  const { outcome, met, cancel, failure, parked } = run;
  const stepFaults = met.filter((fault): fault is StepFault => 'step' in fault && fault.undo !== true);
  const struck = (name: string): StepFault[] => stepFaults.filter(({ step }) => nameOf(step) === name);
  const isRefused = struck(pivot).some((fault) => fault.kind === 'call' && fault.as === 'refused');
  const isGivenUp = needed.some((name) => struck(name).some(givesUp));
  const gaveUp = parked.filter(({ decision }) => decision === 'fail');
  const isKilled = met.some(({ kind }) => kind === 'kill');
  // One that comes when all is over, or never, is not met.
  const isEventLost = met.some(({ kind }) => kind === 'event') || run.events.length < (path.events?.length ?? 0);
  if (met.length === 0 && !isEventLost) return outcome === path.ends;
  switch (outcome) {
    case 'completed':
      // What another host runs again may come through.
      if ((isGivenUp || isRefused) && !isKilled) return false;
      return path.ends === 'completed' && cancel !== 'honoured' && gaveUp.length === 0;
    case 'compensated':
      if (path.ends === 'compensated' || cancel === 'honoured') return true;
      if (failure?.step === undefined && failure?.kind === 'declared') return isEventLost;
      if (failure?.kind === 'givenUp') return gaveUp.some(({ what }) => what === 'pivot');
      return isGivenUp || isRefused;
    case 'compensationFailed':
      return gaveUp.some(({ what }) => what !== 'pivot');
    default:
      return false;
  }
}

function givesUp(fault: StepFault): boolean {
  if (fault.kind === 'twice') return false;
  if (fault.kind === 'call' && (fault.as === 'broken' || fault.as === 'refused')) return true;
  return fault.times === 'always' || (fault.times ?? 1) >= ATTEMPTS;
}

/** Of a step as faults and parkings name it. */
export function nameOf(step: string): string {
  return step.slice(0, step.indexOf('#'));
}
