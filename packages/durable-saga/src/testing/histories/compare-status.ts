import type { SagaStatus, StepStatus } from '../../runner/status';
import { StepSums } from '../../runner/status';
import { describeStep } from './asked';

/** How two statuses differ, the shown one first; undefined when they say the same. Times and texts are left out. */
export function compareStatus(
  instanceId: string,
  shown: SagaStatus,
  now: unknown,
): { readonly history: string; readonly code: string; readonly step: string | undefined } | undefined {
  if (!isSagaStatus(now)) return { history: describe(shown), code: 'shows no status of a saga', step: undefined };
  const ofKey = new Map(now.steps.map((step) => [step.key, step]));
  for (const step of shown.steps) {
    const same = ofKey.get(step.key);
    if (same === undefined && (now.summary ?? []).length > 0) continue;
    if (same?.state === step.state && same.attempts === step.attempts && same.child === step.child) continue;
    const other = same === undefined ? undefined : describeOne(instanceId, same);
    return { history: describeOne(instanceId, step), code: other ?? describe(now), step: step.name };
  }
  const extra = now.steps.find(({ key }) => !shown.steps.some((step) => step.key === key));
  if (extra !== undefined && (shown.summary ?? []).length === 0) {
    return { history: describe(shown), code: describeOne(instanceId, extra), step: extra.name };
  }
  const swapped = findSwapped(instanceId, shown.steps, now.steps);
  if (swapped !== undefined) return swapped;
  if (sumOf(shown) !== sumOf(now) || describe(shown) !== describe(now)) {
    return { history: `${describe(shown)}: ${sumOf(shown)}`, code: `${describe(now)}: ${sumOf(now)}`, step: undefined };
  }
  return undefined;
}

/**
 * Steps are listed in the order in which they were asked for, those under way, too, of which a history shows nothing. Hosts
 * match replies by number, so another order gives a step the reply of another.
 */
function findSwapped(
  instanceId: string,
  shown: readonly StepStatus[],
  now: readonly StepStatus[],
): { readonly history: string; readonly code: string; readonly step: string } | undefined {
  const keys = new Set(shown.map(({ key }) => key));
  const after = now.filter(({ key }) => keys.has(key));
  const keysNow = new Set(after.map(({ key }) => key));
  const before = shown.filter(({ key }) => keysNow.has(key));
  const at = before.findIndex(({ key }, nth) => key !== after[nth]?.key);
  const [one, other] = [before[at], after[at]];
  if (one === undefined || other === undefined) return undefined;
  const [first, second] = [one, other].map(({ name, key }) => describeStep(name, ownKey(instanceId, key)));
  return { history: `${first}, then ${second}`, code: `${second}, then ${first}`, step: one.name };
}

/** Keys of the steps that both list, in the order of either; it is that in which they were begun. */
export function orderOf({ steps }: SagaStatus): readonly string[] {
  return steps.map(({ key }) => key);
}

export function isSagaStatus(value: unknown): value is SagaStatus {
  return (
    typeof value === 'object' && value !== null && 'saga' in value && 'steps' in value && Array.isArray(value.steps)
  );
}

function describeOne(instanceId: string, { name, key, state, attempts, child }: StepStatus): string {
  const started = child === undefined ? '' : ` as ${child}`;
  return `${describeStep(name, ownKey(instanceId, key))}${started} is ${state} after ${attempts} attempt${attempts === 1 ? '' : 's'}`;
}

/** Without the instance's id. */
function ownKey(instanceId: string, key: string): string {
  return key.startsWith(`${instanceId}/`) ? key.slice(instanceId.length + 1) : key;
}

/** Where a saga stands, in a few words. */
function describe(status: SagaStatus): string {
  const { state, pivot, generation = 1, waitingFor, cancel, parked, failure, owes = 0 } = status;
  const told = [
    state,
    ...(waitingFor?.event === undefined ? [] : [`for '${waitingFor.event}'`]),
    ...(waitingFor?.child === undefined ? [] : [`for its child ${waitingFor.child}`]),
    ...(waitingFor?.others === undefined ? [] : [`and ${waitingFor.others} more`]),
    ...(pivot === 'none' ? [] : [`pivot ${pivot}`]),
    ...(cancel === undefined ? [] : [`cancel ${cancel}`]),
    ...(parked === undefined ? [] : [`at ${parked.what} ${parked.name}`]),
    ...(failure === undefined ? [] : [`${failure.kind} ${failure.code}`]),
    ...(owes === 0 ? [] : [`owes ${owes} undo${owes === 1 ? '' : 's'}`]),
    ...(generation === 1 ? [] : [`history ${generation}`]),
  ];
  return told.join(', ');
}

function sumOf({ steps, summary = [] }: SagaStatus): string {
  const sums = new StepSums(summary);
  for (const step of steps) sums.add(step);
  const texts = sums.list().map(({ name, state, count }) => `${name} ${state}${count === 1 ? '' : ` ${count} times`}`);
  return texts.sort().join(', ') || 'no steps';
}
