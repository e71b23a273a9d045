import { setImmediate as nextTurn } from 'node:timers/promises';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import type { FunctionRuntime } from '../../../src/app/function-runtime';
import type { InvocationCall, Invoker } from '../../../src/app/invocation';
import { createVirtualClock, type VirtualClock } from '../../../src/clock-virtual';
import { createSettings } from '../../../src/host/settings';
import type { InFlight } from '../../../src/in-flight';
import { type MemoryStorage, openMemoryStorage } from '../../../src/testing/memory-storage/memory-storage';
import { createBlobSource } from '../../../src/triggers/blob-container';
import { parseBlobPattern } from '../../../src/triggers/blob-path';
import { createReceiptBlobs } from '../../../src/triggers/blob-receipts';
import { createBlobTrigger } from '../../../src/triggers/blob-trigger';
import { readQueueOptions } from '../../../src/triggers/queue-options';
import { createQueueSource } from '../../../src/triggers/queue-source';
import { createQueueTrigger } from '../../../src/triggers/queue-trigger';
import { createStorageAccounts } from '../../../src/triggers/storage-account';
import type { TriggerListener } from '../../../src/triggers/trigger-listener';
import { createCollectedLog } from '../../support/collected-log';

const start = Date.UTC(2026, 0, 5, 8);
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** What runs, and how many requests to storage there were; time goes on when nothing runs. */
function createWork() {
  const running = new Set<object>();
  let requests = 0;
  /** What a test holds open itself does not keep time from going on. */
  let isIgnored = (_what: string): boolean => false;
  const inFlight: InFlight = {
    begin(what) {
      if (/^(blob|queue) storage/.test(what)) requests++;
      const entry = { what };
      if (!isIgnored(what)) running.add(entry);
      return () => void running.delete(entry);
    },
  };
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet = running.size === 0 ? quiet + 1 : 0) await nextTurn();
  };
  return {
    ...{ inFlight, settle },
    requests: () => requests,
    ignore: (predicate: (what: string) => boolean) => void (isIgnored = predicate),
  };
}

