import { OutsideError } from '../../src/adapters/outside-error';
import type {
  DeadLetterAction,
  DeadLetterFilter,
  DeadLetterId,
  DeadLetterSummary,
  StoredDeadLetter,
} from '../../src/domain/dead-letter';
import type { DeadLetterNotice } from '../../src/domain/dead-letter-notice';
import { MAIL_DEADLINE } from '../../src/ports';
import type { ChangeOutcome, Clock, DeadLetterCount, DeadLetters, Deed } from '../../src/ports';

interface Row extends StoredDeadLetter {
  readonly begunAt?: Date | undefined;
  readonly noticeKey?: string | undefined;
}
interface NoticeRow {
  readonly key: string;
  readonly team: DeadLetterNotice['team'];
  readonly reason: DeadLetterNotice['reason'];
  readonly plannedAt: Date;
  readonly sentAt?: Date | undefined;
  readonly sendingUntil?: Date | undefined;
}
interface Page {
  readonly after?: DeadLetterId | undefined;
  readonly begunBefore: Date;
}

/** Dead letters in memory, as the tables keep them. */
export function createInMemoryDeadLetters(clock: Clock): DeadLetters {
  const rows = new Map<DeadLetterId, Row>();
  const notices = new Map<string, NoticeRow>();
  const inOrder = (): Row[] =>
    [...rows.values()].sort((a, b) => a.storedAt.getTime() - b.storedAt.getTime() || (a.id < b.id ? -1 : 1));
  const find = (filter: DeadLetterFilter): Row[] => inOrder().filter((row) => matches(row, filter));
  const redrivable = (filter: DeadLetterFilter, { after, begunBefore }: Page): Row[] =>
    past(after, inOrder(), rows).filter((row) => matches(row, filter) && isRedrivable(row, begunBefore));
  const write = (row: Row, changes: Partial<Row>, action: DeadLetterAction['action'], { by, note }: Deed): Row => {
    const at = clock.now();
    const next = { ...row, ...changes, updatedAt: at, history: [...row.history, { at, by, action, note }] };
    rows.set(row.id, next);
    return next;
  };
  const change = (
    id: DeadLetterId,
    isAllowed: (row: Row) => boolean,
    ...[changes, action, deed]: [(row: Row) => Partial<Row>, DeadLetterAction['action'], Deed]
  ): ChangeOutcome => {
    const row = rows.get(id);
    if (!row) return { kind: 'unknown' };
    if (!isAllowed(row)) return { kind: 'notAllowed', status: row.status };
    return { kind: 'done', letter: toLetter(write(row, changes(row), action, deed)) };
  };
  const isOpen = ({ status }: Row): boolean => status === 'open';
  const isUnsent = ({ sentAt, sendingUntil }: NoticeRow): boolean =>
    sentAt === undefined && (sendingUntil === undefined || sendingUntil <= clock.now());

  return {
    async keep(letter) {
      if (rows.has(letter.id)) return 'known';
      const { messageId, sessionId } = letter.message;
      const now = clock.now();
      const ids = { messageId, sessionId };
      const fresh = { status: 'open', edits: 0, attempts: 0, storedAt: now, updatedAt: now, history: [] } as const;
      rows.set(letter.id, { ...letter, ...ids, ...fresh });
      return 'kept';
    },
    async find(id) {
      const row = rows.get(id);
      return row && toLetter(row);
    },
    list: async (filter, { after, limit }) =>
      past(after, inOrder().reverse(), rows)
        .filter((row) => matches(row, filter))
        .slice(0, limit)
        .map(toSummary),
    listRedrivable: async (filter, { limit, ...page }) =>
      redrivable(filter, page)
        .slice(0, limit)
        .map(({ id }) => id),
    countRedrivable: async (filter, page) => redrivable(filter, page).length,
    edit: async (id, message, deed) =>
      change(id, isOpen, (row) => ({ edited: message, edits: row.edits + 1 }), 'edited', deed),
    beginRedrive: async (id, begunBefore, deed) =>
      change(
        id,
        (row) => isRedrivable(row, begunBefore),
        (row) => ({ status: 'redriving', begunAt: clock.now(), attempts: row.attempts + 1 }),
        'redriving',
        deed,
      ),
    async endRedrive({ id, attempts }, deed, failed) {
      const row = rows.get(id);
      if (!row) return;
      if (failed === undefined) {
        if (row.status === 'open' || row.status === 'redriving') {
          write(row, { status: 'redriven', begunAt: undefined }, 'redriven', deed);
        }
      } else if (row.status === 'redriving' && row.attempts === attempts) {
        write(row, { status: 'open', begunAt: undefined }, 'redriveFailed', { ...deed, note: failed });
      }
    },
    discard: async (id, deed) => change(id, isOpen, () => ({ status: 'discarded' }), 'discarded', deed),
    async count(filter) {
      const counts = new Map<string, DeadLetterCount>();
      for (const { storedAt, entity, reason, team, status } of find(filter)) {
        const group = { day: storedAt.toISOString().slice(0, 10), entity, reason, team, status };
        const key = Object.values(group).join(' ');
        counts.set(key, { ...group, count: (counts.get(key)?.count ?? 0) + 1 });
      }
      return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
    },

    async planNotices(quietSince) {
      const now = clock.now();
      for (const row of inOrder().filter(({ noticeKey }) => noticeKey === undefined)) {
        const key = `dead-letters/${row.team}/${row.reason}/${now.toISOString()}`;
        const isQuiet = [...notices.values()].some(
          (other) =>
            other.key !== key &&
            other.team === row.team &&
            other.reason === row.reason &&
            other.plannedAt >= quietSince,
        );
        if (isQuiet || notices.get(key)?.sentAt !== undefined) continue;
        notices.set(key, { key, team: row.team, reason: row.reason, plannedAt: now });
        rows.set(row.id, { ...row, noticeKey: key });
      }
    },
    listUnsentNotices: async (limit) =>
      [...notices.values()]
        .filter(isUnsent)
        .sort((a, b) => a.plannedAt.getTime() - b.plannedAt.getTime() || (a.key < b.key ? -1 : 1))
        .map(({ key, team, reason }) => {
          const about = inOrder().filter(({ noticeKey }) => noticeKey === key);
          return {
            key,
            team,
            reason,
            count: about.length,
            entities: countEntities(about),
            letters: list(about, limit),
          };
        }),
    async sendNotice(key, send) {
      const notice = notices.get(key);
      if (!notice || !isUnsent(notice)) return;
      const sendingUntil = new Date(clock.now().getTime() + 2 * MAIL_DEADLINE);
      notices.set(key, { ...notice, sendingUntil });
      try {
        await send();
      } catch (error) {
        const isOpen = error instanceof OutsideError && error.code === 'mailTimeout';
        if (!isOpen && notices.get(key)?.sendingUntil === sendingUntil) notices.set(key, notice);
        throw error;
      }
      notices.set(key, { ...notice, sentAt: clock.now(), sendingUntil: undefined });
    },
    async expireNotices(before, limit) {
      const isNeeded = (key: string): boolean => inOrder().some(({ noticeKey }) => noticeKey === key);
      const old = [...notices.values()].filter(({ key, sentAt }) => sentAt && sentAt < before && !isNeeded(key));
      for (const { key } of old.slice(0, limit)) notices.delete(key);
      return Math.min(old.length, limit);
    },
    async expire(before, limit) {
      const isDone = ({ status }: Row): boolean => status === 'redriven' || status === 'discarded';
      const old = inOrder().filter((row) => isDone(row) && row.storedAt < before);
      for (const { id } of old.slice(0, limit)) rows.delete(id);
      return Math.min(old.length, limit);
    },
  };
}

