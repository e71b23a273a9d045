import type { Asked, AskedTimer } from './asked';
import { describeAsked } from './asked';
import { compareStatus, isSagaStatus, orderOf } from './compare-status';
import { TICKS } from './recorded-life';
import type { Deviation, ReplayPass } from './replay-pass';
import { toIso } from './replay-pass';

/*
 * A replay that had an answer for everything that the history tells is not yet the same life. What the code asked for
 * must be what the history has: as many timers, for the same times; in the same order, since hosts match results by
 * number alone; in the same turns; and the same things under way at the end. The history shows no numbers and nothing
 * that is under way. The order is in the times at which things were asked for, the rest in the saga's own status.
 */

/** What is to be assumed in the next pass, or what is wrong, or why it can't be told. */
export interface Held {
  readonly deviation?: Deviation | undefined;
  readonly unverifiable?: string | undefined;
  /** Times of turns that the history gives away, by what began them. */
  readonly turns: ReadonlyMap<number, number>;
}

export interface HeldTo {
  readonly instanceId: string;
  readonly runtimeStatus: string;
  readonly customStatus: unknown;
  /** When the saga's own timeout is over, if it has one; milliseconds since the epoch. */
  readonly deadline?: number | undefined;
}

/** Milliseconds by which a turn's time may be off where the host does not show it. */
const TOLERANCE = 5_000;

/** Holds what a pass has asked for against the history and the status that the host shows. */
export function holdAgainst(pass: ReplayPass, shown: HeldTo): Held {
  const turns = new Map<number, number>();
  const deviation =
    pass.deviation ?? checkTimers(pass, turns) ?? checkOrder(pass) ?? checkTurns(pass, turns) ?? checkEnd(pass, shown);
  // A time that is learned changes what a later check sees: it looks again in the next pass.
  if (pass.deviation === undefined && deviation !== undefined) checkTurns(pass, turns);
  return { deviation, unverifiable: deviation === undefined ? findDoubt(pass, shown) : undefined, turns };
}

/** Asked for in a turn that the host may not have run or written yet. */
function isLoose({ lastSure, endedBy }: ReplayPass, by: number): boolean {
  return by > lastSure || by === endedBy;
}

function checkTimers(pass: ReplayPass, turns: Map<number, number>): Deviation | undefined {
  const { timers, life } = pass;
  let found: Deviation | undefined;
  timers.forEach((timer, nth) => {
    const recorded = life.timers[nth];
    const code = `a timer until ${toIso(timer.fireAt)}`;
    if (recorded === undefined) {
      if (isLoose(pass, timer.by)) return;
      const event = pass.told[timer.by]?.index ?? 0;
      found ??= { event, historyStep: undefined, codeStep: undefined, history: 'no timer', code };
      return;
    }
    const off = recorded.fireAt - timer.fireAt;
    if (off === 0 || learn(pass, turns, timer, off, life.startedAt + recorded.created / TICKS)) return;
    if (!life.isExact && Math.abs(off) <= TOLERANCE) return;
    const history = `a timer until ${toIso(recorded.fireAt)}`;
    found ??= { event: recorded.index, historyStep: undefined, codeStep: undefined, history, code };
  });
  if (found !== undefined) return found;
  const unasked = life.timers[timers.length];
  if (unasked === undefined) return undefined;
  const history = `a timer until ${toIso(unasked.fireAt)}`;
  const codeStep = pass.codeStep();
  return { event: unasked.index, historyStep: undefined, codeStep, history, code: pass.describeCode() };
}

/**
 * A timer's time is that of its turn and a duration, so it gives the turn's time away. It must lie between what began
 * the turn and what the turn has written.
 */
function learn(
  pass: ReplayPass,
  turns: Map<number, number>,
  { by, turn }: { readonly by: number; readonly turn: number },
  off: number,
  until: number,
): boolean {
  const told = pass.told[by];
  // Where a host shows its turns' times, only those of events from outside are their own.
  if (pass.life.isExact && told?.kind !== 'raised') return false;
  const at = turn + off;
  // A timer may fire a moment early, and no more: what was asked for behind it was not asked for long before.
  const from = told === undefined ? pass.life.startedAt : told.kind === 'fired' ? told.fireAt - TOLERANCE : told.at;
  const earlier = pass.told[by - 1]?.at ?? 0;
  if (at < from || at < earlier - TOLERANCE || at > until) return false;
  turns.set(by, at);
  return true;
}

interface Opened {
  readonly id: number;
  readonly ticks: number;
  readonly index: number;
  readonly name: string | undefined;
  readonly what: string;
  readonly asked: Asked | undefined;
}

/** What the history knows the time of, in the order in which the code asked for it. */
function openedIn({ asked, timers, life }: ReplayPass): readonly Opened[] {
  const steps = asked.flatMap((one): Opened[] =>
    one.recorded === undefined
      ? []
      : [{ ...one.recorded, id: one.id, name: one.name, what: describeAsked(one), asked: one }],
  );
  const waits = timers.flatMap(({ id }, nth): Opened[] => {
    const recorded = life.timers[nth];
    if (recorded === undefined) return [];
    const what = `a timer until ${toIso(recorded.fireAt)}`;
    return [{ id, ticks: recorded.created, index: recorded.index, name: undefined, what, asked: undefined }];
  });
  return [...steps, ...waits].sort((a, b) => a.id - b.id);
}

/** Steps are told before timers, which have no names. */
function checkOrder(pass: ReplayPass): Deviation | undefined {
  const opened = openedIn(pass);
  return findSwapped(opened.filter(({ asked }) => asked !== undefined)) ?? findSwapped(opened);
}

