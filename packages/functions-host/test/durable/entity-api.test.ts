import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { EntityId, type EntityContext, type OrchestrationContext } from 'durable-functions';
import { createVirtualClock, type VirtualClock } from '../../src/clock-virtual';
import { createDurableExtension } from '../../src/durable/durable-extension';
import type { DurableExtension, WebhookResponse } from '../../src/durable/ports';
import { createMemoryStore } from '../../src/store/memory';
import { toDurableFunctions, type Orchestrator, type TestApp } from '../support/durable-app';
import { START } from '../support/test-engine';

/** The entity and the orchestrator of the app whose answers by the real host are recorded. */
const app: TestApp = {
  entities: {
    Counter({ df }: EntityContext<unknown>): void {
      const state = df.getState(() => 0) as number;
      if (df.operationName === 'add') df.setState(state + Number(df.getInput()));
      else if (df.operationName === 'get') df.return(state);
      else if (df.operationName === 'keep') df.setState(df.getInput());
      else df.destructOnExit();
    },
  },
  orchestrators: {
    *callsEntity({ df }: OrchestrationContext): ReturnType<Orchestrator> {
      yield df.callEntity(new EntityId('Counter', 'fromOrch'), 'add', 2);
      return yield df.callEntity(new EntityId('Counter', 'fromOrch'), 'get');
    },
    *holds({ df }: OrchestrationContext): ReturnType<Orchestrator> {
      yield df.lock(new EntityId('Counter', 'held'));
      return yield df.waitForExternalEvent('go');
    },
  },
};

const HUB = 'taskHub=TruthHub&connection=Storage';
const recordings = path.resolve(__dirname, '../../../../../shared/reference/functions-host');
const hasRecordings = existsSync(recordings);

