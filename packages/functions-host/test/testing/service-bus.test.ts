import path from 'node:path';
import { createTestHost, type TestHost, type TestHostOptions } from '../../src/testing';

const app = path.join(__dirname, '../fixtures/messages-app');
const startAt = '2026-01-05T20:00:00.000Z';

describe('Service Bus in a test host', () => {
  let host: TestHost;
  afterEach(() => host.stop());

  const open = async (functions: string[], more: Partial<TestHostOptions> = {}): Promise<void> => {
    host = await createTestHost({ app, startAt, functions: [...functions, 'diary'], ...more });
  };
  const diary = async (): Promise<string[]> => (await host.http('GET', '/api/diary')).json();
  const diaryWithoutTimes = async (): Promise<string[]> =>
    (await diary()).map((line) => line.slice(startAt.length + 1));

  it('lets a function complete, renew and abandon its messages, with changed properties', async () => {
    await open(['onOrder']);
    await host.messages.send('orders', { how: 'complete' });
    await host.messages.send('orders', { how: 'renew' });
    await host.messages.send('orders', { how: 'abandon' }, { applicationProperties: { attempt: 0 } });
    await host.messages.send('orders', { how: 'twice' });
    await host.runUntilIdle();
    expect((await diaryWithoutTimes()).sort()).toEqual([
      expect.stringMatching(/^The message with LockToken .* is settled already/),
      'abandon, delivery 1 (1)',
      'abandon, delivery 2 (2)',
      'complete, delivery 1 (1)',
      'renew, delivery 1 (1)',
      'twice, delivery 1 (1)',
    ]);
    expect(await host.messages.counts('orders')).toEqual({ active: 0, deferred: 0, scheduled: 0, deadLetters: 0 });
  });

  it('lets a function defer and dead-letter, with reasons and properties', async () => {
    await open(['onOrder']);
    await host.messages.send('orders', { how: 'defer' }, { messageId: 'm1', subject: 'placed', sessionId: 's1' });
    await host.messages.send('orders', { how: 'deadletter' });
    await host.runUntilIdle();
    expect(await host.messages.list('orders')).toMatchObject([
      {
        ...{ messageId: 'm1', subject: 'placed', sessionId: 's1', contentType: 'application/json', state: 'deferred' },
        ...{ json: { how: 'defer' }, applicationProperties: { isLater: true }, isLocked: false },
        enqueuedAt: new Date(startAt),
      },
    ]);
    expect(await host.messages.deadLetters('orders')).toMatchObject([
      {
        deadLetterReason: 'bad order',
        deadLetterErrorDescription: 'it has no id',
        applicationProperties: { team: 'payments' },
      },
    ]);
    expect(await host.messages.clear('orders')).toBe(1);
  });

  it('hands dead letters to the function that reads them', async () => {
    await open(['onOrder', 'onDead']);
    await host.messages.send('orders', { how: 'deadletter' });
    await host.runUntilIdle();
    expect(await diaryWithoutTimes()).toContain('dead deadletter: bad order, it has no id, for payments');
    expect(await host.messages.deadLetters('orders')).toEqual([]);
  });

  it('does not settle again what a function has settled before it failed', async () => {
    await open(['onOrder']);
    await host.messages.send('orders', { how: 'complete and fail' });
    await host.runUntilIdle();
    expect(await diaryWithoutTimes()).toEqual(['complete and fail, delivery 1 (1)']);
    expect(await host.messages.counts('orders')).toMatchObject({ active: 0, deadLetters: 0 });
  });

  it('delivers what was left unsettled when its lock is over, and dead-letters it in the end', async () => {
    await open(['onOrder']);
    await host.messages.send('orders', { how: 'leave' });
    await host.runUntilIdle();
    expect(await host.messages.peek('orders')).toMatchObject({ isLocked: true });
    await host.advance('10 minutes');
    expect(await diary()).toEqual([
      '2026-01-05T20:00:00.000Z leave, delivery 1 (1)',
      '2026-01-05T20:01:00.000Z leave, delivery 2 (2)',
      '2026-01-05T20:02:00.000Z leave, delivery 3 (3)',
    ]);
    expect(await host.messages.deadLetters('orders')).toMatchObject([{ deadLetterReason: 'MaxDeliveryCountExceeded' }]);
  });

  it('hands a batch over, each message of it settled in its own way', async () => {
    await open(['onMany']);
    for (const how of ['complete', 'deadletter', 'complete']) await host.messages.send('many', { how });
    await host.advance('1 minute');
    const lines = await diaryWithoutTimes();
    const counts = lines.map((line) => Number(line.split(' ')[0]));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3);
    expect(await host.messages.counts('many')).toMatchObject({ active: 0, deadLetters: 1 });
  });

  it("keeps a session's order, its state and its lock", async () => {
    await open(['onStep']);
    for (const sessionId of ['a', 'b', 'c']) {
      await host.messages.send('steps', { step: 1 }, { sessionId });
      await host.messages.send('steps', { step: 2, isLast: sessionId === 'a' }, { sessionId });
    }
    await host.advance('5 minutes');
    const lines = await diaryWithoutTimes();
    for (const sessionId of ['a', 'b', 'c']) {
      expect(lines.filter((line) => line.startsWith(sessionId))).toEqual([
        `${sessionId}: 1, locked for long`,
        `${sessionId}: 2, locked for long`,
      ]);
    }
    expect(await host.messages.counts('steps')).toMatchObject({ active: 0, deadLetters: 0 });
  });

  it('tries a message again as often as its queue allows, and sends what a function puts out', async () => {
    await open(['onPlain', 'onPlaced']);
    await host.messages.send('plain', { id: 'o1' });
    await host.messages.send('plain', { id: 'o2', isBad: true });
    await host.messages.send('events', { id: 'o3' }, { subject: 'placed' });
    await host.runUntilIdle();
    expect((await diaryWithoutTimes()).sort()).toEqual([
      'placed {"id":"o3"}',
      'plain {"id":"o1"}, delivery 1',
      'plain {"id":"o2","isBad":true}, delivery 1',
      'plain {"id":"o2","isBad":true}, delivery 2',
      'plain {"id":"o2","isBad":true}, delivery 3',
    ]);
    const all = await host.messages.list('events/Subscriptions/all');
    expect(all.map(({ text }) => text).sort()).toEqual(['told of o1', '{"id":"o3"}']);
  });

  it('moves schedules and times-to-live with the clock, and lists what is scheduled', async () => {
    await open(['onPlain']);
    await host.messages.send('plain', { id: 'later' }, { messageId: 'm1', deliverIn: '1 day' });
    await host.messages.send('unread', 'an hour', {});
    await host.messages.send('unread', 'a minute', { timeToLive: '1 minute' });
    expect(host.timers()).toEqual([
      { kind: 'message', what: "scheduled message m1 of 'plain'", at: new Date('2026-01-06T20:00:00.000Z') },
    ]);
    await host.advance('59 minutes');
    expect((await host.messages.list('unread')).map(({ text }) => text)).toEqual(['an hour']);
    await host.advance('1 day');
    expect(await diary()).toEqual(['2026-01-06T20:00:00.000Z plain {"id":"later"}, delivery 1']);
    expect(await host.messages.deadLetters('unread')).toMatchObject([
      { text: 'a minute', deadLetterReason: 'TTLExpiredException' },
      { text: 'an hour', deadLetterReason: 'TTLExpiredException' },
    ]);
    expect(host.timers()).toEqual([]);
  });

  it('works by the real clock, too', async () => {
    host = await createTestHost({ app, clock: 'real', functions: ['onOrder', 'diary'] });
    await host.messages.send('orders', { how: 'complete' });
    await host.runUntilIdle();
    expect(await host.messages.counts('orders')).toMatchObject({ active: 0 });
    expect(await diary()).toHaveLength(1);
  });

  it('takes its entities from the test, if that names them', async () => {
    const entities = { queues: [{ name: 'orders' }, { name: 'more' }], topics: [] };
    await open(['onOrder'], { serviceBus: { entities } });
    await host.messages.send('more', 'text');
    await host.messages.send('orders', { how: 'complete' });
    await host.runUntilIdle();
    expect(await diaryWithoutTimes()).toEqual(['complete, delivery 1 (1)']);
    await expect(host.messages.send('plain', 'text')).rejects.toThrow(/plain/);
    await expect(host.messages.counts('events')).rejects.toThrow(/there is no events/);
  });

  it('says what there is to do when an app has none', async () => {
    await open(['diary'], { settings: { BUS: '' } });
    await expect(host.messages.send('orders', 'text')).rejects.toThrow(
      "There is no Service Bus in this test: the app's settings name no emulator of Service Bus",
    );
  });
});

describe('a test host whose settings name a real namespace', () => {
  it('is refused by the virtual clock', async () => {
    const settings = { BUS: 'Endpoint=sb://shop.servicebus.example;SharedAccessKeyName=n;SharedAccessKey=k' };
    await expect(createTestHost({ app, settings })).rejects.toThrow(
      'createTestHost: setting BUS names a Service Bus at shop.servicebus.example:5671, whose times are real.',
    );
  });
});
