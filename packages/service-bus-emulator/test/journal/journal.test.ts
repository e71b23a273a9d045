import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { queueDefaults, subscriptionDefaults } from '../../src/broker/entities';
import type { JournalRecord } from '../../src/broker/journal';
import { EmulatorError } from '../../src/emulator-error';
import { openJournal } from '../../src/journal/journal';
import { readPayloads } from '../../src/journal/segment';
import { FakeClock } from '../support/fake-clock';
import { added, logsIn, newFolder, recordsIn, removed, removeFolders, reopen } from '../support/journal-folder';

afterEach(removeFolders);

const times = { createdAt: 5, updatedAt: 6 };

const oneOfEach: readonly JournalRecord[] = [
  { type: 'entity', kind: 'queue', path: 'Q/ü', ...times, options: { ...queueDefaults, forwardTo: 'other' } },
  {
    type: 'entity',
    kind: 'subscription',
    path: 't/Subscriptions/s',
    ...times,
    options: subscriptionDefaults,
    rules: [
      { name: 'r', filter: { kind: 'sql', expression: 'a > @b', parameters: { b: 5n, c: new Date(7), d: null } } },
      { name: 'x', filter: { kind: 'correlation', label: 'l', properties: { n: 1 } }, action: 'SET a = 1' },
    ],
  },
  added(1),
  added(2, {
    state: 'scheduled',
    messageId: 'ä€😀',
    sessionId: '',
    partitionKey: 'p',
    timeToLiveMs: 1.5,
    scheduledAt: 7,
    expiresAt: 8,
    deliveryCount: 3,
    deadLetterSource: 'q',
    priority: 4,
    durable: false,
    annotations: Buffer.from([1, 2]),
    hops: 2,
    content: Buffer.alloc(300_000, 7),
  }),
  added(3, { durable: true, content: Buffer.alloc(0) }, 'q/$DeadLetterQueue'),
  { type: 'changed', store: 'q', sequenceNumber: 1, state: 'deferred', deliveryCount: 1 },
  { type: 'changed', store: 'q', sequenceNumber: 2, state: 'active', deliveryCount: 0, content: Buffer.from('new') },
  removed(2),
  { type: 'sequence', store: 'q', next: 2 ** 40 },
  { type: 'sessionState', store: 'q', session: 's', state: Buffer.from('state') },
  { type: 'sessionState', store: 'q', session: 's', state: undefined },
  { type: 'remembered', path: 'q', messageId: 'm', at: 9 },
  { type: 'entityDeleted', path: 'q' },
];