describe('the management API of entities', () => {
  let extension: DurableExtension;
  let clock: VirtualClock;

  const settle = async (): Promise<void> => {
    for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  beforeEach(async () => {
    clock = createVirtualClock(START, settle);
    extension = createDurableExtension({
      store: createMemoryStore(),
      clock,
      log: { isEnabled: () => false, log: () => undefined },
      functions: toDurableFunctions(app),
      settings: {},
      hubName: 'TruthHub',
      baseUrl: 'http://127.0.0.1:7071',
      verifyReplay: 'all',
    });
    await extension.start();
  });
  afterEach(() => extension.stop(0));

  async function call(
    method: string,
    target: string,
    body = '',
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ): Promise<WebhookResponse> {
    const [where = '', query = ''] = target.split('?');
    const answer = await extension.handleHttp({
      ...{ method, path: where, headers, body: Buffer.from(body), origin: 'http://localhost:7071' },
      query: new URLSearchParams(query),
    });
    await settle();
    return answer;
  }

  const signal = (key: string, op: string, body = ''): Promise<WebhookResponse> =>
    call('POST', `entities/Counter/${key}?op=${op}&${HUB}`, body);
  const state = async (key: string): Promise<unknown> => {
    const { status, body } = await call('GET', `entities/Counter/${key}?${HUB}`);
    return status === 200 ? (JSON.parse(body) as unknown) : status;
  };

  /** As it was recorded, with times made one. */
  function read(recording: string): { method: string; target: string; sent: string; status: number; body: string } {
    const text = readFileSync(path.join(recordings, recording), 'utf8').replaceAll('\r', '');
    const [request = '', answer = ''] = text.split('\nHTTP ');
    const [method = '', url = ''] = request.split(/\s/);
    const body = answer.slice(answer.indexOf('\n\n') + 2).trim();
    const sent = /^request-body: (.*)$/m.exec(request)?.[1] ?? '';
    const target = url.slice(url.indexOf('/durabletask/') + '/durabletask/'.length);
    return { method, target, sent, status: Number(answer.slice(0, 3)), body: withoutTimes(body) };
  }

  function withoutTimes(body: string): string {
    if (body === '') return '';
    const json = body.replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"TIME"');
    return JSON.stringify(JSON.parse(json, (key, value: unknown) => (key === 'sorter' ? {} : value)));
  }

  (hasRecordings ? it : it.skip).each([
    'durable-90-entity-signal.txt',
    'durable-91-entity-get.txt',
    'durable-92-entity-get-unknown.txt',
    'durable-93-entity-list.txt',
    'durable-94-entity-list-name.txt',
    'durable-95-entity-signal-unknown.txt',
    'durable-96-instances-including-entities.txt',
  ])('answers what the real host answered (%s)', async (recording) => {
    const { method, target, sent, status, body } = read(recording);
    await call('POST', `orchestrators/callsEntity/o?${HUB}`);
    if (!recording.startsWith('durable-90')) await signal('c1', 'add', '5');
    const answer = await call(method, target, sent);
    expect(answer.status).toBe(status);
    expect(withoutTimes(answer.body)).toBe(body);
  });

  it('lists what an orchestrator sent to entities and what came back in its history', async () => {
    await call('POST', `orchestrators/callsEntity/o?${HUB}`);
    const { body } = await call('GET', `instances/o?showHistory=true&showHistoryOutput=true&${HUB}`);
    const { output, historyEvents } = JSON.parse(body) as { output: number; historyEvents: Record<string, unknown>[] };
    expect(output).toBe(2);
    expect(historyEvents.map(({ EventType }) => EventType)).toEqual([
      'ExecutionStarted',
      'EventSent',
      'EventRaised',
      'EventSent',
      'EventRaised',
      'ExecutionCompleted',
    ]);
    const [, sent, raised] = historyEvents;
    expect(sent).toMatchObject({ InstanceId: '@counter@fromOrch', Name: 'op' });
    const { op, input, id, parent } = JSON.parse(sent?.['Input'] as string) as Record<string, unknown>;
    expect({ op, input, parent }).toEqual({ op: 'add', input: '2', parent: 'o' });
    expect(raised).toMatchObject({ Name: id });
    expect(JSON.parse(raised?.['Input'] as string)).toMatchObject({ result: null });
  });

  it('takes a text for what it is, JSON for a value, and refuses what is called JSON and is none', async () => {
    await call('POST', `entities/Counter/t?op=keep&${HUB}`, '5', {});
    expect(await state('t')).toBe('5');
    await signal('t', 'keep', '{"a":[1]}');
    expect(await state('t')).toEqual({ a: [1] });
    const refused = await signal('t', 'keep', '{');
    expect(refused.status).toBe(400);
    expect(refused.body).toContain('Could not parse JSON content');
  });

  it('has no entity any more once it deleted itself', async () => {
    await signal('c', 'add', '1');
    await signal('c', 'delete');
    expect(await state('c')).toBe(404);
    expect((await call('GET', `entities?${HUB}`)).body).toBe('[]');
  });

  it('takes a signal at its time', async () => {
    const at = new Date(START + 5000).toISOString();
    await call('POST', `entities/Counter/c?op=add&scheduledTime=${at}&${HUB}`, '5');
    await clock.advance(4999);
    expect(await state('c')).toBe(404);
    await clock.advance(1);
    expect(await state('c')).toBe(5);
    expect((await call('POST', `entities/Counter/c?op=add&scheduledTime=soon&${HUB}`, '5')).status).toBe(400);
  });

  it('lists in pages, by name and by time', async () => {
    for (const key of ['a', 'b', 'c']) {
      await signal(key, 'add', '1');
      await clock.advance(1000);
    }
    const first = await call('GET', `entities/counter?top=2&fetchState=true&${HUB}`);
    const token = first.headers['x-ms-continuation-token'] ?? '';
    const keys = ({ body }: WebhookResponse): string[] =>
      (JSON.parse(body) as { entityId: { key: string } }[]).map(({ entityId }) => entityId.key);
    expect(keys(first)).toEqual(['a', 'b']);
    const second = await call('GET', `entities/counter?top=2&${HUB}`, '', { 'x-ms-continuation-token': token });
    expect(keys(second)).toEqual(['c']);
    expect(second.headers).not.toHaveProperty('x-ms-continuation-token');
    const late = new Date(START + 1000).toISOString();
    expect(keys(await call('GET', `entities?lastOperationTimeFrom=${late}&${HUB}`))).toEqual(['b', 'c']);
    expect(keys(await call('GET', `entities?lastOperationTimeTo=${late}&${HUB}`))).toEqual(['a', 'b']);
    expect(keys(await call('GET', `entities/other?${HUB}`))).toEqual([]);
  });

  it('purges an entity, and refuses while it is locked', async () => {
    await signal('c', 'add', '1');
    expect((await call('DELETE', `instances/@counter@c?${HUB}`)).body).toBe('{"instancesDeleted":1}');
    expect(await state('c')).toBe(404);
    await call('POST', `orchestrators/holds/o?${HUB}`);
    const refused = await call('DELETE', `instances/@counter@held?${HUB}`);
    expect(refused.status).toBe(412);
    expect(refused.body).toContain('is locked');
    const shown = await call('GET', `instances/@counter@held?${HUB}`);
    expect(JSON.parse(shown.body)).toMatchObject({ runtimeStatus: 'Running', input: { lockedBy: 'o' } });
  });

  it('takes no message for an orchestration in the name of an entity', async () => {
    await signal('c', 'add', '1');
    expect((await call('POST', `instances/@counter@c/terminate?${HUB}`)).status).toBe(404);
    expect(await state('c')).toBe(1);
  });
});
