import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { queueDefaults, topicDefaults } from '../../src/broker/entities';
import type { JournalRecord } from '../../src/broker/journal';
import { compact } from '../../src/journal/compaction';
import { segmentFiles } from '../../src/journal/segment-files';
import { FakeClock } from '../support/fake-clock';
import { added, logsIn, newFolder, recordsIn, removed, removeFolders, reopen } from '../support/journal-folder';

afterEach(removeFolders);

const times = { createdAt: 5, updatedAt: 5 };
const queue = (name: string): JournalRecord => ({
  type: 'entity',
  kind: 'queue',
  path: name,
  ...times,
  options: { ...queueDefaults, duplicateDetectionWindowMs: 1_000 },
});

/** What is left of records after a snapshot of them. */
async function compacted(records: readonly JournalRecord[], now = 0): Promise<JournalRecord[]> {
  const folder = newFolder();
  const { journal } = await reopen(folder);
  journal.append(records.slice(0, Math.ceil(records.length / 2)));
  await journal.durable();
  journal.append(records.slice(Math.ceil(records.length / 2)));
  await journal.close();
  await compact(folder, segmentFiles(folder), now, () => false);
  expect(logsIn(folder)).toEqual(['snapshot-00000001.log']);
  return recordsIn(folder);
}

describe('A snapshot of a journal', () => {
  it('has the messages that are there, as they are now, and the number of the next', async () => {
    const content = Buffer.from('new');
    const left = await compacted([
      queue('q'),
      added(1),
      added(2),
      { type: 'changed', store: 'q', sequenceNumber: 2, state: 'active', deliveryCount: 1, content },
      added(3),
      { type: 'changed', store: 'q', sequenceNumber: 2, state: 'deferred', deliveryCount: 2 },
      removed(1),
      removed(3),
    ]);
    expect(left).toEqual([
      queue('q'),
      added(2),
      { type: 'changed', store: 'q', sequenceNumber: 2, state: 'active', deliveryCount: 1, content },
      { type: 'changed', store: 'q', sequenceNumber: 2, state: 'deferred', deliveryCount: 2 },
      { type: 'sequence', store: 'q', next: 4 },
    ]);
  });

  it('forgets an entity with all that was in it, and not the one that was made in its place', async () => {
    const topic: JournalRecord = { type: 'entity', kind: 'topic', path: 'T', ...times, options: topicDefaults };
    const left = await compacted([
      queue('q'),
      topic,
      added(1, {}, 'q'),
      added(2, {}, 'q'),
      added(1, {}, 'q/$DeadLetterQueue'),
      added(1, {}, 'T/Subscriptions/s'),
      { type: 'sessionState', store: 'T/Subscriptions/s', session: 'x', state: Buffer.from('y') },
      { type: 'remembered', path: 'q', messageId: 'm', at: 5 },
      { type: 'entityDeleted', path: 'q' },
      { type: 'entityDeleted', path: 't' },
      queue('Q'),
      added(1, { messageId: 'again' }, 'Q'),
    ]);
    expect(left).toEqual([
      queue('Q'),
      added(1, { messageId: 'again' }, 'Q'),
      { type: 'sequence', store: 'Q', next: 2 },
    ]);
  });

  it('has the last state of each session, and message ids for as long as they are remembered', async () => {
    const state = Buffer.from('now');
    const left = await compacted(
      [
        queue('q'),
        { type: 'sessionState', store: 'q', session: 'a', state: Buffer.from('before') },
        { type: 'sessionState', store: 'q', session: 'b', state: Buffer.from('gone') },
        { type: 'sessionState', store: 'q', session: 'a', state },
        { type: 'sessionState', store: 'q', session: 'b', state: undefined },
        { type: 'remembered', path: 'q', messageId: 'old', at: 100 },
        { type: 'remembered', path: 'q', messageId: 'new', at: 1_500 },
      ],
      2_000,
    );
    expect(left).toEqual([
      queue('q'),
      { type: 'sessionState', store: 'q', session: 'a', state },
      { type: 'remembered', path: 'q', messageId: 'new', at: 1_500 },
    ]);
  });

  it('is not believed without its end', async () => {
    const folder = newFolder();
    const { journal } = await reopen(folder);
    journal.append([queue('q'), added(1)]);
    await journal.close();
    await compact(folder, segmentFiles(folder), 0, () => false);
    const file = path.join(folder, 'snapshot-00000001.log');
    writeFileSync(file, readFileSync(file).subarray(0, -12));
    await expect(recordsIn(folder)).rejects.toThrow(`${file} is damaged at byte ${statSync(file).size}`);
  });

  it('counts only once it has its name: an unfinished one is dropped, and files that it stands for are', async () => {
    const folder = newFolder();
    const { journal } = await reopen(folder);
    journal.append([queue('q'), added(1), removed(1)]);
    await journal.close();
    const before = readFileSync(path.join(folder, 'journal-00000001.log'));
    writeFileSync(path.join(folder, 'unfinished.tmp'), before.subarray(0, 50));
    expect(await recordsIn(folder)).toHaveLength(3);
    await compact(folder, segmentFiles(folder), 0, () => false);
    writeFileSync(path.join(folder, 'journal-00000001.log'), before);
    expect(await recordsIn(folder)).toEqual([queue('q'), { type: 'sequence', store: 'q', next: 2 }]);
    expect(readdirSync(folder)).toEqual(['snapshot-00000001.log']);
  });

  it('is made while records come in, when most of closed files is undone, again and again', async () => {
    const folder = newFolder();
    const { journal } = await reopen(folder, { segmentBytes: 20_000, clock: new FakeClock() });
    journal.append([queue('q'), added(1, { messageId: 'stays' })]);
    for (let number = 2; number <= 5_000; number += 1) {
      journal.append([added(number), removed(number)]);
      if (number % 50 === 0) await journal.durable();
    }
    journal.append([added(5_001)]);
    await journal.close();
    const bytes = logsIn(folder).reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);
    expect(logsIn(folder)).toContainEqual(expect.stringMatching(/^snapshot/));
    // All that was written is over 700,000 bytes.
    expect(bytes).toBeLessThan(200_000);
    const left = await recordsIn(folder);
    const gone = new Set(left.flatMap((record) => (record.type === 'removed' ? [record.sequenceNumber] : [])));
    const alive = left.flatMap((record) =>
      record.type === 'added' && !gone.has(record.message.sequenceNumber) ? [record.message.sequenceNumber] : [],
    );
    expect(alive).toEqual([1, 5_001]);
  });
});
