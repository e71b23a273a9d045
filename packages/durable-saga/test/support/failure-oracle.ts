import type { OutcomeKind } from '../../src';
import type { Baseline, TableStep } from './failure-table';
import { SLOW } from './failure-table';
import type { Aftermath, Trouble } from './failure-troubles';

/** What there is of everything, by name. */
export type Books = Readonly<Record<string, number>>;

export interface Expected {
  readonly outcome: OutcomeKind;
  readonly books: Books;
  readonly cancel: 'honoured' | 'refused' | undefined;
}

/** How a row of the table must end, from what its step is to the saga and how far it came. */
export function expectEnd(step: TableStep, trouble: Trouble, aftermath: Aftermath, baseline: Baseline): Expected {
  const outcome = outcomeOf(step, trouble, aftermath, baseline);
  const own = partOf(step, trouble.effects, baseline);
  const begun = begunBefore(step, trouble, baseline);
  const standing = outcome === 'compensated' ? begun.filter(({ role }) => role !== 'compensatable') : begun;
  const books = standing.map((other) => partOf(other, Infinity, baseline));
  const ownStands = outcome !== 'compensated' || step.role === 'call';
  const all = [baseline.initial, ...books, ...(trouble.gaveUp && ownStands ? [own] : [])];
  return {
    outcome,
    books:
      outcome === 'completed' ? completedBooks(step, trouble, baseline) : all.reduce((sum, one) => addUp(sum, one)),
    cancel: wordOf(trouble, baseline),
  };
}

/** Whether the saga turns back, so that undos run: else what can go wrong with them is no matter. */
export function goesBack(step: TableStep, trouble: Trouble, baseline: Baseline): boolean {
  if (trouble.cancelAt !== undefined) return isHonoured(trouble, baseline);
  if (!trouble.gaveUp || step.isTolerated) return false;
  return step.role === 'compensatable' || step.role === 'call' || (step.role === 'pivot' && trouble.isRefused);
}

/** Whether the step itself waits for an operator. */
export function parks(step: TableStep, trouble: Trouble): boolean {
  if (!trouble.gaveUp || trouble.cancelAt !== undefined) return false;
  return step.role === 'forward' || (step.role === 'pivot' && !trouble.isRefused);
}

function outcomeOf(
  step: TableStep,
  trouble: Trouble,
  { decision, undosFail }: Aftermath,
  baseline: Baseline,
): OutcomeKind {
  if (parks(step, trouble)) {
    if (decision !== 'fail') return 'completed';
    return step.role === 'pivot' ? 'compensated' : 'compensationFailed';
  }
  if (!goesBack(step, trouble, baseline)) return 'completed';
  const owes = [...begunBefore(step, trouble, baseline), ...(trouble.gaveUp && !trouble.isRefused ? [step] : [])].some(
    ({ role }) => role === 'compensatable',
  );
  return owes && undosFail && decision === 'fail' ? 'compensationFailed' : 'compensated';
}

/** The steps that had begun, and so come to their end, when the saga turned back or stopped; not the failed one itself. */
function begunBefore(step: TableStep, { cancelAt, gaveUp }: Trouble, { steps, begins }: Baseline): TableStep[] {
  const at = begins.get(step.key) ?? 0;
  return steps.filter((other) => {
    const begun = begins.get(other.key) ?? 0;
    if (other.role === 'settled') return false;
    if (cancelAt !== undefined) return begun < cancelAt && !(gaveUp && other === step);
    // After the pivot the other members of a group go on, and are through before an operator decides.
    return (begun <= at || (step.role === 'forward' && step.beside.has(other.key))) && other !== step;
  });
}

function completedBooks(step: TableStep, { gaveUp, effects }: Trouble, baseline: Baseline): Books {
  const isPartial = gaveUp && step.isTolerated;
  return baseline.steps
    .map((other) => partOf(other, isPartial && other === step ? effects : Infinity, baseline))
    .reduce((sum, one) => addUp(sum, one), baseline.initial);
}

/** What the status says of the cancel; nothing of one that comes when all is over. */
function wordOf(trouble: Trouble, baseline: Baseline): Expected['cancel'] {
  const { cancelAt, gaveUp } = trouble;
  const end = (baseline.begins.get(baseline.steps.at(-1)?.key ?? '') ?? 0) + SLOW;
  if (cancelAt === undefined || (cancelAt > end && !gaveUp)) return undefined;
  return isHonoured(trouble, baseline) ? 'honoured' : 'refused';
}

function isHonoured({ cancelAt = Infinity }: Trouble, { steps, begins }: Baseline): boolean {
  const last = steps.find(({ role }) => role === 'pivot') ?? steps.at(-1);
  return last === undefined || cancelAt <= (begins.get(last.key) ?? 0);
}

/** What the first calls of a step's ports change. */
function partOf({ key }: TableStep, calls: number, { changes }: Baseline): Books {
  return (changes.get(key) ?? []).slice(0, calls).reduce((sum, one) => addUp(sum, one), {});
}

export function addUp(books: Books, change: Books, times = 1): Books {
  const sum: Record<string, number> = { ...books };
  for (const [name, count] of Object.entries(change)) sum[name] = (sum[name] ?? 0) + times * count;
  return sum;
}