function matches(row: Row, { entity, reason, team, status, from, to }: DeadLetterFilter): boolean {
  return (
    (entity === undefined || row.entity.toLowerCase() === entity.toLowerCase()) &&
    (reason === undefined || row.reason === reason) &&
    (team === undefined || row.team === team) &&
    (status === undefined || row.status === status) &&
    (from === undefined || row.storedAt >= from) &&
    (to === undefined || row.storedAt < to)
  );
}

function isRedrivable({ status, begunAt }: Row, begunBefore: Date): boolean {
  return status === 'open' || (status === 'redriving' && begunAt !== undefined && begunAt < begunBefore);
}

/** The rows after one; none when that is not there, as a comparison with nothing gives in SQL. */
function past(after: DeadLetterId | undefined, sorted: readonly Row[], rows: ReadonlyMap<DeadLetterId, Row>): Row[] {
  if (after === undefined) return [...sorted];
  return rows.has(after) ? sorted.slice(sorted.findIndex(({ id }) => id === after) + 1) : [];
}

function countEntities(about: readonly Row[]): DeadLetterNotice['entities'] {
  const counts = new Map<string, number>();
  for (const { entity } of about) counts.set(entity, (counts.get(entity) ?? 0) + 1);
  return [...counts]
    .map(([entity, count]) => ({ entity, count }))
    .sort((a, b) => b.count - a.count || (a.entity < b.entity ? -1 : 1));
}

function list(about: readonly Row[], limit: number): DeadLetterNotice['letters'] {
  return about.slice(0, limit).map(({ id, entity, description, storedAt }) => ({ id, entity, description, storedAt }));
}

function toLetter({ begunAt: _, noticeKey: __, ...letter }: Row): StoredDeadLetter {
  return letter;
}

function toSummary(row: Row): DeadLetterSummary {
  const { message: _, edited: __, history: ___, ...summary } = toLetter(row);
  return summary;
}
