import type { InvocationContext, TimerHandler } from '@azure/functions';
import type { Clock, DeadLetters, Files, Imports, Retention } from '../../ports';

const DAY = 86_400_000;
const AT_ONCE = 5_000;

interface Deps {
  readonly retention: Retention;
  readonly imports: Imports;
  readonly deadLetters: Pick<DeadLetters, 'expire' | 'expireNotices'>;
  readonly files: Files;
  readonly clock: Clock;
  /** Forgets the histories of sagas that were started before `before` and have come to their end; tells how many. */
  readonly purgeHistories: (context: InvocationContext, before: Date) => Promise<number>;
  readonly retentionDays: number;
}

/**
 * Each night: deletes what is older than the retention says and of no more use. That is histories of sagas that have
 * ended, ledger entries, import files with their reports and records, notices about stuck sagas, events that were published. Orders, payments and
 * shipments stay.
 *
 * A ledger entry is what keeps an effect from happening twice, or tells an undo what there is to undo. A saga may be
 * parked for longer than the retention, so nothing is deleted that is as young as the oldest saga that hasn't ended.
 */
export function cleanUp(deps: Deps): TimerHandler {
  return async (_timer, context) => {
    const before = new Date(deps.clock.now().getTime() - deps.retentionDays * DAY);
    const oldest = await deps.retention.findOldestUnfinished();
    const settledBefore = oldest && oldest < before ? oldest : before;

    const histories = await deps.purgeHistories(context, before);
    const entries = await repeat((limit) => deps.retention.expireLedger(settledBefore, limit));
    const notices = await repeat((limit) => deps.retention.expireNotices(before, limit));
    const events = await repeat((limit) => deps.retention.expireEvents(settledBefore, limit));
    const imports = await repeat((limit) => deps.imports.expire(before, limit));
    const letters = await repeat((limit) => deps.deadLetters.expire(before, limit));
    await repeat((limit) => deps.deadLetters.expireNotices(before, limit));
    let files = 0;
    for await (const file of deps.files.list({ prefix: '', modifiedBefore: before })) {
      await deps.files.remove(file);
      files += 1;
    }
    context.log(
      `deleted what is older than ${before.toISOString()}: ${histories} histories, ${entries} ledger entries, ` +
        `${notices} notices, ${imports} imports, ${files} files, ${events} published events, ${letters} dead letters`,
    );
  };
}

/** Deletes part by part, so that no statement takes long. */
async function repeat(expire: (limit: number) => Promise<number>): Promise<number> {
  let deleted = 0;
  for (;;) {
    const part = await expire(AT_ONCE);
    deleted += part;
    if (part < AT_ONCE) return deleted;
  }
}
