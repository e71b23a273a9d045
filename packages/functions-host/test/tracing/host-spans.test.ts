import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';
import { until } from '../support/until';
import { writeApp } from '../support/write-app';

const app = `
const { app } = require('@azure/functions');
const df = require('durable-functions');
app.http('echo', { route: 'echo/{id}', authLevel: 'anonymous', handler: (request, context) => ({ jsonBody: { ...context.traceContext } }) });
app.http('boom', { authLevel: 'anonymous', handler: () => { throw new Error('boom'); } });
app.timer('tick', { schedule: '0 0 0 1 1 *', runOnStartup: true, handler: () => undefined });
df.app.activity('work', { handler: (what) => what });
df.app.activity('fails', { handler: () => { throw new Error('out of paper'); } });
df.app.entity('Counter', (ctx) => ctx.df.return(1));
df.app.orchestration('child', function* (ctx) { return yield ctx.df.callActivity('work', 'of the child'); });
df.app.orchestration('saga', function* (ctx) {
  yield ctx.df.callActivity('work', 'first');
  try { yield ctx.df.callActivity('fails'); } catch {}
  yield ctx.df.callSubOrchestrator('child');
  yield ctx.df.callEntity(new df.EntityId('Counter', 'a'), 'add');
  yield ctx.df.createTimer(new Date(ctx.df.currentUtcDateTime.getTime() + 50));
  yield ctx.df.waitForExternalEvent('go');
  if (ctx.df.getInput() !== 'again') return ctx.df.continueAsNew('again');
  return 'done';
});
df.app.orchestration('failing', function* (ctx) { throw new Error('of no use'); });
`;

const traceId = '0af7651916cd43dd8448eb211c80319c';
const caller = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: 'vendor=1' };
const hostJson = '{ "version": "2.0", "telemetryMode": "OpenTelemetry" }';