function findSwapped(opened: readonly Opened[]): Deviation | undefined {
  for (const [i, one] of opened.entries()) {
    const before = opened[i - 1];
    if (before === undefined || before.ticks <= one.ticks) continue;
    return {
      event: Math.max(before.index, one.index),
      historyStep: one.name,
      codeStep: before.name,
      history: `${one.what}, then ${before.what}`,
      code: `${before.what}, then ${one.what}`,
    };
  }
  return undefined;
}

/** Whether the code asked in the very turn in which the history has it. */
function checkTurns(pass: ReplayPass, turns: Map<number, number>): Deviation | undefined {
  const { asked, told, life } = pass;
  /** By what began a turn: the first reply to something asked for in it or later. */
  const firstReply = firstReplies(pass);
  for (const one of asked) {
    if (one.recorded === undefined) continue;
    const at = life.startedAt + Math.floor(one.recorded.ticks / TICKS);
    const reply = firstReply[one.by + 1];
    const isSame = life.isExact
      ? at === one.turn || learn(pass, turns, one, at - one.turn, at)
      : reply === undefined || reply.index === one.recorded.index || at <= reply.at;
    if (isSame) continue;
    return {
      event: one.recorded.index,
      historyStep: one.name,
      codeStep: one.name,
      history: `${describeAsked(one)} at ${toIso(at)}`,
      code: `${describeAsked(one)} at ${toIso(Math.max(one.turn, told[one.by]?.at ?? 0))}`,
    };
  }
  return undefined;
}

function firstReplies({
  asked,
  told,
}: ReplayPass): readonly ({ readonly index: number; readonly at: number } | undefined)[] {
  const first: ({ readonly index: number; readonly at: number } | undefined)[] = [];
  const times = new Map(told.map(({ index, at }) => [index, at]));
  const byBy = [...asked].sort((a, b) => b.by - a.by);
  let earliest: { readonly index: number; readonly at: number } | undefined;
  let next = 0;
  for (let by = told.length - 1; by >= -1; by -= 1) {
    for (; byBy[next]?.by === by; next += 1) {
      const index = byBy[next]?.recorded?.index;
      const at = index === undefined ? undefined : times.get(index);
      if (index !== undefined && at !== undefined && (earliest === undefined || at < earliest.at))
        earliest = { index, at };
    }
    first[by + 1] = earliest;
  }
  return first;
}

/** Whether the code stands where the instance stands. */
function checkEnd(pass: ReplayPass, { instanceId, runtimeStatus, customStatus }: HeldTo): Deviation | undefined {
  const { life, statuses, end } = pass;
  const event = life.end?.index ?? pass.told.at(-1)?.index ?? 0;
  const isFinished = runtimeStatus === 'Completed';
  const steps = { event, historyStep: undefined, codeStep: pass.codeStep() };
  if (isFinished && end === undefined) return { ...steps, history: 'the end', code: pass.describeCode() };
  if (isFinished && end?.kind === 'threw') return { ...steps, history: 'the end', code: 'throws an error' };
  if (isSagaStatus(customStatus)) {
    const compared = statuses.map((status) => compareStatus(instanceId, customStatus, status));
    if (compared.includes(undefined)) return undefined;
    const [difference] = compared;
    if (difference === undefined) return undefined;
    const { history, code, step } = difference;
    return { event, historyStep: step, codeStep: pass.codeStep(), history, code };
  }
  const isOpen = runtimeStatus === 'Running' || runtimeStatus === 'Suspended' || runtimeStatus === 'Pending';
  if (isOpen && end !== undefined && end.kind !== 'continued' && !isLoose(pass, pass.told.length - 1)) {
    return { ...steps, history: 'has not ended', code: pass.describeCode() };
  }
  return undefined;
}

/** What this history does not show, though it matters. */
function findDoubt(pass: ReplayPass, held: HeldTo): string | undefined {
  const { runtimeStatus, customStatus } = held;
  const opened = openedIn(pass);
  const order = isSagaStatus(customStatus) ? orderOf(customStatus) : [];
  for (const [i, one] of opened.entries()) {
    const before = opened[i - 1];
    if (before?.ticks !== one.ticks) continue;
    const [first, second] = [before, one].map(({ asked }) => order.indexOf(asked?.key ?? ''));
    if (first === undefined || second === undefined || first < 0 || second < 0 || first > second) {
      return `the order of ${before.what} and ${one.what}, asked for at the same time, is not shown`;
    }
  }
  if (runtimeStatus === 'Completed') return undefined;
  if (isSagaStatus(customStatus)) return findUnplaced(pass, held);
  const underWay = pass.asked.filter(({ isAnswered, by }) => !isAnswered && !isLoose(pass, by));
  if (underWay.length === 0) return undefined;
  return `its history does not show what is under way, and the code has asked for ${underWay.map(describeAsked).join(', ')}`;
}

/**
 * A step under way that was asked for in one turn with a timer: the history does not show which was first. The timers that
 * the toolkit sets itself follow from the steps: that of an attempt is behind it, that of the saga's timeout where it first waits.
 */
function findUnplaced(pass: ReplayPass, { deadline = NaN }: HeldTo): string | undefined {
  for (const one of pass.asked) {
    if (one.isAnswered || isLoose(pass, one.by)) continue;
    const beside = pass.timers.find(
      (timer) => timer.by === one.by && !isOfStep(pass, timer) && !(Math.abs(timer.fireAt - deadline) <= TOLERANCE),
    );
    if (beside === undefined) continue;
    const what = `a timer until ${toIso(beside.fireAt)}`;
    return `the order of ${describeAsked(one)}, which is under way, and ${what}, asked for at the same time, is not shown`;
  }
  return undefined;
}

function isOfStep({ asked }: ReplayPass, { id, fireAt, turn }: AskedTimer): boolean {
  return asked.some((one) => one.id === id - 1 && one.timeout === fireAt - turn);
}
