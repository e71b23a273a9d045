import { fromStored } from '../store/ledger';
import type { DeadMessage, Outbox, OutboxOptions } from '../store/outbox';
import { checkMessage, countRound, limitsOf, planOutboxRetries, publishInWaves } from '../store/outbox-round';
import type { CheckedMessage, Noted, Taken } from '../store/outbox-round';
import { MemoryTable } from './memory-transaction';
import type { MemoryTransaction } from './memory-transaction';

interface Row extends CheckedMessage {
  readonly seq: number;
  readonly topic: string;
  readonly orderingKey: string | undefined;
  readonly state: 'pending' | 'sent' | 'dead';
  readonly putAt: Date;
  readonly nextAt: Date;
  readonly sentAt: Date | undefined;
  readonly attempts: number;
  readonly error: string;
  readonly reason: DeadMessage['reason'] | undefined;
}

interface Entry {
  readonly key: string;
  readonly row: Row;
}

/** An outbox for tests: the same contract as the one in PostgreSQL, forgotten with the process. */
export function createMemoryOutbox(options: OutboxOptions): Outbox<MemoryTransaction> {
  const { clock } = options;
  const retries = planOutboxRetries(options);
  const rows = new MemoryTable<Row>();
  const lanes = new MemoryTable<never>();
  let seq = 0;

  /** Takes what is due: of each ordering key the first, if no other relay has it, and what is behind it. */
  function take(tx: MemoryTransaction, limit: number): Taken[] {
    const now = clock();
    const isTaken = new Map<string, boolean>();
    const first: Entry[] = [];
    const behind: Entry[] = [];
    for (const entry of listed(tx, 'pending')) {
      const { orderingKey: lane, nextAt } = entry.row;
      const isFirstTaken = lane === undefined ? undefined : isTaken.get(lane);
      if (isFirstTaken === undefined) {
        const takes = nextAt <= now && first.length < limit && rows.tryLock(tx, entry.key);
        if (takes) first.push(entry);
        if (lane !== undefined) isTaken.set(lane, takes);
      } else if (isFirstTaken) behind.push(entry);
    }
    const all = [...first, ...behind.slice(0, limit - first.length)];
    return all.filter(({ key }) => rows.tryLock(tx, key)).map(toTaken);
  }

  function listed(tx: MemoryTransaction, state: Row['state']): Entry[] {
    return rows
      .list(tx)
      .filter(({ row }) => row.state === state)
      .sort((a, b) => a.row.seq - b.row.seq);
  }

  async function change(tx: MemoryTransaction, id: string, to: Partial<Row> | undefined): Promise<boolean> {
    await rows.lock(tx, id);
    const row = rows.read(tx, id);
    if (row?.state !== 'dead') return false;
    rows.write(tx, id, to === undefined ? undefined : { ...row, ...to });
    return true;
  }

  return {
    async put(tx, message) {
      const texts = checkMessage(message);
      const { id, topic, orderingKey } = message;
      if (orderingKey !== undefined) await lanes.lock(tx, orderingKey);
      await rows.lock(tx, id);
      if (rows.read(tx, id) !== undefined) return false;
      const now = clock();
      seq += 1;
      const state = { state: 'pending', putAt: now, nextAt: now, sentAt: undefined, attempts: 0 } as const;
      rows.write(tx, id, { ...texts, seq, topic, orderingKey, ...state, error: '', reason: undefined });
      return true;
    },

    async relay(tx, publisher, relayOptions = {}) {
      const { limit, within } = limitsOf(relayOptions);
      const taken = take(tx, limit);
      const noted = await publishInWaves(publisher, taken, { clock, within, retries });
      for (const note of noted) {
        const row = rows.read(tx, note.id);
        if (row !== undefined) rows.write(tx, note.id, after(row, note, clock()));
      }
      return countRound(taken.length, noted);
    },

    async listDead(tx, limit) {
      return listed(tx, 'dead').slice(0, limit).map(toDead);
    },

    retryDead: (tx, id) => change(tx, id, { state: 'pending', attempts: 0, reason: undefined, nextAt: clock() }),

    dropDead: (tx, id) => change(tx, id, undefined),

    async expire(tx, before, limit) {
      const old = listed(tx, 'sent').filter(({ row }) => row.sentAt !== undefined && row.sentAt < before);
      return rows.deleteFree(tx, old, limit);
    },
  };
}

function after(row: Row, note: Noted, now: Date): Row {
  const tried = { ...row, state: note.state, attempts: row.attempts + 1 };
  if (note.state === 'sent') return { ...tried, sentAt: now, error: '' };
  if (note.state === 'dead') return { ...tried, error: note.error, reason: note.reason };
  return { ...tried, error: note.error, nextAt: note.nextAt };
}

function toTaken({ key: id, row }: Entry): Taken {
  const { topic, orderingKey, putAt, attempts, nextAt } = row;
  const headers = JSON.parse(row.headers) as Record<string, string>;
  return {
    message: { id, topic, payload: fromStored(row.payload), orderingKey, headers, putAt, attempt: attempts + 1 },
    nextAt,
  };
}

function toDead({ key: id, row }: Entry): DeadMessage {
  const { topic, orderingKey, putAt, attempts, error, reason = 'exhausted' } = row;
  const headers = JSON.parse(row.headers) as Record<string, string>;
  const order = orderingKey === undefined ? {} : { orderingKey };
  return { id, topic, payload: fromStored(row.payload), headers, ...order, putAt, attempts, error, reason };
}
