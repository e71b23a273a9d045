import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { startStorage, type TestStorage } from '../support/storage';
import { writeApp } from '../support/write-app';

const app = `
const { app, input, output } = require('@azure/functions');
const connection = 'QUEUES';
const audit = output.storageQueue({ queueName: 'audit', connection });
const receipt = output.storageBlob({ path: 'receipts/{kind}/{nested.id}-{id}.json', connection });

app.storageQueue('onOrder', {
  queueName: 'orders',
  connection,
  extraOutputs: [audit],
  return: output.storageQueue({ queueName: '%DONE_QUEUE%', connection }),
  handler: async (message, context) => {
    context.log('order ' + JSON.stringify({ message, isBuffer: Buffer.isBuffer(message), metadata: context.triggerMetadata }));
    if (message.boom) throw new Error('order failed');
    if (message.slow) await new Promise((resolve) => setTimeout(resolve, message.slow));
    context.extraOutputs.set(audit, [{ first: 1 }, 'second', 3]);
    return { done: message.name ?? String(message) };
  },
});

app.storageQueue('onNested', {
  queueName: 'nested',
  connection,
  return: receipt,
  handler: async (message) => message,
});

app.storageQueue('onBytes', {
  queueName: 'bytes',
  connection,
  dataType: 'binary',
  handler: async (message, context) => context.log('bytes ' + message.toString('hex')),
});

app.generic('onGeneric', {
  trigger: { type: 'QueueTrigger', name: 'item', queueName: 'Generic', connection },
  return: { type: 'queue', name: '$return', queueName: 'done', connection },
  handler: async (message) => Buffer.from([1, 2, 255]),
});

const posted = output.storageQueue({ queueName: 'orders', connection });
app.http('post', {
  methods: ['POST'],
  authLevel: 'anonymous',
  extraOutputs: [posted],
  handler: async (request, context) => {
    context.extraOutputs.set(posted, { name: await request.text() });
    return { status: 202 };
  },
});

const durable = require('durable-functions');
const filings = output.storageQueue({ queueName: 'filings', connection });
const filed = input.storageBlob({ path: 'receipts/{file}', connection });
durable.app.activity('file', {
  extraInputs: [filed],
  extraOutputs: [filings],
  return: output.storageQueue({ queueName: 'done', connection }),
  handler: (order, context) => {
    context.extraOutputs.set(filings, { filed: order.file });
    return { read: context.extraInputs.get(filed).toString() };
  },
});
durable.app.orchestration('filing', function* (context) {
  return yield context.df.callActivity('file', { file: 'fast/7-own.json' });
});

app.timer('tick', {
  schedule: '0 0 0 1 1 *',
  runOnStartup: true,
  return: output.storageQueue({ queueName: 'ticks', connection }),
  handler: async () => 'tick',
});
`;

const recording = path.join(__dirname, '../../../../../shared/reference/functions-host/queuetrigger-meta.jsonl');

