import type { Answer } from 'durable-saga';
import { isFinal } from '../../domain/order-status';
import { Problem } from './problem';
import { requireAccepted } from './shown-saga';

interface SteeredRow {
  readonly status: Parameters<typeof isFinal>[0];
  readonly startedAt?: Date | undefined;
}

/** What orders and returns have in common where their sagas are steered. */
export interface Steered<Id extends string, Row extends SteeredRow> {
  /** As sentences begin, e.g. `Order`. */
  readonly what: string;
  readonly rows: { find(id: Id): Promise<Row | undefined> };
  readonly unknown: (id: string) => Problem;
  /** Why it can't be cancelled past the pivot. */
  readonly tooLate: string;
}

interface Sagas<Id extends string> {
  start(id: Id): Promise<void>;
  cancel(id: Id, reason: string | undefined): Promise<Answer>;
}

/** The row of something that has not ended. Throws `Problem`. */
export async function requireOpen<Id extends string, Row extends SteeredRow>(
  { what, rows, unknown }: Steered<Id, Row>,
  id: Id,
): Promise<Row> {
  const row = await rows.find(id);
  if (!row) throw unknown(id);
  if (isFinal(row.status)) throw new Problem('notAllowed', `${what} ${id} is finished: it is ${row.status}.`);
  return row;
}

/** Asks the saga to undo what it did; one that was not started yet is started first, so that its end is written. */
export async function cancelOpen<Id extends string, Row extends SteeredRow>(
  steered: Steered<Id, Row>,
  sagas: Sagas<Id>,
  id: Id,
  reason: string | undefined,
): Promise<void> {
  const { startedAt } = await requireOpen(steered, id);
  if (startedAt === undefined) await sagas.start(id);
  requireAccepted(await sagas.cancel(id, reason), `${steered.what} ${id}`, steered.tooLate);
}
