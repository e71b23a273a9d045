import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { JournalMessage, JournalRecord } from '../../src/broker/journal';
import { type JournalOptions, openJournal, type OpenJournal } from '../../src/journal/journal';
import { FakeClock } from './fake-clock';

/** A folder of its own for each test; `afterEach(removeFolders)`. */
export function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'journal-'));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];
export const removeFolders = (): void => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
};

/** Opens a journal and reads what it has. */
export async function reopen(
  folder: string,
  options: Partial<JournalOptions> = {},
): Promise<{ journal: OpenJournal; records: JournalRecord[] }> {
  const journal = await openJournal({ folder, clock: new FakeClock(), ...options });
  try {
    return { journal, records: [...journal.replay()] };
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/** What a journal has; it is closed again. */
export async function recordsIn(folder: string): Promise<JournalRecord[]> {
  const { journal, records } = await reopen(folder);
  await journal.close();
  return records;
}

export const logsIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.log'));

export const journalMessage = (sequenceNumber: number, fields: Partial<JournalMessage> = {}): JournalMessage => ({
  sequenceNumber,
  enqueuedSequenceNumber: sequenceNumber,
  state: 'active',
  content: Buffer.from(`content ${sequenceNumber}`),
  messageId: undefined,
  sessionId: undefined,
  partitionKey: undefined,
  timeToLiveMs: undefined,
  scheduledAt: undefined,
  enqueuedAt: 1_000 + sequenceNumber,
  expiresAt: Infinity,
  deliveryCount: 0,
  deadLetterSource: undefined,
  priority: undefined,
  durable: undefined,
  annotations: undefined,
  hops: 0,
  ...fields,
});

export const added = (sequenceNumber: number, fields: Partial<JournalMessage> = {}, store = 'q'): JournalRecord => ({
  type: 'added',
  store,
  message: journalMessage(sequenceNumber, fields),
});

export const removed = (sequenceNumber: number, store = 'q'): JournalRecord => ({
  type: 'removed',
  store,
  sequenceNumber,
});
