import { setTimeout } from 'node:timers/promises';
import type { Duration } from '../definition/duration';
import { toMilliseconds } from '../definition/duration';
import type { Resolution, RetryEvent } from '../runner/parking';
import { RETRY_EVENT } from '../definition/saga';
import type { AlsoParked } from '../runner/status';
import type { Answer, Refusal } from './answer';
import { refuse, unknown, whyNot } from './answer';
import { hasEnded } from './instance-status';
import type { InstanceStatus } from './instance-status';
import type { Reach } from './reach';
import { send, withTrace } from './reach';

/**
 * How it goes on with what is parked. `step` is the key of the step that is meant; it may be left out where one alone
 * is parked, and for a retry, which then is for all that is.
 */
export type Decision = Resolution & { readonly step?: string };

export interface ResolveOptions {
  /** How long to wait for the saga's word. Default: 5 seconds. */
  readonly wait?: Duration;
}

/** Tells a saga how it goes on with what is parked, and waits until it does. */
export async function resolveParked(
  reach: Reach,
  decision: Decision,
  { wait = '5 seconds' }: ResolveOptions,
): Promise<Answer> {
  const limit = toMilliseconds(wait, 'wait of resolve');
  const now = await reach.status();
  const meant = now === undefined ? unknown(reach.id) : (whyNot(reach.id, now) ?? findMeant(now, decision));
  if ('accepted' in meant) return meant;
  const isAboutAll = decision.step === undefined && decision.action === 'retry';
  const event: RetryEvent = isAboutAll ? { action: 'retry' } : { ...decision, ...meant.name };
  return (await send(reach, RETRY_EVENT, withTrace(event))) ?? awaitWord(reach, meant.shown, limit);
}

interface Meant {
  /** What of it the status shows. */
  readonly shown: readonly AlsoParked[];
  /** How the event names it: by its number too, so that an answer that comes late answers nothing else. */
  readonly name: Pick<RetryEvent, 'step' | 'number'>;
}

function findMeant(status: InstanceStatus<unknown>, { action, step }: Decision): Meant | Refusal {
  const { id, parked: first, alsoParked = [] } = status;
  if (first === undefined) return refuse('notParked', `saga '${id}' is ${status.state}, not parked`);
  const shown = [first, ...alsoParked];
  const keys = `${shown.map(({ key }) => `'${key}'`).join(', ')}${shown.length <= first.others ? ', ...' : ''}`;
  if (step === undefined) {
    if (action === 'retry') return { shown, name: {} };
    if (first.others > 0) return refuse('ambiguous', `several of saga '${id}' are parked, name one: ${keys}`);
    return { shown, name: { step: first.key, number: first.number } };
  }
  const one = shown.find(({ key }) => key === step);
  if (one !== undefined) return { shown: [one], name: { step, number: one.number } };
  // There may be too many to show; the saga knows them all.
  if (shown.length <= first.others) return { shown: [], name: { step } };
  return refuse('notParked', `of saga '${id}' only ${keys} is parked, not '${step}'`);
}

/** Polls until what was meant is not parked any more, or its answer was refused. */
async function awaitWord(reach: Reach, meant: readonly AlsoParked[], wait: number): Promise<Answer> {
  if (meant.length === 0) return { accepted: true, confirmed: false };
  for (let waited = 0, pause = 10; ; waited += pause, pause = Math.min(pause * 2, 250)) {
    const now = await reach.status();
    if (now === undefined) return unknown(reach.id);
    const parked = hasEnded(now) ? [] : [...(now.parked === undefined ? [] : [now.parked]), ...(now.alsoParked ?? [])];
    const left = meant.flatMap((one) => {
      const still = parked.find(({ number }) => number === one.number);
      return still === undefined ? [] : [{ one, still }];
    });
    if (left.length === 0) return { accepted: true, confirmed: true };
    for (const { one, still } of left) {
      const { refusal } = still;
      if (refusal !== undefined && refusal.count > (one.refusal?.count ?? 0)) return refuse('invalid', refusal.message);
    }
    if (waited >= wait) return { accepted: true, confirmed: false };
    await setTimeout(pause);
  }
}
