import type { Failure, Issue } from '../definition/failure';
import { isFailure } from '../definition/failure';
import type { InboxData } from './event-inbox';
import type { KeyCounts } from './keys';
import type { ParkingData } from './parking';
import { listIssues } from '../definition/schema';
import type { StepSum } from './status';
import type { OwedData } from './undo-stack';

/**
 * What a saga takes from one history into the next, beside the input of its body. It grows with what is owed and what
 * waits to be taken, not with what was done: of own keys, those of steps that still have an undo are remembered.
 */
export interface Carried {
  /** Number of the history that this is for; the first one of an instance is 1. */
  readonly generation: number;
  /** Milliseconds since the epoch, of the first history. */
  readonly startedAt: number;
  /** How many ids and random numbers were given out. */
  readonly drawn: { readonly ids: number; readonly numbers: number };
  readonly counts: KeyCounts;
  readonly owed: readonly OwedData[];
  readonly pivot: 'none' | 'passed';
  readonly steps: readonly StepSum[];
  readonly inbox: InboxData;
  readonly parking: ParkingData;
  /** A cancel that came: refused after the pivot, or why the saga goes back. */
  readonly cancel?: { readonly payload?: unknown };
  /** It is on its way back. */
  readonly goingBack?: {
    readonly failure: Failure;
    /** False when an operator gave an undo up. */
    readonly complete: boolean;
  };
}

/** Reads what an earlier history wrote, or says what is wrong with it. */
export function readCarried(value: unknown): Carried | string {
  if (typeof value !== 'object' || value === null) return 'expected an object';
  const carried = value as Partial<Record<keyof Carried, unknown>>;
  const issues: Issue[] = [];
  const expect = (holds: boolean, path: string, message: string): void => {
    if (!holds) issues.push({ path, message: `expected ${message}` });
  };
  const { generation, startedAt, drawn, counts, owed, pivot, steps, inbox, parking, goingBack } = carried;
  expect(Number.isInteger(generation) && (generation as number) > 1, 'generation', 'a number of 2 or more');
  expect(typeof startedAt === 'number', 'startedAt', 'milliseconds since the epoch');
  expect(isRecord(drawn) && isCount(drawn['ids']) && isCount(drawn['numbers']), 'drawn', '{ ids, numbers }');
  expect(isRecord(counts) && Object.values(counts).every(isCount), 'counts', 'numbers by step');
  expect(isOwed(owed), 'owed', 'a list of undos');
  expect(pivot === 'none' || pivot === 'passed', 'pivot', "'none' or 'passed'");
  expect(Array.isArray(steps), 'steps', 'a list of sums');
  expect(isRecord(inbox) && isLists(inbox['payloads']) && isLists(inbox['seen']), 'inbox', '{ payloads, seen }');
  expect(
    isRecord(parking) && isCount(parking['count']) && Array.isArray(parking['retries']),
    'parking',
    '{ count, retries }',
  );
  expect(goingBack === undefined || (isRecord(goingBack) && isFailure(goingBack['failure'])), 'goingBack', 'a failure');
  return issues.length === 0 ? (value as Carried) : listIssues(issues);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

function isLists(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((list) => Array.isArray(list));
}

function isOwed(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (one: unknown) =>
        isRecord(one) &&
        ('group' in one ? isOwed(one['group']) : typeof one['activity'] === 'string' && typeof one['key'] === 'string'),
    )
  );
}