describe('triggers on storage in memory, under a clock that is moved,', () => {
  let work: ReturnType<typeof createWork>;
  let clock: VirtualClock;
  let storage: MemoryStorage;
  let listeners: TriggerListener[];
  /** What ran, and when: minutes since the start. */
  let runs: string[];

  beforeEach(async () => {
    work = createWork();
    clock = createVirtualClock(start, work.settle);
    storage = await openMemoryStorage(clock, { inFlight: work.inFlight });
    listeners = [];
    runs = [];
  });
  afterEach(async () => {
    for (const listener of listeners) listener.stop();
    for (const listener of listeners) await listener.close?.();
    await storage.close();
  });

  const minutes = (): number => (clock.now() - start) / minute;

  const toParts = (name: string, handle: (text: string) => unknown) => {
    const invoker: Pick<Invoker, 'invoke'> = {
      async invoke(_runtime: FunctionRuntime, { trigger }: InvocationCall) {
        const text = trigger.string ?? trigger.bytes?.toString() ?? '';
        runs.push(`${minutes()} ${name} ${text}`);
        await handle(text);
        return {};
      },
    };
    const runtime = {
      ...{ fn: { name, trigger: {} }, displayName: `Functions.${name}` },
      category: `Function.${name}`,
    } as unknown as FunctionRuntime;
    const accounts = createStorageAccounts(
      createSettings({ AzureWebJobsStorage: storage.connectionString }),
      storage.news,
    );
    const log = createCollectedLog();
    const shared = { runtime, invoker: invoker as Invoker, clock, inFlight: work.inFlight, log };
    return { ...shared, accounts, connection: 'AzureWebJobsStorage', sourceName: 'storage' };
  };

  const begin = async (listener: TriggerListener): Promise<void> => {
    listeners.push(listener);
    listener.start();
    await clock.advance(0);
  };

  const watchQueue = (queueName: string, handle: (text: string) => unknown, json: Record<string, unknown> = {}) => {
    const { accounts, connection, ...parts } = toParts(`on-${queueName}`, handle);
    const poisonQueueName = `${queueName}-poison`;
    const source = createQueueSource({ accounts, connection, queueName, poisonQueueName });
    return begin(createQueueTrigger({ ...parts, source, queueName, poisonQueueName, queues: readQueueOptions(json) }));
  };

  const watchBlobs = (path: string, handle: (text: string) => unknown) => {
    const { accounts, connection, ...parts } = toParts('on-blob', handle);
    const pattern = parseBlobPattern(path);
    const { container } = pattern;
    const receipts = createReceiptBlobs(accounts, 'tests');
    const source = createBlobSource({ accounts, connection, container, receipts, functionName: 'on-blob' });
    return begin(createBlobTrigger({ ...parts, pattern, source, attempts: 5, parallelism: 8 }));
  };

  it('bring a delayed message at its time, and look only when there is something to see', async () => {
    await watchQueue('reminders', () => undefined);
    await storage.queues.send('reminders', 'tomorrow', { visibleIn: '24 hours' });
    await storage.queues.send('reminders', 'now');
    expect(clock.waiting()).toMatchObject([
      { at: start + day, about: { kind: 'message', what: "message of queue 'reminders'" } },
    ]);
    await clock.advance(day - 1);
    expect(runs).toEqual(['0 on-reminders now']);
    await clock.advance(2 * day + 1);
    expect(runs).toEqual(['0 on-reminders now', `${day / minute} on-reminders tomorrow`]);
    expect(await storage.queues.length('reminders')).toBe(0);
    expect(work.requests()).toBeLessThan(20);
  });

  it("bring what an app's own client sends, and what a function sends to the next", async () => {
    const client = QueueServiceClient.fromConnectionString(storage.connectionString);
    const encode = (text: string): string => Buffer.from(text).toString('base64');
    const send = async (queueName: string, text: string, seconds: number): Promise<void> => {
      const queue = client.getQueueClient(queueName);
      await queue.createIfNotExists();
      await queue.sendMessage(encode(text), { visibilityTimeout: seconds });
    };
    await watchQueue('second', () => undefined);
    await watchQueue('first', (text) => send('second', `after ${text}`, 90));
    await send('first', 'a', 3600);
    await clock.advance(2 * hour);
    expect(runs).toEqual(['60 on-first a', '61.5 on-second after a']);
  });

  it('try a failing message again after its pause, and put it aside after the last attempt', async () => {
    await watchQueue(
      'orders',
      () => {
        throw new Error('no');
      },
      { visibilityTimeout: '00:10:00', maxDequeueCount: 5 },
    );
    const { id } = await storage.queues.send('orders', { order: 1 });
    await clock.advance(25 * minute);
    expect((await storage.queues.list('orders'))[0]).toMatchObject({
      id,
      dequeueCount: 3,
      visibleAt: start + 30 * minute,
    });
    await clock.advance(3 * day);
    const order = '{"order":1}';
    expect(runs).toEqual([0, 10, 20, 30, 40].map((at) => `${at} on-orders ${order}`));
    expect(await storage.queues.length('orders')).toBe(0);
    expect(await storage.queues.peek('orders-poison')).toMatchObject({
      json: { order: 1 },
      insertedAt: start + 40 * minute,
      dequeueCount: 0,
    });
  });

  it('hide a message as long as its function runs, however long that is', async () => {
    // This function waits for time to go on, so time may go on over it.
    work.ignore((what) => what.startsWith('message'));
    await watchQueue('slow', () => new Promise<void>((resolve) => clock.schedule(clock.now() + 45 * minute, resolve)));
    await storage.queues.send('slow', 'a');
    await clock.advance(44 * minute);
    expect(await storage.queues.list('slow')).toMatchObject([{ dequeueCount: 1, visibleAt: start + 50 * minute }]);
    await clock.advance(hour);
    expect(runs).toEqual(['0 on-slow a']);
    expect(await storage.queues.length('slow')).toBe(0);
  });

  it('never bring a message whose time was over before it could be seen', async () => {
    await watchQueue('short', () => undefined);
    await expect(storage.queues.send('short', 'a', { visibleIn: '1 hour', timeToLive: '30 minutes' })).rejects.toThrow(
      'would never be seen',
    );
    await storage.queues.send('other', 'a', { timeToLive: '30 minutes' });
    expect(await storage.queues.length('other')).toBe(1);
    await clock.advance(30 * minute);
    expect(await storage.queues.length('other')).toBe(0);
    expect(runs).toEqual([]);
  });

  it('run for a blob once, again when it is overwritten, and not for others', async () => {
    await storage.blobs.put('inbox/before.csv', '0');
    await watchBlobs('inbox/{name}.csv', () => undefined);
    await storage.blobs.put('inbox/a.csv', '1');
    await storage.blobs.put('inbox/a.txt', 'x');
    await storage.blobs.put('outbox/a.csv', 'x');
    await clock.advance(hour);
    await storage.blobs.put('inbox/a.csv', '2');
    await clock.advance(day);
    const client = BlobServiceClient.fromConnectionString(storage.connectionString);
    await client.getContainerClient('inbox').uploadBlockBlob('b.csv', '3', 1);
    await clock.advance(day);
    expect(runs).toEqual(['0 on-blob 0', '0 on-blob 1', '60 on-blob 2', `${25 * 60} on-blob 3`]);
    expect(work.requests()).toBeLessThan(50);
  });

  it('try a blob five times at once, and then say so in the poison queue', async () => {
    await watchBlobs('inbox/{name}', () => {
      throw new Error('no');
    });
    await storage.blobs.put('inbox/bad', '!');
    await clock.advance(day);
    expect(runs).toEqual(Array.from({ length: 5 }, () => '0 on-blob !'));
    expect((await storage.queues.list('webjobs-blobtrigger-poison')).map(({ json }) => json)).toMatchObject([
      { FunctionId: 'Host.Functions.on-blob', ContainerName: 'inbox', BlobName: 'bad' },
    ]);
  });

  it('see neither the messages nor the blobs of another storage', async () => {
    const other = await openMemoryStorage(clock);
    try {
      await watchQueue('shared', () => undefined);
      await watchBlobs('shared/{name}', () => undefined);
      await other.queues.send('shared', 'theirs');
      await other.blobs.put('shared/theirs', '');
      await clock.advance(hour);
      expect(runs).toEqual([]);
      expect(await storage.queues.length('shared')).toBe(0);
      expect(await storage.blobs.get('shared/theirs')).toBeUndefined();
      expect(other.connectionString).not.toBe(storage.connectionString);
    } finally {
      await other.close();
    }
  });
});
