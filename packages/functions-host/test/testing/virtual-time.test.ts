import path from 'node:path';
import { createTestHost, type TestHost } from '../../src/testing';

const app = path.join(__dirname, '../fixtures/waiting-app');
const startAt = '2026-01-05T20:00:00.000Z';

let host: TestHost;

beforeEach(async () => {
  host = await createTestHost({ app, startAt });
});

afterEach(() => host.stop());

const diary = async (): Promise<string[]> => (await host.http('GET', '/api/diary')).json();

describe('virtual time', () => {
  it('brings an approval with its reminder, a nightly timer and a delayed message in their order', async () => {
    expect((await host.http('POST', '/api/approvals/o1')).status).toBe(202);
    await host.queues.send('reminders', { text: 'delayed' }, { visibleIn: '9 hours' });
    await host.advance('25 hours');
    expect(await diary()).toEqual([
      '2026-01-06T02:00:00.000Z nightly',
      '2026-01-06T05:00:00.000Z message delayed',
      '2026-01-06T08:00:00.000Z reminder of o1',
      '2026-01-06T20:00:00.000Z o1 is refused',
    ]);
    expect(await host.status('o1')).toMatchObject({ runtimeStatus: 'Completed', output: 'refused' });
    expect(host.now()).toEqual(new Date('2026-01-06T21:00:00.000Z'));
  });

  it('lists what waits, for whom and until when', async () => {
    await host.start('approve', { id: 'o2', hours: 24 }, { id: 'o2' });
    await host.runUntilIdle();
    expect(host.timers()).toEqual([
      {
        kind: 'schedule',
        what: "next run of timer 'nightly'",
        functionName: 'nightly',
        at: new Date('2026-01-06T02:00:00.000Z'),
      },
      expect.objectContaining({
        kind: 'durable',
        functionName: 'approve',
        instanceId: 'o2',
        at: new Date('2026-01-06T08:00:00.000Z'),
      }),
    ]);
    await host.raise('o2', 'approval', 'Maria');
    await host.runUntilIdle();
    expect(host.timers()).toHaveLength(1);
    expect(await host.status('o2')).toMatchObject({ output: 'approved' });
    expect(await diary()).toEqual([`${startAt} o2 is approved by Maria`]);
  });

  it('moves the pauses between the attempts of an activity', async () => {
    const id = await host.start('stubborn');
    await host.runUntilIdle();
    expect(host.timers()).toContainEqual(
      expect.objectContaining({ kind: 'retry', functionName: 'stubborn', instanceId: id }),
    );
    await host.advance('2 minutes');
    expect(await diary()).toEqual([
      '2026-01-05T20:00:00.000Z attempt 1',
      '2026-01-05T20:01:00.000Z attempt 2',
      '2026-01-05T20:02:00.000Z attempt 3',
    ]);
    expect(await host.status(id)).toMatchObject({ output: 3 });
  });

  it('wakes the triggers of storage when there is something, and tries again when it is time', async () => {
    await host.http('POST', '/api/remindLater', { body: 'at once' });
    await host.blobs.put('uploads/a.txt', 'Hello');
    await host.runUntilIdle();
    expect((await diary()).sort()).toEqual([`${startAt} blob a.txt: Hello`, `${startAt} message at once`]);
    await host.queues.send('bad', 'x');
    await host.advance('1 hour');
    expect((await diary()).filter((line) => line.includes('bad'))).toHaveLength(5);
    expect(await host.queues.list('bad-poison')).toMatchObject([{ text: 'x' }]);
    expect(host.logs({ functionName: 'onBad', level: 'Error' })).toHaveLength(5);
  });

  it('is what Date tells the app and the test, until the host stops', async () => {
    await host.advance('1 hour');
    const now = Date.parse('2026-01-05T21:00:00.000Z');
    expect((await host.http('GET', '/api/now')).json()).toMatchObject({ now, iso: '2026-01-05T21:00:00.000Z' });
    expect([Date.now(), new Date().getTime(), new Date(Date()).getTime()]).toEqual([now, now, now]);
    const made = new Date(2026, 1, 2);
    expect([made instanceof Date, made.constructor === Date, new Date(made).getTime()]).toEqual([
      true,
      true,
      made.getTime(),
    ]);
    await host.stop();
    expect(Math.abs(Date.now() - (performance.timeOrigin + performance.now()))).toBeLessThan(60_000);
    expect([Date.name, made instanceof Date, made.constructor === Date]).toEqual(['Date', true, true]);
  });

  it('is moved by lengths of time only, and by one caller', async () => {
    await expect(host.advance('soon' as '1 day')).rejects.toThrow(/expected a length of time such as.*got "soon"/);
    await expect(host.advance(-1)).rejects.toThrow(/got -1/);
    const first = host.advance('1 hour');
    await expect(host.advance('1 hour')).rejects.toThrow('the clock is being moved already');
    await first;
  });
});

describe('what never comes to rest', () => {
  beforeEach(async () => {
    await host.stop();
    host = await createTestHost({ app, startAt, patienceMs: 300 });
  });

  it('is named when it is an activity', async () => {
    await host.start('stuck', undefined, { id: 's1' });
    await expect(host.runUntilIdle()).rejects.toThrow(
      /^runUntilIdle\(\): The host has not come to rest within 300 ms.*Still running: function 'waitForEver' of instance 's1'\.$/,
    );
    await expect(host.advance('1 day')).rejects.toThrow(/^advance\("1 day"\): .*waitForEver/);
  });

  it('is named by its step when it is one of a saga', async () => {
    await host.start('stuck', { $step: { key: 's2/pay#1' }, input: 5 }, { id: 's2' });
    await expect(host.runUntilIdle()).rejects.toThrow(`function 'waitForEver' of instance 's2' (step "s2/pay#1")`);
  });

  it('is named when it is an orchestration that goes round for ever', async () => {
    await host.start('endless', undefined, { id: 'e1' });
    await expect(host.runUntilIdle()).rejects.toThrow(/Still running: .*'e1'/);
  });
});
