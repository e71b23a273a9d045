import path from 'node:path';
import { createTestHost } from '../../src/testing';
import { stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

const app = path.join(__dirname, '../fixtures/waiting-app');

afterAll(stopHosts);

describe('hosts in one test file', () => {
  it('come one after another, each with its app loaded anew', async () => {
    const entries: unknown[] = [];
    for (const [startAt, colour] of [
      ['2026-03-01T00:00:00.000Z', 'red'],
      ['2027-03-01T00:00:00.000Z', 'blue'],
    ] as const) {
      const host = await createTestHost({ app, startAt, settings: { COLOUR: colour } });
      await host.start('approve', { id: colour, hours: 1 });
      await host.advance('1 hour');
      const answer = await host.http('GET', '/api/diary');
      entries.push(answer.json());
      expect((await host.http('GET', '/api/now')).json()).toMatchObject({ setting: colour });
      await host.stop();
    }
    expect(entries).toEqual([
      ['2026-03-01T00:30:00.000Z reminder of red', '2026-03-01T01:00:00.000Z red is refused'],
      ['2027-03-01T00:30:00.000Z reminder of blue', '2027-03-01T01:00:00.000Z blue is refused'],
    ]);
    expect([process.env['COLOUR'], process.cwd()]).toEqual([undefined, path.join(__dirname, '../../../..')]);
  });

  it('are not there side by side', async () => {
    const host = await createTestHost({ app });
    await expect(createTestHost({ app })).rejects.toThrow('A test host is running in this process already');
    expect((await host.http('GET', '/api/now')).status).toBe(200);
    await host.stop();
  });

  it('are stopped once, and whoever stops them again waits for that', async () => {
    const [before, folder] = [Date, process.cwd()];
    const host = await createTestHost({ app });
    const first = host.stop();
    expect([Date === before, process.cwd() === folder]).toEqual([false, false]);
    await host.stop();
    expect([Date === before, process.cwd()]).toEqual([true, folder]);
    await first;
  });

  it('are stopped at the end of a block that uses them', async () => {
    const before = Date.now();
    {
      await using host = await createTestHost({ app, startAt: '2020-01-01T00:00:00Z' });
      expect(host.now().getFullYear()).toBe(2020);
    }
    expect(Date.now()).toBeGreaterThanOrEqual(before);
  });
});

describe('an app', () => {
  it('that throws while it is loaded is shown with its own error', async () => {
    const dir = await writeApp({ 'index.js': "throw new Error('no such setting: SHOP');" });
    const before = Date;
    await expect(createTestHost({ app: dir })).rejects.toThrow(
      /index\.js threw while it was loaded:\n[^]*no such setting: SHOP/,
    );
    await expect(
      createTestHost({ app: { dir, load: () => Promise.reject(new Error('no such source')) } }),
    ).rejects.toThrow(/The app threw while it was loaded:\n[^]*no such source/);
    expect([Date === before, process.env['WEBSITE_HOSTNAME']]).toEqual([true, undefined]);
  });

  it('that registers nothing is told of the preset', async () => {
    const dir = await writeApp({ 'index.js': '' });
    await expect(createTestHost({ app: dir })).rejects.toThrow(
      /No function was registered by index\.js\. .*preset: 'functions-host'/,
    );
  });

  it('may be loaded by the test itself, from whatever its test runner can read', async () => {
    const entry = path.join(app, 'index.js');
    const host = await createTestHost({ app: { dir: app, load: () => import(entry) } });
    expect((await host.http('GET', '/api/diary')).json()).toEqual([]);
    await host.stop();
  });

  it('has real storage only by a real clock', async () => {
    await expect(
      createTestHost({ app, settings: { AzureWebJobsStorage: 'UseDevelopmentStorage=true' } }),
    ).rejects.toThrow(/setting AzureWebJobsStorage names a storage account.*clock: 'real'/);
  });
});

describe('a host with a real clock', () => {
  it('shows the present, and is not moved', async () => {
    const host = await createTestHost({ app, clock: 'real' });
    const id = await host.start('approve', { id: 'r', hours: 1 });
    await host.runUntilIdle();
    await host.raise(id, 'approval', 'Maria');
    await host.runUntilIdle();
    expect(await host.status(id)).toMatchObject({ output: 'approved' });
    await expect(host.advance('1 hour')).rejects.toThrow(
      "the clock of this host is real; make it with clock: 'virtual'",
    );
    expect(Math.abs(host.now().getTime() - Date.now())).toBeLessThan(5_000);
    await host.stop();
  });
});

describe('a test host', () => {
  it('takes a day in a moment', async () => {
    const host = await createTestHost({ app, startAt: '2026-01-05T20:00:00.000Z' });
    await host.http('POST', '/api/approvals/o1');
    await host.queues.send('reminders', { text: 'delayed' }, { visibleIn: '9 hours' });
    await host.advance('25 hours');
    expect(await host.status('o1')).toMatchObject({ runtimeStatus: 'Completed', output: 'refused' });
    await host.stop();
  });

  it('has a durable client of the app, and says what is refused', async () => {
    const host = await createTestHost({ app });
    const client = host.client();
    const id = await client.startNew('approve', { instanceId: 'c1', input: { id: 'c1', hours: 24 } });
    await host.runUntilIdle();
    expect(await client.getStatus(id)).toMatchObject({ name: 'approve', runtimeStatus: 'Running' });
    await client.terminate(id, 'enough');
    await host.runUntilIdle();
    expect(await host.status(id)).toMatchObject({ runtimeStatus: 'Terminated' });
    expect(host.timers().filter(({ kind }) => kind === 'durable')).toEqual([]);
    await expect(host.raise(id, 'approval')).rejects.toThrow(
      "Raising 'approval' for 'c1' was refused with 410 (it has finished",
    );
    await expect(host.raise('nobody', 'approval')).rejects.toThrow('refused with 404 (there is no such instance');
    expect(await host.status('nobody')).toBeUndefined();
    await host.stop();
  });

  it('keeps its log, to be searched', async () => {
    const host = await createTestHost({ app });
    await host.http('GET', '/api/now');
    expect(host.logs({ functionName: 'now', message: 'told the time' })).toMatchObject([
      { level: 'Information', category: 'Function.now.User', at: host.now() },
    ]);
    expect(host.logs({ level: 'Error' })).toEqual([]);
    expect((await host.http('GET', '/api/nowhere')).status).toBe(404);
    await host.stop();
  });
});