describe("the host's own spans", () => {
  let receiver: OtlpReceiver;
  let server: TestPostgres;
  let host: HostProcess;
  let start: (settings?: Record<string, string>) => Promise<HostProcess>;

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    server = await startTestPostgres();
    const appDir = await writeApp({ 'index.js': app, 'host.json': hostJson });
    const dataDir = await makeFolder();
    start = (settings = {}) =>
      startHostProcess(appDir, {
        taskHub: server.url,
        dataDir,
        settings: {
          OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
          OTEL_EXPORTER_OTLP_HEADERS: 'x-key=of-the-test',
          OTEL_SERVICE_NAME: 'orders',
          OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
          OTEL_BSP_SCHEDULE_DELAY: '20',
          ...settings,
        },
      });
    host = await start();
  });
  afterAll(async () => {
    await stopHosts();
    await server.stop();
    await receiver.stop();
  });

  const hub = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`${host.url}/runtime/webhooks/durabletask/${path}`, init);
  const raise = (id: string): Promise<Response> =>
    hub(`instances/${id}/raiseEvent/go`, {
      method: 'POST',
      body: '1',
      headers: { 'content-type': 'application/json' },
    });
  const named = (name: string, id = traceId): ReceivedSpan[] =>
    receiver.spans().filter((span) => span.name === name && span.traceId === id);
  const arrived = async (name: string, id = traceId): Promise<ReceivedSpan> => {
    await until(() => named(name, id).length > 0);
    return named(name, id)[0]!;
  };

  it("tell of a request as the child of the caller's span and the parent of the function's", async () => {
    const response = await fetch(`${host.url}/api/echo/7?code=secret&a=1`, { headers: caller });
    const { traceParent } = (await response.json()) as { traceParent: string };
    const span = await arrived('GET api/echo/{id}');
    expect(traceParent).toBe(`00-${traceId}-${span.spanId}-01`);
    expect(span).toMatchObject({
      ...{ kind: 'server', parentSpanId: 'b7ad6b7169203331', traceState: 'vendor=1', error: undefined },
      attributes: {
        ...{ 'http.request.method': 'GET', 'http.route': 'api/echo/{id}', 'http.response.status_code': 200 },
        ...{ 'url.path': '/api/echo/7', 'url.query': 'code=REDACTED&a=1', 'url.scheme': 'http' },
        ...{ 'server.address': expect.stringMatching(/^(localhost|127\.0\.0\.1)$/), 'faas.name': 'echo' },
        ...{ 'faas.trigger': 'http', 'faas.invocation_id': expect.stringMatching(/^[0-9a-f-]{36}$/) },
      },
      resource: { 'service.name': 'orders', 'deployment.environment': 'test' },
    });
    expect(receiver.headers()['x-key']).toBe('of-the-test');
  });

  it('tell of a request that failed, and of one without a caller in a trace of its own', async () => {
    await fetch(`${host.url}/api/boom`, { headers: caller });
    expect(await arrived('GET api/boom')).toMatchObject({
      error: 'boom',
      attributes: { 'http.response.status_code': 500, 'error.type': '500' },
    });
    const { traceParent } = (await (await fetch(`${host.url}/api/echo/8`)).json()) as { traceParent: string };
    const [, id = '', spanId, flags] = traceParent.split('-');
    expect(flags).toBe('01');
    expect(await arrived('GET api/echo/{id}', id)).toMatchObject({ spanId, parentSpanId: '' });
  });

  it('tell of a function by its name when nothing else names its trigger', async () => {
    await until(() => receiver.spans().some(({ name }) => name === 'tick'));
    const tick = receiver.spans().find(({ name }) => name === 'tick');
    expect(tick).toMatchObject({ kind: 'server', parentSpanId: '', attributes: { 'faas.trigger': 'timerTrigger' } });
  });

  it('tell of an orchestration as one span from its start to its end, over a kill and a continue-as-new', async () => {
    await hub('orchestrators/saga/one', { method: 'POST', headers: caller });
    const created = await arrived('create_orchestration:saga');
    await arrived('orchestration:saga:timer');
    await host.kill();
    const killedAt = Date.now();
    host = await start();
    await raise('one');
    await until(() => named('orchestration:saga:timer').length === 2);
    await raise('one');
    const whole = await arrived('orchestration:saga');
    await host.stop();
    host = await start();

    expect(created).toMatchObject({ kind: 'producer', parentSpanId: 'b7ad6b7169203331' });
    expect(whole).toMatchObject({
      ...{ kind: 'server', parentSpanId: created.spanId, scope: 'DurableTask.Core', error: undefined },
      attributes: {
        ...{ 'durabletask.type': 'orchestration', 'durabletask.task.name': 'saga' },
        ...{ 'durabletask.task.instance_id': 'one', 'durabletask.task.status': 'Completed' },
      },
    });
    expect(named('orchestration:saga')).toHaveLength(1);
    expect(whole.startAt).toBeLessThan(killedAt);
    expect(whole.endAt).toBeGreaterThanOrEqual(killedAt);

    const below = (name: string, kind: string): ReceivedSpan[] =>
      named(name).filter((span) => span.kind === kind && span.parentSpanId === whole.spanId);
    // Twice, since the orchestration ran twice.
    for (const name of ['activity:work', 'activity:fails', 'orchestration:child', 'entity:counter:add']) {
      expect({ name, count: below(name, 'client').length }).toEqual({ name, count: 2 });
    }
    expect(below('orchestration:saga:timer', 'internal')).toHaveLength(2);
    expect(below('activity:fails', 'client')[0]?.error).toMatch(/out of paper/);

    const isBelow = (child: ReceivedSpan, parents: readonly ReceivedSpan[]): boolean =>
      parents.some(({ spanId }) => spanId === child.parentSpanId);
    const children = named('orchestration:child').filter(({ kind }) => kind === 'server');
    expect(children).toHaveLength(2);
    expect(children.every((child) => isBelow(child, below('orchestration:child', 'client')))).toBe(true);
    const ran = named('activity:work').filter(({ kind }) => kind === 'server');
    expect(ran.every((run) => isBelow(run, named('activity:work')))).toBe(true);
    expect(ran[0]?.attributes).toMatchObject({
      ...{ 'durabletask.type': 'activity', 'durabletask.task.name': 'work', 'faas.name': 'work' },
      ...{ 'durabletask.task.instance_id': 'one', 'faas.trigger': 'activityTrigger' },
    });
    const entity = named('entity:counter:add').filter(({ kind }) => kind === 'server');
    expect(entity.length).toBeGreaterThan(0);
    expect(entity.every((run) => isBelow(run, below('entity:counter:add', 'client')))).toBe(true);

    const known = new Set(receiver.spans().map(({ spanId }) => spanId)).add('b7ad6b7169203331');
    const ofTrace = receiver.spans().filter((span) => span.traceId === traceId);
    expect(ofTrace.filter(({ parentSpanId }) => !known.has(parentSpanId))).toEqual([]);
  });

  it('put an orchestration that nobody traces into a trace of its own, with what became of it', async () => {
    await hub('orchestrators/failing/two', { method: 'POST' });
    const ofTwo = (): ReceivedSpan[] =>
      receiver.spans().filter(({ attributes }) => attributes['durabletask.task.instance_id'] === 'two');
    await until(() => ofTwo().length === 2);
    const [created, failed] = ofTwo().sort((a, b) => a.name.localeCompare(b.name));
    expect(created).toMatchObject({ name: 'create_orchestration:failing', parentSpanId: '' });
    expect(failed).toMatchObject({
      ...{ name: 'orchestration:failing', traceId: created!.traceId, parentSpanId: created!.spanId },
      ...{ error: expect.stringMatching(/of no use/), attributes: { 'durabletask.task.status': 'Failed' } },
    });
  });

  it('of a raised event stand beside the orchestration', async () => {
    await until(() => receiver.spans().some(({ name }) => name === 'orchestration_event:go'));
    expect(receiver.spans().find(({ name }) => name === 'orchestration_event:go')).toMatchObject({
      kind: 'producer',
      attributes: { 'durabletask.event.target_instance_id': 'one' },
    });
  });

  it('never stand in the way: a place that refuses them is told of once, and functions go on', async () => {
    receiver.answerWith(400);
    for (let i = 0; i < 3; i++) expect((await fetch(`${host.url}/api/echo/${i}`)).status).toBe(200);
    await host.waitFor(/Spans could not be exported and are lost/);
    receiver.answerWith(200);
  });

  it.each([
    ['the SDK is disabled', { OTEL_SDK_DISABLED: 'true' }, '00'],
    ['no place for them is set', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, '00'],
    ['the sampler leaves all out', { OTEL_TRACES_SAMPLER: 'always_off' }, '00'],
    ['there shall be no exporter', { OTEL_TRACES_EXPORTER: 'none' }, '01'],
  ])('are not told of when %s', async (_when, settings, flags) => {
    await host.stop();
    const before = receiver.spans().length;
    host = await start(settings);
    const { traceParent } = (await (await fetch(`${host.url}/api/echo/9`)).json()) as { traceParent: string };
    expect(traceParent).toMatch(new RegExp(`^00-[0-9a-f]{32}-[0-9a-f]{16}-${flags}$`));
    await host.stop();
    expect(receiver.spans().length).toBe(before);
    host = await start();
  });
});