describe('a host with queue functions on a real storage emulator', () => {
  let storage: TestStorage;
  let host: HostProcess;
  let appDir: string;
  let dataDir: string;

  const start = (): Promise<HostProcess> =>
    startHostProcess(appDir, { dataDir, settings: { QUEUES: storage.connectionString, DONE_QUEUE: 'done' } });
  const send = async (queueName: string, text: string | Buffer): Promise<void> => {
    const queue = storage.queues.getQueueClient(queueName);
    await queue.createIfNotExists();
    await queue.sendMessage(Buffer.from(text).toString('base64'));
  };
  /** Waits for as many messages as asked for, and takes them out. */
  const take = async (queueName: string, count: number): Promise<Buffer[]> => {
    const queue = storage.queues.getQueueClient(queueName);
    const taken: Buffer[] = [];
    const deadline = Date.now() + 20_000;
    while (taken.length < count) {
      if (Date.now() > deadline) throw new Error(`Only ${taken.length} messages in '${queueName}':\n${host.output()}`);
      const found = (await queue.exists())
        ? (await queue.receiveMessages({ numberOfMessages: Math.min(count - taken.length, 32) })).receivedMessageItems
        : [];
      for (const { messageId, popReceipt, messageText } of found) {
        await queue.deleteMessage(messageId, popReceipt);
        taken.push(Buffer.from(messageText, 'base64'));
      }
      if (found.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return taken;
  };
  const untilEmpty = async (queueName: string): Promise<void> => {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const { approximateMessagesCount } = await storage.queues.getQueueClient(queueName).getProperties();
      if (approximateMessagesCount === 0) return;
      if (Date.now() > deadline) throw new Error(`'${queueName}' still holds ${String(approximateMessagesCount)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  beforeAll(async () => {
    storage = await startStorage();
    dataDir = await makeFolder();
    appDir = await writeApp({
      'index.js': app,
      'host.json': JSON.stringify({ version: '2.0', extensions: { queues: { maxPollingInterval: '00:00:00.2' } } }),
    });
    host = await start();
  });
  afterAll(async () => {
    await stopHosts();
    await storage.stop();
  });

  it('hands a JSON message over with the metadata of the real host, sends the outputs, and removes the message', async () => {
    await send('orders', '{"name":"a","len":10,"tags":[1],"none":null}');
    const [, json = ''] = await host.waitFor(/order (\{.*\})/);
    const seen = JSON.parse(json) as { message: unknown; metadata: Record<string, unknown> };
    expect(seen.message).toEqual({ name: 'a', len: 10, tags: [1], none: null });
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/) as string;
    expect(seen.metadata).toEqual({
      queueTrigger: { name: 'a', len: 10, tags: [1], none: null },
      dequeueCount: 1,
      expirationTime: time,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      insertionTime: time,
      nextVisibleTime: time,
      popReceipt: expect.any(String) as string,
      name: 'a',
      len: 10,
    });
    const hiddenFor = Date.parse(String(seen.metadata['nextVisibleTime'])) - Date.now();
    expect(hiddenFor).toBeGreaterThan(9 * 60_000);
    expect((await take('done', 1)).map(String)).toEqual(['{"done":"a"}']);
    expect((await take('audit', 3)).map(String)).toEqual(['{"first":1}', 'second', '3']);
    await untilEmpty('orders');
    await host.waitFor(
      /Executing 'Functions\.onOrder' \(Reason='New queue message detected on 'orders'\.', Id=[\w-]+\)\n\[[^\]]+\] Trigger Details: MessageId: [\w-]+, DequeueCount: 1, InsertionTime: \S+\+00:00/,
    );
  });

  (existsSync(recording) ? it : it.skip)(
    'gives the same metadata as was recorded from the real host (skipped where the recording is missing)',
    async () => {
      const [line = ''] = readFileSync(recording, 'utf8').split('\n');
      const recorded = JSON.parse(line) as { message: object; triggerMetadata: Record<string, unknown> };
      const before = host.output().length;
      await send('orders', JSON.stringify(recorded.message));
      await take('done', 1);
      const [, json = ''] = /order (\{.*\})/.exec(host.output().slice(before)) ?? [];
      const { metadata } = JSON.parse(json) as { metadata: Record<string, unknown> };
      expect(Object.keys(metadata)).toEqual(Object.keys(recorded.triggerMetadata));
      const toShape = (value: unknown): unknown =>
        typeof value === 'string'
          ? value.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[A-Za-z0-9+/]{28}=*$/, 'X').replace(/\d/g, '9')
          : value;
      expect(Object.values(metadata).map(toShape)).toEqual(Object.values(recorded.triggerMetadata).map(toShape));
    },
  );

  it('takes plain text and bytes, and fills outputs from nested fields of the message', async () => {
    await send('orders', 'no json {');
    expect((await take('done', 1)).map(String)).toEqual(['{"done":"no json {"}']);
    await send('nested', '{"kind":"fast","nested":{"id":7},"id":"own"}');
    const blob = storage.blobs.getContainerClient('receipts').getBlobClient('fast/7-own.json');
    await host.waitFor(/Executed 'Functions\.onNested' \(Succeeded/);
    expect((await blob.downloadToBuffer()).toString()).toBe('{"kind":"fast","nested":{"id":7},"id":"own"}');
    await send('bytes', Buffer.from([0x00, 0xff, 0x7b]));
    await host.waitFor(/bytes 00ff7b/);
  });

  it('runs generic triggers and outputs of known types, and sends outputs of HTTP functions and timers', async () => {
    await send('generic', 'x');
    expect(await take('done', 1)).toEqual([Buffer.from([1, 2, 255])]);
    expect((await take('ticks', 1)).map(String)).toEqual(['tick']);
    expect((await fetch(`${host.url}/api/post`, { method: 'POST', body: 'posted' })).status).toBe(202);
    expect((await take('done', 1)).map(String)).toEqual(['{"done":"posted"}']);
  });

  it('reads inputs and writes outputs of activities', async () => {
    await fetch(`${host.url}/runtime/webhooks/durabletask/orchestrators/filing`, { method: 'POST' });
    const read = '{"kind":"fast","nested":{"id":7},"id":"own"}';
    expect((await take('done', 1)).map((text) => JSON.parse(text.toString()) as unknown)).toEqual([{ read }]);
    expect((await take('filings', 1)).map(String)).toEqual(['{"filed":"fast/7-own.json"}']);
  });

  it('tries a failing message five times and puts it into the poison queue as it was', async () => {
    const before = host.output().length;
    await send('orders', '{"boom":true}');
    expect((await take('orders-poison', 1)).map(String)).toEqual(['{"boom":true}']);
    await untilEmpty('orders');
    const later = host.output().slice(before);
    expect(later.match(/Executed 'Functions\.onOrder' \(Failed/g)).toHaveLength(5);
    expect([...later.matchAll(/DequeueCount: (\d)/g)].map(([, count]) => count)).toEqual(['1', '2', '3', '4', '5']);
    expect(later).toContain("Message has reached MaxDequeueCount of 5. Moving message to queue 'orders-poison'.");
  });

  it('moves what is not base64 to the poison queue, text and all', async () => {
    await storage.queues.getQueueClient('orders').sendMessage('plain: text');
    await host.waitFor(/of queue 'orders' is not base64/);
    const poison = storage.queues.getQueueClient('orders-poison');
    const deadline = Date.now() + 10_000;
    let text: string | undefined;
    while (text === undefined && Date.now() < deadline) {
      text = (await poison.receiveMessages()).receivedMessageItems[0]?.messageText;
    }
    expect(text).toBe('plain: text');
  });

  it('handles many messages, each once', async () => {
    const queue = storage.queues.getQueueClient('orders');
    const names = Array.from({ length: 100 }, (_, at) => `many-${at}`);
    await Promise.all(names.map((name) => queue.sendMessage(Buffer.from(JSON.stringify({ name })).toString('base64'))));
    const done = (await take('done', names.length)).map(
      (text) => (JSON.parse(text.toString()) as { done: string }).done,
    );
    expect(done.sort()).toEqual(names.sort());
    await untilEmpty('orders');
  });

  it('makes its queue again when it was deleted', async () => {
    await storage.queues.getQueueClient('orders').delete();
    const deadline = Date.now() + 10_000;
    while (!(await storage.queues.getQueueClient('orders').exists()) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await send('orders', '{"name":"again"}');
    expect((await take('done', 1)).map(String)).toEqual(['{"done":"again"}']);
  });

  it('shows again at a stop what it could not finish, and finishes it after the next start', async () => {
    await send('orders', '{"name":"unfinished","slow":60000}');
    await host.waitFor(/"name":"unfinished"/);
    await host.stop();
    expect(host.output()).toContain('1 functions were still running when the host stopped');
    const { receivedMessageItems } = await storage.queues.getQueueClient('orders').receiveMessages();
    expect(receivedMessageItems.map(({ dequeueCount }) => dequeueCount)).toEqual([2]);
    const [item] = receivedMessageItems;
    await storage.queues.getQueueClient('orders').deleteMessage(item?.messageId ?? '', item?.popReceipt ?? '');
    await send('orders', '{"name":"next"}');
    host = await start();
    expect((await take('done', 1)).map(String)).toEqual(['{"done":"next"}']);
  }, 30_000);

  it('outlives storage that goes away: it warns once for each trigger and goes on when storage is back', async () => {
    await storage.stop();
    await host.waitFor(
      /The queue trigger of 'onOrder' on queue 'orders' can't work with storage \(setting QUEUES\): .*It keeps trying\./,
      20_000,
    );
    await storage.start();
    await host.waitFor(
      /The queue trigger of 'onOrder' on queue 'orders' works with storage \(setting QUEUES\) again\./,
      20_000,
    );
    await send('orders', '{"name":"after"}');
    // The emulator may have forgotten its last changes.
    await host.waitFor(/"name":"after"[\s\S]*Executed 'Functions\.onOrder' \(Succeeded/);
    expect(host.output().match(/queue 'orders' can't work with storage/g)).toHaveLength(1);
  }, 60_000);
});