describe('A journal', () => {
  it('gives back every record as it was, in order', async () => {
    const folder = newFolder();
    const { journal, records } = await reopen(path.join(folder, 'made', 'at once'));
    expect(records).toEqual([]);
    journal.append(oneOfEach.slice(0, 5));
    await journal.durable();
    journal.append(oneOfEach.slice(5));
    await journal.close();
    expect(await recordsIn(path.join(folder, 'made', 'at once'))).toEqual(oneOfEach);
  });

  it('writes what came in one turn, and what came while the disk was busy, as one frame each', async () => {
    const folder = newFolder();
    const { journal } = await reopen(folder);
    expect(journal.durable()).toBeUndefined();
    for (let number = 1; number <= 100; number += 1) journal.append([added(number)]);
    const first = journal.durable();
    await new Promise(setImmediate);
    for (let number = 101; number <= 200; number += 1) journal.append([added(number)]);
    expect(journal.durable()).not.toBe(first);
    await journal.durable();
    expect(journal.durable()).toBeUndefined();
    expect([...readPayloads(path.join(folder, 'journal-00000001.log'), 'whole')]).toHaveLength(2);
    await journal.close();
    expect(await recordsIn(folder)).toHaveLength(200);
  });

  it('has what was appended without anybody waiting', async () => {
    const folder = newFolder();
    const { journal } = await reopen(folder);
    journal.append([added(1)]);
    await journal.close();
    await journal.close();
    expect(await recordsIn(folder)).toHaveLength(1);
  });

  it('keeps nothing after it was closed, and says so to those who wait for it', async () => {
    const folder = newFolder();
    const { journal } = await reopen(folder);
    await journal.close();
    expect(journal.durable()).toBeUndefined();
    journal.append([added(1)]);
    await expect(journal.durable()).rejects.toThrow(`The journal in ${folder} is closed.`);
    expect(await recordsIn(folder)).toEqual([]);
  });

  it('takes nothing before all of it was replayed', async () => {
    const journal = await openJournal({ folder: newFolder(), clock: new FakeClock() });
    expect(() => journal.append([added(1)])).toThrow('only after all of it was replayed');
    await journal.close();
  });

  it('cuts off a last record that is half there, wherever it was cut, and goes on', async () => {
    const folder = newFolder();
    const file = path.join(folder, 'journal-00000001.log');
    const { journal } = await reopen(folder);
    journal.append([added(1)]);
    await journal.durable();
    const whole = statSync(file).size;
    journal.append([added(2)]);
    await journal.close();
    const bytes = readFileSync(file);
    for (let length = 0; length < bytes.length; length += 1) {
      for (const name of logsIn(folder)) rmSync(path.join(folder, name));
      writeFileSync(file, bytes.subarray(0, length));
      const { journal: again, records } = await reopen(folder);
      expect(records).toEqual(length < whole ? [] : [added(1)]);
      again.append([added(3)]);
      await again.close();
      expect(await recordsIn(folder)).toEqual([...records, added(3)]);
    }
  });

  it('cuts off a last record whose bytes never reached the disk', async () => {
    const folder = newFolder();
    const file = path.join(folder, 'journal-00000001.log');
    const { journal } = await reopen(folder);
    journal.append([added(1)]);
    await journal.close();
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.concat([bytes, Buffer.alloc(500)]));
    expect(await recordsIn(folder)).toEqual([added(1)]);
    expect(statSync(file).size).toBe(bytes.length);
  });

  it('names file and byte of a damage that no crash explains, and changes nothing', async () => {
    const folder = newFolder();
    const file = path.join(folder, 'journal-00000001.log');
    const { journal } = await reopen(folder);
    journal.append([added(1)]);
    await journal.durable();
    const first = statSync(file).size;
    journal.append([added(2)]);
    await journal.close();
    const bytes = readFileSync(file);
    for (let at = 0; at < first; at += 1) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x40;
      writeFileSync(file, damaged);
      const opened = recordsIn(folder);
      await expect(opened).rejects.toThrow(EmulatorError);
      await expect(opened).rejects.toThrow(
        at < 31 ? /is damaged at byte 0|has format/ : `${file} is damaged at byte 31`,
      );
      expect(readFileSync(file)).toEqual(damaged);
    }
  });

  it('refuses a file that ends too soon where another goes on, and one that is missing', async () => {
    const folder = newFolder();
    for (const number of [1, 2, 3]) {
      const { journal } = await reopen(folder);
      journal.append([added(number)]);
      await journal.close();
    }
    expect(logsIn(folder)).toEqual(['journal-00000001.log', 'journal-00000002.log', 'journal-00000003.log']);
    const second = path.join(folder, 'journal-00000002.log');
    truncateSync(second, statSync(second).size - 1);
    await expect(recordsIn(folder)).rejects.toThrow(`${second} is damaged at byte 31`);
    rmSync(second);
    await expect(recordsIn(folder)).rejects.toThrow(`${second} is missing`);
  });

  it('refuses another format by its number', async () => {
    const folder = newFolder();
    writeFileSync(path.join(folder, 'journal-00000001.log'), 'service-bus-emulator journal 2\nwhatever');
    await expect(recordsIn(folder)).rejects.toThrow('has format 2 of the journal; this version reads format 1');
  });

  it('belongs to one at a time, and a dead process has nothing', async () => {
    const folder = newFolder();
    const { journal } = await reopen(folder);
    await expect(reopen(folder)).rejects.toThrow(`${folder} is in use by the process ${process.pid}`);
    await journal.close();
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    for (const content of [`${dead} 1\n`, `${process.pid} 1\n`, `${process.ppid} 1\n`]) {
      writeFileSync(path.join(folder, 'lock'), content);
      if (process.platform === 'linux') expect(await recordsIn(folder)).toEqual([]);
    }
    writeFileSync(path.join(folder, 'lock'), `${process.ppid} ?\n`);
    await expect(reopen(folder)).rejects.toThrow(`in use by the process ${process.ppid}`);
  });

  it('tells those who wait that the disk failed, and goes on when it is back, with nothing missing', async () => {
    const folder = newFolder();
    const said: string[] = [];
    const { journal } = await reopen(folder, { log: (message) => said.push(message) });
    mkdirSync(path.join(folder, 'journal-00000001.log'));
    journal.append([added(1)]);
    await expect(journal.durable()).rejects.toThrow(`The journal in ${folder} cannot be written: EISDIR`);
    journal.append([added(2)]);
    await expect(journal.durable()).rejects.toThrow('What was sent is not on disk yet');
    rmdirSync(path.join(folder, 'journal-00000001.log'));
    journal.append([added(3)]);
    await journal.durable();
    await journal.close();
    expect(await recordsIn(folder)).toEqual([added(1), added(2), added(3)]);
    expect(said).toEqual([
      expect.stringContaining('It is tried again until it is.'),
      `The journal in ${folder} is written again; nothing is missing.`,
    ]);
  });

  (process.platform === 'linux' ? it : it.skip)('goes on by itself after the disk was full', async () => {
    const folder = newFolder();
    const file = path.join(folder, 'journal-00000001.log');
    const { journal } = await reopen(folder);
    symlinkSync('/dev/full', file);
    journal.append([added(1)]);
    await expect(journal.durable()).rejects.toThrow('ENOSPC');
    rmSync(file);
    await journal.durable();
    await journal.close();
    expect(await recordsIn(folder)).toEqual([added(1)]);
  });
});
