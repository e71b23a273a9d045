import { type HostProcess, startHostProcess, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

/** Calls any method of the app's own durable client with arguments that came as JSON; texts that are times become dates. */
const app = `
const { app } = require('@azure/functions');
const df = require('durable-functions');
const isTime = /^\\d{4}-\\d\\d-\\d\\dT/;
const revive = (key, value) => (typeof value === 'string' && isTime.test(value) ? new Date(value) : value);
app.http('client', { route: 'client/{method}', methods: ['POST'], authLevel: 'anonymous', extraInputs: [df.input.durableClient()],
  handler: async (request, context) => {
    const client = df.getClient(context);
    if (request.params.method === 'names') return { jsonBody: { result: Object.getOwnPropertyNames(Object.getPrototypeOf(client)) } };
    const { args, takesRequest } = JSON.parse(await request.text(), revive);
    try {
      const result = await client[request.params.method](...(takesRequest ? [request, ...args] : args));
      return takesRequest ? result : { jsonBody: { result } };
    } catch (error) {
      return { jsonBody: { error: error.message } };
    }
  } });
df.app.orchestration('waiter', function* (ctx) { return yield ctx.df.waitForExternalEvent('go'); });
df.app.orchestration('echo', function* (ctx) { return { input: ctx.df.getInput() ?? 'none', version: ctx.df.version || 'none' }; });
let isBroken = true;
df.app.activity('breaks', { handler: () => { if (isBroken) { isBroken = false; throw new Error('broken'); } return 'mended'; } });
df.app.orchestration('breaking', function* (ctx) { return yield ctx.df.callActivity('breaks'); });
df.app.entity('Counter', (ctx) => {
  const n = ctx.df.getState(() => 0);
  if (ctx.df.operationName === 'add') ctx.df.setState(n + ctx.df.getInput());
  if (ctx.df.operationName === 'reset') ctx.df.setState(0);
});
`;

interface Status {
  readonly instanceId: string;
  readonly runtimeStatus: string;
  readonly output: unknown;
  readonly input: unknown;
}

describe.each([
  ['by its own way to the task hub', false],
  ['by the links with their key', true],
])("a durable client's methods, %s,", (_how, auth) => {
  let host: HostProcess;
  const used = new Set<string>();

  beforeAll(async () => {
    host = await startHostProcess(await writeApp({ 'index.js': app }), { auth });
  });
  afterAll(stopHosts);

  const ask = (method: string, args: readonly unknown[], takesRequest = false): Promise<Response> => {
    used.add(method);
    return fetch(`${host.url}/api/client/${method}`, {
      method: 'POST',
      body: JSON.stringify({ args, takesRequest }),
    });
  };
  const call = async <Result = unknown>(method: string, ...args: unknown[]): Promise<Result> => {
    const { result, error } = (await (await ask(method, args)).json()) as { result: Result; error?: string };
    if (error !== undefined) throw new Error(error);
    return result;
  };
  const statusOf = (id: string, options?: object): Promise<Status> => call<Status>('getStatus', id, options);
  const until = async (id: string, status: string): Promise<Status> => {
    for (;;) {
      const found = await statusOf(id);
      if (found.runtimeStatus === status) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  it('start instances, with an id, an input and a version or without', async () => {
    const id = await call<string>('startNew', 'echo');
    expect(await until(id, 'Completed')).toMatchObject({ input: '', output: { version: 'none' } });
    const full = await call<string>('startNew', 'echo', { instanceId: 'my id', input: { n: [1, 'ä'] }, version: '2' });
    expect(full).toBe('my id');
    expect(await until(full, 'Completed')).toMatchObject({ output: { input: { n: [1, 'ä'] }, version: '2' } });
    await call('startNew', 'waiter', { instanceId: 'taken' });
    await until('taken', 'Running');
    await expect(call('startNew', 'waiter', { instanceId: 'taken' })).rejects.toThrow('unexpected status code: 409');
  });

  it('tell the status of an instance, also when asked for a history that they do not look for where it is', async () => {
    await call('startNew', 'waiter', { instanceId: 'seen', input: 1 });
    await until('seen', 'Running');
    expect(await statusOf('seen', { showHistory: true, showHistoryOutput: true, showInput: true })).toMatchObject({
      input: 1,
      output: null,
    });
    await expect(statusOf('nobody')).rejects.toThrow('HTTP 404');
  });

  it('raise events, also to instances that have ended', async () => {
    await call('startNew', 'waiter', { instanceId: 'raised' });
    await call('raiseEvent', 'raised', 'go', { by: 'me' });
    expect((await until('raised', 'Completed')).output).toEqual({ by: 'me' });
    await call('raiseEvent', 'raised', 'go', 1);
    await expect(call('raiseEvent', 'nobody', 'go', 1)).rejects.toThrow("No instance with ID 'nobody' found.");
  });

  it('suspend, resume and terminate', async () => {
    await call('startNew', 'waiter', { instanceId: 'paused' });
    await until('paused', 'Running');
    await call('suspend', 'paused', 'some reason');
    expect((await until('paused', 'Suspended')).output).toBe('some reason');
    await call('resume', 'paused', 'go on');
    await until('paused', 'Running');
    await call('terminate', 'paused', 'enough');
    expect((await until('paused', 'Terminated')).output).toBe('enough');
    await expect(call('terminate', 'nobody', 'x')).rejects.toThrow("No instance with ID 'nobody' found.");
  });

  it('rewind what failed, and say why they do not rewind what did not', async () => {
    await call('startNew', 'breaking', { instanceId: 'broken' });
    await until('broken', 'Failed');
    await call('rewind', 'broken', 'mended');
    expect((await until('broken', 'Completed')).output).toBe('mended');
    await expect(call('rewind', 'broken', 'again')).rejects.toThrow('This orchestration has status Completed');
    await expect(call('rewind', 'nobody', 'x')).rejects.toThrow('No orchestration with instance ID "$nobody" found.');
  });

  it('list all instances over all pages, and those of a time and a status', async () => {
    const before = new Date().toISOString();
    await Promise.all(Array.from({ length: 120 }, (_, n) => call('startNew', 'echo', { instanceId: `many-${n}` })));
    const list = await call<Status[]>('getStatusAll');
    const ids = list.map(({ instanceId }) => instanceId);
    expect(ids.filter((id) => id.startsWith('many-'))).toHaveLength(120);
    expect(new Set(ids).size).toBe(ids.length);
    const filter = {
      createdTimeFrom: before,
      createdTimeTo: '2999-01-01T00:00:00Z',
      runtimeStatus: ['Completed', 'Failed'],
    };
    await until('many-119', 'Completed');
    const some = await call<Status[]>('getStatusBy', filter);
    expect(some.every(({ instanceId }) => instanceId.startsWith('many-'))).toBe(true);
    expect(await call('getStatusBy', { runtimeStatus: ['Canceled'] })).toEqual([]);
  });

  it('purge one instance, or many of them', async () => {
    await call('startNew', 'echo', { instanceId: 'old' });
    await until('old', 'Completed');
    expect(await call('purgeInstanceHistory', 'old')).toEqual({ instancesDeleted: 1 });
    expect(await call('purgeInstanceHistory', 'old')).toEqual({ instancesDeleted: 0 });
    await expect(call('purgeInstanceHistory', 'taken')).rejects.toThrow('412');
    await call('startNew', 'echo', { instanceId: 'old' });
    await until('old', 'Completed');
    const filter = { createdTimeFrom: '2020-01-01T00:00:00Z', runtimeStatus: ['Completed'] };
    const { instancesDeleted } = await call<{ instancesDeleted: number }>('purgeInstanceHistoryBy', filter);
    expect(instancesDeleted).toBeGreaterThan(1);
    await expect(statusOf('old')).rejects.toThrow('HTTP 404');
    expect(await call('purgeInstanceHistoryBy', filter)).toEqual({ instancesDeleted: 0 });
  });

  it('make answers that tell where an instance is managed', async () => {
    await call('startNew', 'waiter', { instanceId: 'managed' });
    const links = await call<Record<string, string>>('createHttpManagementPayload', 'managed');
    expect(links['id']).toBe('managed');
    expect((await fetch(links['statusQueryGetUri'] ?? '')).status).toBe(202);
    const answer = await ask('createCheckStatusResponse', ['managed'], true);
    expect(answer.status).toBe(202);
    expect(await answer.json()).toEqual(links);
    const raise = (links['sendEventPostUri'] ?? '').replace('{eventName}', 'go');
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(raise, { method: 'POST', body: '"gone"', headers })).status).toBe(202);
    const waited = await ask(
      'waitForCompletionOrCreateCheckStatusResponse',
      ['managed', { timeoutInMilliseconds: 20_000, retryIntervalInMilliseconds: 10 }],
      true,
    );
    expect([waited.status, await waited.json()]).toEqual([200, 'gone']);
  });

  it('give up waiting with the links', async () => {
    await call('startNew', 'waiter', { instanceId: 'slow' });
    const options = { timeoutInMilliseconds: 20, retryIntervalInMilliseconds: 10 };
    const answer = await ask('waitForCompletionOrCreateCheckStatusResponse', ['slow', options], true);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([202, '10']);
  });

  it('signal entities and read their state', async () => {
    const id = { name: 'Counter', key: 'c1' };
    await call('signalEntity', id, 'add', 0);
    expect(await call('readEntityState', { name: 'Counter', key: 'c2' })).toEqual({ entityExists: false });
    await call('signalEntity', id, 'reset');
    await call('signalEntity', id, 'add', 5);
    for (;;) {
      const state = await call<{ entityExists: boolean; entityState?: number }>('readEntityState', id);
      if (state.entityState === 5) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await expect(call('signalEntity', { name: 'Nobody', key: 'c1' }, 'add', 5)).rejects.toThrow('400');
  });

  it('are all tried here', async () => {
    const internal =
      /^constructor$|Internal$|^extract|^has|^createGenericError$|^createHttpResponse$|^getClientResponseLinks$|^getDistributed/;
    const tried = [...used].sort();
    const all = (await call<string[]>('names')).filter((name) => !internal.test(name));
    expect(tried).toEqual(all.sort());
  });
});
