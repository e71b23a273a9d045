import type { TimerHandler } from '@azure/functions';
import { LISTED_IN_NOTICE, describeNotice } from '../../domain/dead-letter-notice';
import type { Team } from '../../domain/dead-letter-reason';
import type { Clock, DeadLetters, Mailer } from '../../ports';

/** So many mails in a row that an address takes none of end the run's tries there. */
const MOST_FAILURES = 3;

interface Deps {
  readonly deadLetters: DeadLetters;
  readonly mailer: Mailer;
  readonly clock: Clock;
  readonly addresses: Readonly<Record<Team, string>>;
  /** Milliseconds from a mail about dead letters of one reason to the next about more of them. */
  readonly quiet: number;
}

/**
 * Each minute: tells the teams of dead letters that nobody was told of yet. A thousand of one reason make one mail, and a
 * flood that goes on makes one mail in `quiet`. What a mail is about is noted before it is sent, so one that could not be
 * sent is sent by a later run, as it was. An address that takes no mail keeps none from the other teams, and a mail that is
 * refused for what it says none from those after it.
 */
export function tellDeadLetters({ deadLetters, mailer, clock, addresses, quiet }: Deps): TimerHandler {
  return async (_timer, context) => {
    await deadLetters.planNotices(new Date(clock.now().getTime() - quiet));
    const failures = new Map<string, unknown>();
    /** How many of an address's last tries have failed. */
    const inARow = new Map<string, number>();
    for (const notice of await deadLetters.listUnsentNotices(LISTED_IN_NOTICE)) {
      const to = addresses[notice.team];
      const failed = inARow.get(to) ?? 0;
      if (failed >= MOST_FAILURES) continue;
      try {
        await deadLetters.sendNotice(notice.key, async () => {
          await mailer.send(notice.key, { to, ...describeNotice(notice) });
          context.log(`told ${to} of ${notice.count} dead letters: ${notice.reason}`);
        });
        inARow.delete(to);
      } catch (error) {
        context.warn(`${to} could not be told of ${notice.count} dead letters (${notice.reason}):`, error);
        failures.set(to, error);
        inARow.set(to, isAway(error) ? MOST_FAILURES : failed + 1);
      }
    }
    const [cause] = failures.values();
    if (cause !== undefined) {
      const message = `${[...failures.keys()].join(', ')} could not be told of dead letters; a later run tries again`;
      throw new Error(message, { cause });
    }
  };
}

/** It is the mail server that is missing, which no other mail of this run would find, and each would wait for. */
function isAway(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === 'mailUnreachable' || code === 'mailTimeout';
}
