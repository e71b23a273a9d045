import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { startPostgres, type RunningPostgres } from '../../src/supervisor/postgres';
import { makeFolder, startHostProcess, stopHosts, type HostProcess } from '../support/host-process';
import { writeApp } from '../support/write-app';

const fixture = path.join(__dirname, '../fixtures/patterns-app');

/** The fixture's files as an app of this kind: it is written as CommonJS. */
async function filesOf(kind: 'CommonJS' | 'ES modules'): Promise<Record<string, string>> {
  const read = (file: string): Promise<string> => readFile(path.join(fixture, file), 'utf8');
  const files: Record<string, string> = { 'host.json': await read('host.json') };
  const manifest = JSON.parse(await read('package.json')) as object;
  files['package.json'] = JSON.stringify(kind === 'ES modules' ? { ...manifest, type: 'module' } : manifest);
  for (const name of await readdir(path.join(fixture, 'src/functions'))) {
    const text = await read(`src/functions/${name}`);
    files[`src/functions/${name}`] =
      kind === 'CommonJS'
        ? text
        : text
            .replace(/^const (\w+) = require\((.*)\);$/gm, 'import * as $1 from $2;')
            .replace(/^const (\{.*\}) = require\((.*)\);$/gm, 'import $1 from $2;');
  }
  return files;
}

describe.each(['CommonJS', 'ES modules'] as const)('an app of the documented patterns, in %s', (kind) => {
  let server: RunningPostgres;
  let host: HostProcess;

  beforeAll(async () => {
    server = await startPostgres({ databases: ['hub'] });
    const app = await writeApp(await filesOf(kind));
    host = await startHostProcess(app, { taskHub: server.url('hub'), dataDir: await makeFolder() });
  }, 60_000);
  afterAll(async () => {
    await stopHosts();
    await server.stop();
  });

  const post = (where: string, body?: unknown): Promise<Response> =>
    fetch(host.url + where, {
      method: 'POST',
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  const run = async (name: string, input?: unknown): Promise<unknown> => {
    const answer = await post(`/api/orchestrators/${name}/wait`, input);
    return { status: answer.status, output: await answer.json() };
  };
  const done = (output: unknown): unknown => ({ status: 200, output });

  interface Status {
    readonly runtimeStatus: string;
    readonly output: unknown;
    readonly customStatus: unknown;
  }
  interface Started {
    readonly id: string;
    readonly statusQueryGetUri: string;
    readonly sendEventPostUri: string;
  }
  const start = async (name: string, input?: unknown, query = ''): Promise<Started> => {
    const answer = await post(`/api/orchestrators/${name}${query}`, input);
    expect(answer.status).toBe(202);
    return (await answer.json()) as Started;
  };
  const until = async (started: Started, isReached: (status: Status) => boolean): Promise<Status> => {
    for (;;) {
      const status = (await (await fetch(started.statusQueryGetUri)).json()) as Status;
      if (isReached(status)) return status;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const isOver = ({ runtimeStatus }: Status): boolean => ['Completed', 'Failed', 'Terminated'].includes(runtimeStatus);
  const raise = (started: Started, event: string, payload: unknown): Promise<Response> =>
    fetch(started.sendEventPostUri.replace('{eventName}', event), {
      method: 'POST',
      body: JSON.stringify(payload),
      headers: { 'content-type': 'application/json' },
    });

  it('chains functions', async () => {
    expect(await run('chaining', 4)).toEqual(done({ result: 21, version: '1.0' }));
    const other = await until(await start('chaining', 0, '?version=2.5'), isOver);
    expect(other.output).toEqual({ result: 5, version: '2.5' });
  });

  it('fans out and in, over sub-orchestrations too', async () => {
    expect(await run('countFolders', ['a', 'bb'])).toEqual(done([35, 40]));
  });

  it('answers a start with links at which the status changes', async () => {
    const started = await start('approval', { what: 'a trip', timeoutMs: 60_000 });
    expect((await fetch(started.statusQueryGetUri)).status).toBe(202);
    await raise(started, 'ApprovalEvent', true);
    expect((await until(started, isOver)).output).toBe('approved');
    expect((await fetch(started.statusQueryGetUri)).status).toBe(200);
  });

  it('monitors a job until it is done', async () => {
    const started = await start('monitor', 'job-1');
    expect(await until(started, isOver)).toMatchObject({
      output: 'alert: the job is done',
      customStatus: { status: 'Completed' },
    });
  });

  it('escalates when nobody approves in time', async () => {
    expect(await run('approval', { what: 'a car', timeoutMs: 100 })).toEqual(done('escalated'));
  });

  it('begins anew as long as it is told to, and loses no event by that', async () => {
    expect(await run('eternal', { round: 1, rounds: 4 })).toEqual(done('4 rounds'));
    const counter = await start('counter', 0);
    await Promise.all(Array.from({ length: 10 }, () => raise(counter, 'operation', 'incr')));
    await raise(counter, 'operation', 'decr');
    await raise(counter, 'operation', 'end');
    expect((await until(counter, isOver)).output).toBe(9);
  });

  it('takes back, retries and limits in time what fails', async () => {
    expect(await run('transfer', { from: 'from', to: 'to', amount: 10 })).toEqual(done('transferred'));
    expect(await run('transfer', { from: 'from', to: 'nowhere', amount: 10 })).toEqual(
      done({ balance: 90, because: "Activity function 'credit' failed:  no account nowhere" }),
    );
    expect(await run('retrying', 3)).toEqual(done('attempt 4'));
    expect(await run('timeLimited')).toEqual(done('timed out'));
  });

  it('calls a service that answers later', async () => {
    expect(await run('callsService', `${host.url}/api/jobs`)).toEqual(
      done({ status: 200, body: { id: '7', asked: 2 } }),
    );
  });

  it('runs one instance of an id at a time', async () => {
    const only = await start('counter', 5, '?id=only');
    expect((await post('/api/orchestrators/counter?id=only', 5)).status).toBe(409);
    await raise(only, 'operation', 'end');
    expect((await until(only, isOver)).output).toBe(5);
    await start('counter', 6, '?id=only');
    await post('/api/manage/terminate/only');
    expect(await until(only, isOver)).toMatchObject({ runtimeStatus: 'Terminated', output: 'stopped' });
    expect(await (await post('/api/manage/purge/only')).json()).toEqual({ instancesDeleted: 1 });
  });

  it('suspends and resumes', async () => {
    const counter = await start('counter', 1);
    await until(counter, ({ runtimeStatus }) => runtimeStatus === 'Running');
    await post(`/api/manage/suspend/${counter.id}`);
    expect((await until(counter, ({ runtimeStatus }) => runtimeStatus === 'Suspended')).output).toBe('pause');
    await raise(counter, 'operation', 'end');
    await post(`/api/manage/resume/${counter.id}`);
    expect((await until(counter, isOver)).output).toBe(1);
  });

  it('rewinds what failed once its cause is mended', async () => {
    const whole = await start('fragileWhole');
    expect((await until(whole, isOver)).output).toMatch(
      /^Orchestrator function 'fragileWhole' failed: Orchestrator function 'fragilePart' failed: Activity function 'fragile' failed: {2}part is broken/,
    );
    expect(await run('mending')).toEqual(done(true));
    expect((await post(`/api/manage/rewind/${whole.id}`)).status).toBe(202);
    expect(await until(whole, ({ runtimeStatus }) => runtimeStatus === 'Completed')).toMatchObject({
      output: [1, 'part works'],
    });
  });
});
