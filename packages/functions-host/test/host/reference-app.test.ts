import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type HostProcess, startHostProcess, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

/** The app whose conversation with the real host is on record; it is not part of this repository. */
const reference = path.join(__dirname, '../../../../../shared/reference/functions-host/app');
const isThere = existsSync(reference);

if (!isThere) {
  it(`is skipped: the reference app is not at ${reference}`, () => {
    expect(isThere).toBe(false);
  });
}

(isThere ? describe : describe.skip)('the reference app', () => {
  let host: HostProcess;

  const json = async (
    where: string,
    init?: RequestInit,
  ): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> => {
    const response = await fetch(where.startsWith('http') ? where : host.url + where, init);
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    };
  };
  const until = async (where: string, status: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const { body } = await json(where);
      if (body['runtimeStatus'] === status) return body;
      if (['Completed', 'Failed', 'Terminated'].includes(String(body['runtimeStatus'])))
        throw new Error(JSON.stringify(body));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  beforeAll(async () => {
    host = await startHostProcess(
      await writeApp({
        'package.json': '{ "main": "src/index.js" }',
        'src/index.js': await readFile(path.join(reference, 'src/index.js'), 'utf8'),
        'host.json': await readFile(path.join(reference, 'host.json'), 'utf8'),
      }),
    );
  });
  afterAll(stopHosts);

  it('loads with all of its functions', () => {
    expect(host.functions).toEqual(
      expect.arrayContaining(['hello', 'echojson', 'boom', 'tick', 'hop', 'full', 'Counter', 'start']),
    );
  });

  it('runs an orchestration with activities, a timer and an event to its end', async () => {
    const started = await json('/api/orchestrators/full', {
      method: 'POST',
      body: '{"order":1}',
      headers: { 'content-type': 'application/json' },
    });
    expect(started.status).toBe(202);
    const statusUrl = started.headers.get('location') ?? '';
    expect(statusUrl).toBe(started.body['statusQueryGetUri']);
    expect(statusUrl.startsWith(`${host.url}/runtime/webhooks/durabletask/instances/`)).toBe(true);
    const raise = String(started.body['sendEventPostUri']).replace('{eventName}', 'Approval');
    const raised = await fetch(raise, {
      method: 'POST',
      body: '{"ok":true}',
      headers: { 'content-type': 'application/json' },
    });
    expect(raised.status).toBe(202);
    expect(await until(statusUrl, 'Completed')).toMatchObject({
      name: 'full',
      input: { order: 1 },
      customStatus: { stage: 'done' },
      output: { inp: { order: 1 }, out: ['hop:1', 'hop:2', 'hop:3'], ev: { ok: true } },
    });
  });

  it('fans out, calls sub-orchestrations and waits for completion', async () => {
    expect((await json('/api/wait/fan', { method: 'POST' })).body).toEqual([
      'hop:0',
      'hop:1',
      'hop:2',
      'hop:3',
      'hop:4',
    ]);
    expect((await json('/api/wait/parent', { method: 'POST' })).body).toEqual(['hop:a', 'hop:b', 'hop:c']);
  });

  it('logs each activity between its start and its end, and its failure with its error', async () => {
    const { body } = await json('/api/wait/failing', { method: 'POST' });
    expect(body['runtimeStatus']).toBe('Failed');
    await host.waitFor(
      /Executing 'Functions\.hop' \(Reason='\(null\)', Id=([\w-]+)\)\n(.*\n)*.*Executed 'Functions\.hop' \(Succeeded, Id=\1, /,
    );
    await host.waitFor(
      /Executed 'Functions\.fail' \(Failed, Id=[\w-]+, Duration=\d+ms\)\n.*Error: activity failed on purpose: x\n/,
    );
  });

  it('gives the durable client of a function the URLs of this host', async () => {
    const { body } = await json('/api/payload/abc123');
    expect(body).toMatchObject({ id: 'abc123' });
    expect(String(body['terminatePostUri'])).toMatch(
      /^http:\/\/localhost:\d+\/runtime\/webhooks\/durabletask\/instances\/abc123\/terminate\?reason=\{text\}&taskHub=TruthHub&connection=Storage&code=[\w-]+$/,
    );
  });
});
