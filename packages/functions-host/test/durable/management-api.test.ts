import type { OrchestrationContext } from 'durable-functions';
import { createVirtualClock, type VirtualClock } from '../../src/clock-virtual';
import { createDurableExtension } from '../../src/durable/durable-extension';
import type { DurableExtension, WebhookResponse } from '../../src/durable/ports';
import { createMemoryStore } from '../../src/store/memory';
import { toDurableFunctions, type Orchestrator, type TestApp } from '../support/durable-app';
import { createFailingStore, type FailingStore } from '../support/failing-store';
import { START } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;
type Json = Record<string, unknown>;

const app: TestApp = {
  activities: {
    hop: (input) => `hop:${input as string}`,
    fail: () => {
      throw new Error('on purpose');
    },
  },
  orchestrators: {
    *full({ df }: OrchestrationContext): Yields {
      const out: unknown[] = [];
      for (const n of [1, 2, 3]) out.push(yield df.callActivity('hop', n));
      yield df.createTimer(new Date(df.currentUtcDateTime.getTime() + 1000));
      df.setCustomStatus({ stage: 'waiting' });
      const ev: unknown = yield df.waitForExternalEvent('Approval');
      return { inp: df.getInput(), out, ev };
    },
    *waiter({ df }: OrchestrationContext): Yields {
      return yield df.waitForExternalEvent('Go');
    },
    *failing({ df }: OrchestrationContext): Yields {
      return yield df.callActivity('fail', 'x');
    },
    *parent({ df }: OrchestrationContext): Yields {
      return yield df.callSubOrchestrator('simple', { n: 1 });
    },
    *versions({ df }: OrchestrationContext): Yields {
      if (typeof df.parentInstanceId === 'string') return df.version;
      const mine: unknown = df.version;
      return [mine, yield df.callSubOrchestrator('versions'), yield df.callSubOrchestrator('versions', null, '', '7')];
    },
    *simple({ df }: OrchestrationContext): Yields {
      return yield df.callActivity('hop', 'a');
    },
  },
};

const ORIGIN = 'http://localhost:7071';
const ROOT = `${ORIGIN}/runtime/webhooks/durabletask`;
const HUB = 'taskHub=Hub&connection=Storage';

