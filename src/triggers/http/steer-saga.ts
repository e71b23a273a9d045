import type { Answer } from 'durable-saga';
import { isFinal } from '../../domain/order-status';
import { Problem } from './problem';
import { requireAccepted } from './shown-saga';

interface SteeredRow<Id> {
  readonly id: Id;
  readonly status: Parameters<typeof isFinal>[0];
  readonly startedAt?: Date | undefined;
}

/** What orders and returns have in common where their sagas are steered. */
export interface Steered<Id extends string, Row extends SteeredRow<Id>> {
  /** As sentences begin, e.g. `Order`. */
  readonly what: string;
  readonly rows: { find(id: Id): Promise<Row | undefined> };
  readonly unknown: (id: string) => Problem;
  /** Why it can't be cancelled past the pivot. */
  readonly tooLate: string;
}

interface Sagas<Id extends string, Row> {
  start(id: Id): Promise<void>;
  cancel(row: Row, reason: string | undefined): Promise<Answer>;
}

/** The row of something that has not ended. Throws `Problem`. */
export async function requireOpen<Id extends string, Row extends SteeredRow<Id>>(
  { what, rows, unknown }: Steered<Id, Row>,
  id: Id,
): Promise<Row> {
  const row = await rows.find(id);
  if (!row) throw unknown(id);
  if (isFinal(row.status)) throw new Problem('notAllowed', `${what} ${id} is finished: it is ${row.status}.`);
  return row;
}

/** Asks the saga to undo what it did; one that was not started yet is started first, so that its end is written. */
export async function cancelOpen<Id extends string, Row extends SteeredRow<Id>>(
  steered: Steered<Id, Row>,
  sagas: Sagas<Id, Row>,
  id: Id,
  reason: string | undefined,
): Promise<void> {
  const row = await requireOpen(steered, id);
  if (row.startedAt === undefined) await sagas.start(id);
  requireAccepted(await sagas.cancel(row, reason), `${steered.what} ${id}`, steered.tooLate);
}
