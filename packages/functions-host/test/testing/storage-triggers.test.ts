import path from 'node:path';
import { createTestHost, type TestHost } from '../../src/testing';

const app = path.join(__dirname, '../fixtures/storage-app');
const startAt = '2026-01-05T20:00:00.000Z';

describe('storage in a test host', () => {
  let host: TestHost;
  afterEach(() => host.stop());

  const diary = async (): Promise<string[]> => (await host.http('GET', '/api/diary')).json();

  it("carries work from function to function, by bindings and by the app's own client, each at its time", async () => {
    host = await createTestHost({ app, startAt });
    await host.queues.send('orders', { id: 'o1' }, { visibleIn: '1 hour' });
    await host.advance('1 hour');
    expect((await host.blobs.get('receipts/o1.json'))?.json()).toEqual({ receiptOf: 'o1' });
    expect(host.timers()).toMatchObject([
      { kind: 'schedule', functionName: 'nightly', at: new Date('2026-01-06T02:00:00.000Z') },
      { kind: 'message', what: "message of queue 'reminders'", at: new Date('2026-01-08T21:00:00.000Z') },
    ]);
    await host.advance('3 days');
    expect(await diary()).toEqual([
      '2026-01-05T21:00:00.000Z order o1, attempt 1',
      '2026-01-05T21:00:00.000Z receipt o1 {"receiptOf":"o1"}',
      '2026-01-06T02:00:00.000Z reminder of the night',
      '2026-01-07T02:00:00.000Z reminder of the night',
      '2026-01-08T02:00:00.000Z reminder of the night',
      '2026-01-08T21:00:00.000Z reminder of o1',
    ]);
  });

  it('tries a message again by the settings of host.json, and tells the function of the poison queue', async () => {
    host = await createTestHost({ app, startAt, functions: ['onOrder', 'onPoison', 'diary'] });
    await host.queues.send('orders', { id: 'o2', isBad: true });
    await host.runUntilIdle();
    expect(host.timers()).toMatchObject([{ kind: 'message', at: new Date('2026-01-05T20:10:00.000Z') }]);
    await host.advance('3 days');
    expect(await diary()).toEqual([
      '2026-01-05T20:00:00.000Z order o2, attempt 1',
      '2026-01-05T20:10:00.000Z order o2, attempt 2',
      '2026-01-05T20:20:00.000Z order o2, attempt 3',
      '2026-01-05T20:30:00.000Z order o2, attempt 4',
      '2026-01-05T20:40:00.000Z order o2, attempt 5',
      '2026-01-05T20:40:00.000Z order o2 is put aside',
    ]);
    expect([await host.queues.length('orders'), await host.queues.length('orders-poison')]).toEqual([0, 0]);
  });

  it('runs a blob function for each version, and not for those that it has handled', async () => {
    host = await createTestHost({ app, startAt, functions: ['onReceipt', 'diary'] });
    await host.blobs.put('receipts/a.json', '1');
    await host.advance('1 day');
    await host.blobs.put('receipts/a.json', '2');
    await host.blobs.put('receipts/b.txt', 'no receipt');
    await host.advance('1 day');
    expect(await diary()).toEqual(['2026-01-05T20:00:00.000Z receipt a 1', '2026-01-06T20:00:00.000Z receipt a 2']);
  });

  it('runs a blob function that Event Grid tells when a post tells it', async () => {
    host = await createTestHost({ app, startAt, functions: ['onTold', 'diary'] });
    await host.blobs.put('told/a', 'good');
    await host.blobs.put('told/b', 'bad');
    await host.advance('1 day');
    const post = {
      headers: { 'aeg-event-type': 'Notification' },
      body: ['a', 'b'].map((name) => ({
        eventType: 'Microsoft.Storage.BlobCreated',
        data: { url: `https://account.blob.core.windows.net/told/${name}`, eTag: '0x1', blobType: 'BlockBlob' },
      })),
    };
    const answer = await host.http('POST', '/runtime/webhooks/blobs?functionName=Host.Functions.onTold', post);
    expect(answer.status).toBe(202);
    await host.runUntilIdle();
    const lines = (await diary()).sort();
    expect(lines).toEqual(['a', 'b', 'b', 'b', 'b', 'b'].map((name) => `2026-01-06T20:00:00.000Z told of ${name}`));
    expect((await host.queues.peek('webjobs-blobtrigger-poison'))?.text).toContain('"BlobName":"b"');
  });

  it('works by the real clock, too', async () => {
    host = await createTestHost({ app, clock: 'real' });
    await host.queues.send('orders', { id: 'o3' });
    await host.runUntilIdle();
    expect((await diary()).map((line) => line.slice(line.indexOf(' ') + 1))).toEqual([
      'order o3, attempt 1',
      'receipt o3 {"receiptOf":"o3"}',
    ]);
    const [reminder] = await host.queues.list('reminders');
    expect((reminder?.visibleAt ?? 0) - (reminder?.insertedAt ?? 0)).toBe(3 * 24 * 60 * 60_000);
  });
});