describe('the management API', () => {
  let extension: DurableExtension;
  let clock: VirtualClock;
  let store: FailingStore;

  /** Enough turns of the event loop for these orchestrations to come to their next wait, on a store in memory. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  beforeEach(() => open());

  async function open(settings: Readonly<Record<string, unknown>> = {}): Promise<void> {
    clock = createVirtualClock(START, settle);
    store = createFailingStore(createMemoryStore());
    extension = createDurableExtension({
      store,
      clock,
      log: { isEnabled: () => false, log: () => undefined },
      functions: toDurableFunctions(app),
      settings,
      hubName: 'Hub',
      baseUrl: 'http://127.0.0.1:7071',
      verifyReplay: 'all',
    });
    await extension.start();
  }
  afterEach(() => extension.stop(0));

  interface Sent {
    readonly body?: string;
    readonly type?: string;
    readonly token?: string;
  }

  async function call(method: string, target: string, sent: Sent = {}): Promise<WebhookResponse & { json: Json }> {
    const [path = '', query = ''] = target.split('?');
    const headers: Record<string, string> = {};
    const type = sent.type ?? (sent.body === undefined ? undefined : 'application/json');
    if (type !== undefined) headers['content-type'] = type;
    if (sent.token !== undefined) headers['x-ms-continuation-token'] = sent.token;
    const answer = await extension.handleHttp({
      method,
      path,
      query: new URLSearchParams(query),
      headers,
      body: Buffer.from(sent.body ?? ''),
      origin: ORIGIN,
    });
    if (method === 'POST') await settle();
    return { ...answer, json: answer.body === '' ? {} : (JSON.parse(answer.body) as Json) };
  }

  const start = (name: string, id: string, input: unknown = { n: 1 }): Promise<WebhookResponse> =>
    call('POST', `orchestrators/${name}/${id}?${HUB}`, { body: JSON.stringify(input) });

  it('answers a start with links, a location and when to look', async () => {
    const answer = await call('POST', `orchestrators/waiter/my-id?${HUB}`, { body: '{"n":1}' });
    expect(answer.status).toBe(202);
    expect(answer.headers).toEqual({
      'content-type': 'application/json; charset=utf-8',
      location: `${ROOT}/instances/my-id?${HUB}`,
      'retry-after': '10',
    });
    expect(Object.entries(answer.json)).toEqual([
      ['id', 'my-id'],
      ['statusQueryGetUri', `${ROOT}/instances/my-id?${HUB}`],
      ['sendEventPostUri', `${ROOT}/instances/my-id/raiseEvent/{eventName}?${HUB}`],
      ['terminatePostUri', `${ROOT}/instances/my-id/terminate?reason={text}&${HUB}`],
      ['purgeHistoryDeleteUri', `${ROOT}/instances/my-id?${HUB}`],
      ['restartPostUri', `${ROOT}/instances/my-id/restart?${HUB}`],
      ['suspendPostUri', `${ROOT}/instances/my-id/suspend?reason={text}&${HUB}`],
      ['resumePostUri', `${ROOT}/instances/my-id/resume?reason={text}&${HUB}`],
    ]);
  });

  it('makes an id of 32 hexadecimal digits for a start without one', async () => {
    expect((await call('POST', `orchestrators/waiter?${HUB}`, { body: '1' })).json['id']).toMatch(/^[0-9a-f]{32}$/);
  });

  it('refuses to start a running id, and starts a finished one anew', async () => {
    await start('waiter', 'w');
    const again = await call('POST', `orchestrators/waiter/w?${HUB}`, { body: '{}' });
    expect([again.status, again.json]).toEqual([
      409,
      { Message: 'An Orchestration instance with the status Running already exists.' },
    ]);
    await call('POST', 'instances/w/terminate');
    expect((await start('waiter', 'w')).status).toBe(202);
    expect((await call('GET', 'instances/w')).json['runtimeStatus']).toBe('Running');
  });

  it('replaces a running instance when host.json lets starts override any state', async () => {
    await extension.stop(0);
    await open({ overridableExistingInstanceStates: 'AnyState' });
    await start('waiter', 'w', 'first');
    await call('POST', 'instances/w/suspend');
    expect((await start('waiter', 'w', 'second')).status).toBe(202);
    expect((await call('GET', 'instances/w')).json).toMatchObject({ runtimeStatus: 'Running', input: 'second' });
    await call('POST', 'instances/w/restart?restartWithNewInstanceId=false');
    expect((await call('GET', 'instances/w')).json).toMatchObject({ runtimeStatus: 'Running', input: 'second' });
  });

  it('gives the default version of host.json to starts and sub-orchestrations that name none', async () => {
    await extension.stop(0);
    await open({ defaultVersion: '2.1' });
    const version = async (query: string): Promise<unknown> => {
      const { body } = await call('POST', `orchestrators/versions?timeout=5&${query}`, { body: 'null' });
      return JSON.parse(body);
    };
    expect(await version('')).toEqual(['2.1', '2.1', '7']);
    expect(await version('version=1.0')).toEqual(['1.0', '2.1', '7']);
  });

  it('takes the start of an unknown function, which then fails', async () => {
    expect((await start('nosuch', 'n')).status).toBe(202);
    expect((await call('GET', 'instances/n')).json).toMatchObject({
      name: 'nosuch',
      runtimeStatus: 'Failed',
      input: { n: 1 },
      output: expect.stringContaining("known orchestrator functions: 'full', 'waiter'") as string,
    });
  });

  it.each([
    ['JSON that is none', `orchestrators/simple?${HUB}`, '{bad', 'Invalid JSON content'],
    ['an id with a slash', `orchestrators/simple/a%2Fb?${HUB}`, '1', 'Expected an instance id without'],
    ['an id of an entity', `orchestrators/simple/@a?${HUB}`, '1', "does not begin with '@'"],
    ['an id that is too long', `orchestrators/simple/${'x'.repeat(257)}`, '1', 'at most 256 characters, got 257'],
    ['an id with a control character', 'orchestrators/simple/a%00b', '1', 'without control characters'],
    ['a name with a control character', 'orchestrators/simple%01', '1', 'a function name without control characters'],
  ])('refuses a start with %s', async (_what, target, body, message) => {
    const answer = await call('POST', target, { body });
    expect(answer.status).toBe(400);
    expect(answer.json['Message']).toContain(message);
  });

  it('can wait for the result of a start', async () => {
    const answer = await call('POST', `orchestrators/simple?timeout=20&pollingInterval=1&${HUB}`, { body: '{}' });
    expect([answer.status, answer.body]).toEqual([200, '"hop:a"']);
    const failed = await call('POST', `orchestrators/failing?timeout=20&${HUB}`, { body: '{}' });
    expect([failed.status, failed.json['runtimeStatus']]).toEqual([200, 'Failed']);
    const waiting = call('POST', `orchestrators/waiter/slow?timeout=20&${HUB}`, { body: '{}' });
    await clock.advance(20_000);
    expect([(await waiting).status, (await waiting).headers['retry-after']]).toEqual([202, '10']);
  });

  it('shows the status of an instance from start to end', async () => {
    await start('full', 'f', { order: 1, text: 'hi' });
    await clock.advance(1000);
    const running = await call('GET', `instances/f?${HUB}`);
    expect([running.status, running.headers['location'], running.headers['retry-after']]).toEqual([
      202,
      `${ROOT}/instances/f?${HUB}`,
      '5',
    ]);
    expect(running.body).toBe(
      '{"name":"full","instanceId":"f","runtimeStatus":"Running","input":{"order":1,"text":"hi"},' +
        '"customStatus":{"stage":"waiting"},"output":null,"createdTime":"2026-01-01T00:00:00.000Z","lastUpdatedTime":"2026-01-01T00:00:01.000Z"}',
    );
    expect((await call('GET', 'instances/f?showInput=false')).json['input']).toBeNull();
    expect((await call('POST', 'instances/f/raiseEvent/Approval', { body: '{"approved":true}' })).status).toBe(202);
    const done = await call('GET', `instances/f?${HUB}`);
    expect([done.status, done.headers['location']]).toEqual([200, undefined]);
    expect(done.json).toMatchObject({
      runtimeStatus: 'Completed',
      output: { inp: { order: 1, text: 'hi' }, out: ['hop:1', 'hop:2', 'hop:3'], ev: { approved: true } },
    });
  });

  it('shows the history as the real host lists it', async () => {
    await start('full', 'f', 'in');
    await call('POST', 'instances/f/raiseEvent/Unexpected', { body: '{"x":1}' });
    await clock.advance(1000);
    await call('POST', 'instances/f/suspend?reason=pause%20it');
    await call('POST', 'instances/f/resume?reason=go');
    await call('POST', 'instances/f/raiseEvent/Approval', { body: 'true' });
    const at0 = '2026-01-01T00:00:00.000Z';
    const at1 = '2026-01-01T00:00:01.000Z';
    const hop = (nth: number) => ({
      EventType: 'TaskCompleted',
      Timestamp: at0,
      ScheduledTime: `2026-01-01T00:00:00.000000${nth}+00:00`,
      FunctionName: 'hop',
      Input: null,
    });
    const { json } = await call('GET', 'instances/f?showHistory=true');
    expect(json['historyEvents']).toEqual([
      {
        EventType: 'ExecutionStarted',
        Input: '"in"',
        Correlation: null,
        ParentTraceContext: null,
        ScheduledStartTime: null,
        Generation: 0,
        GenerateNewTrace: false,
        Timestamp: at0,
        FunctionName: 'full',
      },
      hop(1),
      hop(2),
      hop(3),
      { EventType: 'TimerCreated', FireAt: at1, Timestamp: '2026-01-01T00:00:00.0000004Z' },
      { EventType: 'EventRaised', Name: 'Unexpected', Input: '{"x":1}', ParentTraceContext: null, Timestamp: at0 },
      { EventType: 'TimerFired', FireAt: at1, Timestamp: at1 },
      { EventType: 'ExecutionSuspended', Reason: 'pause it', Timestamp: at1 },
      { EventType: 'ExecutionResumed', Reason: 'go', Timestamp: at1 },
      { EventType: 'EventRaised', Name: 'Approval', Input: 'true', ParentTraceContext: null, Timestamp: at1 },
      { EventType: 'ExecutionCompleted', OrchestrationStatus: 'Completed', FailureDetails: null, Timestamp: at1 },
    ]);
    const withOutput = await call('GET', 'instances/f?showHistory=true&showHistoryOutput=true');
    const events = withOutput.json['historyEvents'] as Json[];
    expect(events[1]?.['Result']).toBe('hop:1');
    expect(events.at(-1)?.['Result']).toEqual({ inp: 'in', out: ['hop:1', 'hop:2', 'hop:3'], ev: true });
  });

  it('shows sub-orchestrations, failures and terminations in histories', async () => {
    await start('parent', 'p');
    await start('failing', 'b');
    await start('waiter', 'w');
    await call('POST', 'instances/w/terminate?reason=because');
    const types = async (id: string): Promise<unknown[]> => {
      const { json } = await call('GET', `instances/${id}?showHistory=true&showHistoryOutput=true`);
      return (json['historyEvents'] as Json[]).map((event) => event['EventType']);
    };
    expect(await types('p')).toEqual(['ExecutionStarted', 'SubOrchestrationInstanceCompleted', 'ExecutionCompleted']);
    expect(await types('b')).toEqual(['ExecutionStarted', 'TaskFailed', 'ExecutionCompleted']);
    expect(await types('w')).toEqual(['ExecutionStarted', 'ExecutionTerminated', 'ExecutionCompleted']);
    expect((await call('GET', 'instances/w')).json['output']).toBe('because');
  });

  it('answers a failed instance with 500 when asked to', async () => {
    await start('failing', 'b');
    expect((await call('GET', 'instances/b')).status).toBe(200);
    expect((await call('GET', 'instances/b?returnInternalServerErrorOnFailure=true')).status).toBe(500);
  });

  it('takes events as JSON only', async () => {
    await start('waiter', 'w');
    const refuse = async (sent: Sent): Promise<unknown> => {
      const { status, json } = await call('POST', 'instances/w/raiseEvent/Go', sent);
      return [status, json['Message']];
    };
    const onlyJson = [400, 'Only application/json request content is supported'];
    expect(await refuse({ body: 'not json', type: 'text/plain' })).toEqual(onlyJson);
    expect(await refuse({})).toEqual(onlyJson);
    expect(await refuse({ body: '{bad' })).toEqual([400, 'Invalid JSON content']);
    expect(await refuse({ type: 'application/json' })).toEqual([400, 'Invalid JSON content']);
    expect((await call('GET', 'instances/w')).json['runtimeStatus']).toBe('Running');
    const taken = await call('POST', 'instances/w/raiseEvent/Go', {
      body: '"ä"',
      type: 'application/json; charset=utf-8',
    });
    expect([taken.status, taken.body]).toEqual([202, '']);
    expect((await call('GET', 'instances/w')).json['output']).toBe('ä');
  });

  it.each(['raiseEvent/Go', 'terminate', 'suspend', 'resume'])(
    'answers %s by the state of the instance',
    async (operation) => {
      const status = async (id: string): Promise<number> =>
        (await call('POST', `instances/${id}/${operation}?reason=x`, { body: '{}' })).status;
      await start('waiter', 'w');
      await start('simple', 'done');
      if (operation === 'resume') await call('POST', 'instances/w/suspend');
      expect([await status('w'), await status('done'), await status('nosuch')]).toEqual([202, 410, 404]);
    },
  );

  it('refuses to suspend what is suspended and to resume what runs', async () => {
    await start('waiter', 'w');
    const resumed = await call('POST', 'instances/w/resume?reason=x');
    expect([resumed.status, resumed.json['ExceptionMessage']]).toEqual([
      500,
      'Cannot resume the orchestration instance w because instance is in the Running state.',
    ]);
    await call('POST', 'instances/w/suspend?reason=x');
    expect((await call('GET', 'instances/w')).json).toMatchObject({ runtimeStatus: 'Suspended', output: 'x' });
    const suspended = await call('POST', 'instances/w/suspend?reason=x');
    expect([suspended.status, suspended.json['ExceptionMessage']]).toEqual([
      500,
      'Cannot suspend the orchestration instance w because instance is in the Suspended state.',
    ]);
  });

  it('says which instances can be rewound', async () => {
    await start('waiter', 'w');
    await start('failing', 'b');
    const running = await call('POST', 'instances/w/rewind?reason=r');
    expect([running.status, JSON.parse(running.body)]).toEqual([
      412,
      'This orchestration has status Running, but only orchestrations in the "Failed" state can be rewound.',
    ]);
    const unknown = await call('POST', 'instances/nosuch/rewind');
    expect([unknown.status, JSON.parse(unknown.body)]).toEqual([
      404,
      'No orchestration with instance ID "$nosuch" found.',
    ]);
    expect(await call('POST', 'instances/b/rewind')).toMatchObject({ status: 202, body: '' });
  });

  it('shows in the history what was rewound, and why', async () => {
    await start('failing', 'b');
    await call('POST', 'instances/b/rewind?reason=retry');
    const { json } = await call('GET', 'instances/b?showHistory=true');
    expect(json['runtimeStatus']).toBe('Failed');
    const shown = (json['historyEvents'] as Json[]).map(({ EventType, Data }) => [EventType, Data]);
    expect(shown).toEqual([
      ['ExecutionStarted', undefined],
      ['GenericEvent', null],
      ['GenericEvent', null],
      ['GenericEvent', null],
      ['GenericEvent', 'retry'],
      ['TaskFailed', undefined],
      ['ExecutionCompleted', undefined],
    ]);
  });

  it('restarts an instance under a new id or its own', async () => {
    await start('simple', 's', { n: 7 });
    const fresh = await call('POST', `instances/s/restart?${HUB}`);
    expect([fresh.status, fresh.headers['retry-after']]).toEqual([202, '10']);
    const id = fresh.json['id'] as string;
    expect(id).not.toBe('s');
    expect((await call('GET', `instances/${id}`)).json['input']).toEqual({ n: 7 });
    const same = await call('POST', `instances/s/restart?restartWithNewInstanceId=false&${HUB}`);
    expect([same.status, same.json['id']]).toEqual([202, 's']);
    const waited = await call('POST', `instances/s/restart?timeout=20&pollingInterval=1&${HUB}`);
    expect([waited.status, waited.body]).toEqual([200, '"hop:a"']);
    await start('waiter', 'w');
    const busy = await call('POST', `instances/w/restart?restartWithNewInstanceId=false&${HUB}`);
    expect([busy.status, busy.json]).toEqual([
      409,
      {
        Message: 'A non-terminal instance with this instance ID already exists.',
        ExceptionMessage: 'An Orchestration instance with the status Running already exists.',
        ExceptionType: 'DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException',
        StackTrace: '',
      },
    ]);
    const unknown = await call('POST', 'instances/nosuch/restart');
    expect([unknown.status, unknown.json['Message']]).toEqual([
      400,
      'InstanceId does not match a valid orchestration instance.',
    ]);
  });

  it('lists instances in pages, filtered', async () => {
    for (const id of ['c', 'a', 'b', 'my-1']) await start('waiter', id);
    await start('simple', 'done');
    const ids = async (query: string, token?: string): Promise<{ ids: unknown[]; token: string | undefined }> => {
      const answer = await call('GET', `instances?${query}`, token === undefined ? {} : { token });
      const page = JSON.parse(answer.body) as Json[];
      return { ids: page.map((row) => row['instanceId']), token: answer.headers['x-ms-continuation-token'] };
    };
    const first = await ids(`top=2&${HUB}`);
    expect(first.ids).toEqual(['a', 'b']);
    const second = await ids('top=2', first.token);
    expect(second.ids).toEqual(['c', 'done']);
    expect(await ids('top=2', second.token)).toEqual({ ids: ['my-1'], token: undefined });
    expect((await ids('instanceIdPrefix=my')).ids).toEqual(['my-1']);
    expect((await ids('runtimeStatus=Completed,Failed')).ids).toEqual(['done']);
    expect((await ids('runtimeStatus=Canceled&runtimeStatus=Completed')).ids).toEqual(['done']);
    expect((await ids('runtimeStatus=Canceled')).ids).toEqual([]);
    expect((await ids('runtimeStatus=Nope')).ids).toHaveLength(5);
    expect((await ids('createdTimeFrom=2000-01-01T00:00:00Z&createdTimeTo=2001-01-01T00:00:00Z')).ids).toEqual([]);
    expect((await ids('createdTimeFrom=nonsense')).ids).toHaveLength(5);
    const withoutInput = JSON.parse((await call('GET', 'instances/?showInput=false&top=1')).body) as Json[];
    expect(withoutInput[0]?.['input']).toBeNull();
  });

  it('purges one or many, finished ones only', async () => {
    await start('waiter', 'w');
    for (const id of ['a', 'b']) await start('simple', id);
    const one = await call('DELETE', `instances/a?${HUB}`);
    expect([one.status, one.json]).toEqual([200, { instancesDeleted: 1 }]);
    expect((await call('GET', 'instances/a')).status).toBe(404);
    expect((await call('DELETE', 'instances/a')).status).toBe(404);
    const running = await call('DELETE', 'instances/w');
    expect([running.status, JSON.parse(running.body)]).toEqual([
      412,
      'Only orchestrations in a terminal state can be purged, but the orchestration with instance ID w has status Running',
    ]);
    const unfiltered = await call('DELETE', `instances?${HUB}`);
    expect([unfiltered.status, JSON.parse(unfiltered.body)]).toEqual([
      400,
      "Please provide value for 'createdTimeFrom' parameter.",
    ]);
    const many = await call('DELETE', 'instances?createdTimeFrom=2020-01-01T00:00:00Z&runtimeStatus=Completed');
    expect([many.status, many.json]).toEqual([200, { instancesDeleted: 1 }]);
    expect((await call('DELETE', 'instances?createdTimeFrom=2020-01-01T00:00:00Z')).status).toBe(404);
  });

  it.each([
    ['GET', 'instances/nosuch', 404],
    ['DELETE', 'instances/nosuch', 404],
    ['POST', 'instances/nosuch/nosuchop', 404],
    ['PUT', 'instances/nosuch', 404],
    ['GET', 'instances/nosuch?taskHub=OtherHub', 404],
    ['POST', 'instances/nosuch/terminate?TaskHub=OtherHub', 404],
    ['POST', 'orchestrators/simple?taskHub=%20&connection=', 202],
    ['POST', 'orchestrators/simple?taskhub=HUB', 202],
    ['GET', 'instances/nosuch?connection=NoSuchConn', 500],
    ['GET', '', 404],
    ['GET', 'nosuch', 404],
    ['GET', 'orchestrators/simple', 404],
    ['GET', 'instances/%E0%A4%A', 404],
    ['GET', 'entities/Counter/c1', 404],
  ])('answers %s %s with %i', async (method, target, status) => {
    expect((await call(method, target)).status).toBe(status);
  });

  it('refuses what was passed on to another host that listened here before', async () => {
    const answer = await call('POST', 'sealed', {
      body: 'what nobody here can open, longer than its salt and its tag',
    });
    expect([answer.status, answer.body]).toEqual([421, '']);
  });

  it('says clearly that the store can not be reached', async () => {
    await start('waiter', 'w');
    store.isAway = true;
    const answer = await call('GET', 'instances/w');
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '5']);
    expect(answer.json['Message']).toBe("The task hub can't be used right now: the store is away");
  });
});
