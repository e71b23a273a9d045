import { MAIL_DEADLINE } from '../ports';
import type { Clock } from '../ports';
import { OutsideError } from './outside-error';
import type { Database } from './postgres-database';

/*
 * A mail that two apps find unsent at the same second has to go out once, and a mail server may take a minute. A transaction
 * around the sending would hold a connection and rows for so long, and PostgreSQL would end it after half of that, when the
 * mail has gone out already: it would be sent again each time. So the mail is taken for a while, in a statement of its own,
 * and sent outside of any transaction.
 *
 * - Who finds it taken leaves it. Who sends it marks it as sent; who can't gives it back at once, unless nobody answered in
 *   time: the mail may be on its way still, so nobody has it until the time is over. Copies come that far apart at least.
 * - A process that dies keeps it until the time is over; then the next one takes it. It may have gone out: it is sent again
 *   under the same key, by which mail servers know it.
 * - Taken, it looks sent to a build from before `sending_until`, which would send it otherwise: such a build runs beside this
 *   one while it is rolled out. In turn, what that build sends is locked by it until it is marked. Should this build be rolled
 *   back after it died with a mail taken, that mail waits until the column is known again: nothing else would tell one that
 *   may have gone out from one that has.
 */

/** Milliseconds; longer than sending may take, by so much that two apps' clocks may differ. */
const LEASE = 2 * MAIL_DEADLINE;

/** Where it is written that a mail was sent. */
interface MailRows {
  readonly table: 'stuck_notices' | 'dead_letter_notices';
  /** Column of the mail's key. */
  readonly key: 'mail_key' | 'key';
  /** Column of the time at which it was sent, or taken to be. */
  readonly sent: 'mailed_at' | 'sent_at';
}

export const stuckMails: MailRows = { table: 'stuck_notices', key: 'mail_key', sent: 'mailed_at' };
export const deadLetterMails: MailRows = { table: 'dead_letter_notices', key: 'key', sent: 'sent_at' };

/** Condition on the row of a mail that somebody has to send; the parameter is the time. */
export function isUnsent({ sent }: MailRows, now: `$${number}`): string {
  return `(${sent} is null or sending_until <= ${now})`;
}

/** Sends the mail unless it was sent, or somebody else is sending it. An error of `send` leaves it unsent; a timeout, for a while, taken. */
export async function sendOnce(
  { database, clock }: { readonly database: Database; readonly clock: Clock },
  rows: MailRows,
  mailKey: string,
  send: () => Promise<void>,
): Promise<void> {
  const { table, key, sent } = rows;
  const now = clock.now();
  const until = new Date(now.getTime() + LEASE);
  const taken = await database.query(
    `update ${table} set ${sent} = $2, sending_until = $3 where ${key} = $1 and ${isUnsent(rows, '$2')}`,
    [mailKey, now, until],
  );
  if (taken.rowCount === 0) return;
  try {
    await send();
  } catch (error) {
    if (error instanceof OutsideError && error.code === 'mailTimeout') throw error;
    const giveBack = `update ${table} set ${sent} = null, sending_until = null where ${key} = $1 and sending_until = $2`;
    // Should that fail as well, the time passes.
    await database.query(giveBack, [mailKey, until]).catch(() => undefined);
    throw error;
  }
  // Whoever has it by now, it has gone out.
  await database.query(
    `update ${table} set ${sent} = $2, sending_until = null
     where ${key} = $1 and (${sent} is null or sending_until is not null)`,
    [mailKey, clock.now()],
  );
}
