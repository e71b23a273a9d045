import { existsSync, readFileSync } from 'node:fs';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';
import { until } from '../support/until';
import { writeApp } from '../support/write-app';

/** Everything that is invoked notes the trace context that it was given. */
const app = `
const { appendFileSync } = require('node:fs');
const { app } = require('@azure/functions');
const df = require('durable-functions');
const note = (who, context) =>
  appendFileSync(process.env.SEEN, JSON.stringify({ who, ...context.traceContext }) + '\\n');
app.http('echo', { authLevel: 'anonymous', handler: (request, context) => ({ jsonBody: { ...context.traceContext } }) });
df.app.activity('look', { handler: (who, context) => { note(who, context); return who; } });
df.app.activity('fails', { handler: (who, context) => { note(who, context); throw new Error('no'); } });
df.app.entity('Counter', (ctx) => {
  note('entity ' + ctx.df.operationName, ctx);
  if (ctx.df.operationName === 'first') ctx.df.signalEntity(new df.EntityId('Counter', 'b'), 'second');
  ctx.df.return(1);
});
df.app.orchestration('child', function* (ctx) { yield ctx.df.callActivity('look', 'of the child'); });
df.app.orchestration('saga', function* (ctx) {
  if (!ctx.df.isReplaying) note('orchestrator', ctx);
  yield ctx.df.callActivity('look', 'first');
  try { yield ctx.df.callActivityWithRetry('fails', new df.RetryOptions(1, 2), 'tried'); } catch {}
  yield ctx.df.callSubOrchestrator('child');
  yield ctx.df.callEntity(new df.EntityId('Counter', 'a'), 'first');
  yield ctx.df.waitForExternalEvent('go');
  yield ctx.df.callActivity('look', 'after the event');
  if (ctx.df.getInput() !== 'again') return ctx.df.continueAsNew('again');
});
`;

interface Seen {
  readonly who: string;
  readonly traceParent: string;
  readonly traceState: string;
}

const traceId = '0af7651916cd43dd8448eb211c80319c';
const caller = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: 'vendor=1' };

describe('the trace of a caller', () => {
  let server: TestPostgres;
  let host: HostProcess;
  let seenFile: string;
  let start: () => Promise<void>;

  beforeAll(async () => {
    server = await startTestPostgres();
    const appDir = await writeApp({ 'index.js': app });
    const dataDir = await makeFolder();
    seenFile = `${dataDir}/seen.jsonl`;
    process.env['SEEN'] = seenFile;
    start = async () => {
      host = await startHostProcess(appDir, { taskHub: server.url, dataDir });
    };
    await start();
  });
  afterAll(async () => {
    delete process.env['SEEN'];
    await stopHosts();
    await server.stop();
  });

  const seen = (): Seen[] =>
    (existsSync(seenFile) ? readFileSync(seenFile, 'utf8') : '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Seen);
  const hub = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`${host.url}/runtime/webhooks/durabletask/${path}`, init);
  const raise = (id: string): Promise<Response> =>
    hub(`instances/${id}/raiseEvent/go`, {
      method: 'POST',
      body: '1',
      headers: { 'content-type': 'application/json' },
    });
  const timesSeen = (who: string): number => seen().filter((one) => one.who === who).length;

  it('reaches an HTTP function as the parent of its own span', async () => {
    const answer = (await (await fetch(`${host.url}/api/echo`, { headers: caller })).json()) as Seen;
    expect(answer.traceParent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    expect(answer.traceParent).not.toBe(caller.traceparent);
    expect(answer.traceState).toBe('vendor=1');
  });

  it('is ignored when it is invalid: the request has a trace of its own', async () => {
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331` };
    const answer = (await (await fetch(`${host.url}/api/echo`, { headers })).json()) as Seen;
    expect(answer.traceParent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(answer.traceParent).not.toContain(traceId);
  });

  it('is that of all that an orchestration does, over a crash and a continue-as-new', async () => {
    const started = await hub('orchestrators/saga/one', { method: 'POST', headers: caller });
    expect(started.status).toBe(202);
    await until(() => timesSeen('entity second') >= 1);
    await host.kill();
    await start();
    await raise('one');
    await until(() => timesSeen('entity second') >= 2);
    await host.kill();
    await start();
    await raise('one');
    await until(() => timesSeen('after the event') >= 2);

    const all = seen();
    expect(new Set(all.map(({ who }) => who))).toEqual(
      new Set([
        ...['orchestrator', 'first', 'tried', 'of the child', 'entity first', 'entity second', 'after the event'],
      ]),
    );
    for (const { traceParent, traceState } of all) {
      expect({ traceParent, traceState }).toEqual({
        traceParent: expect.stringMatching(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`)),
        traceState: 'vendor=1',
      });
    }
    const spans = all.filter(({ who }) => who !== 'orchestrator').map(({ traceParent }) => traceParent);
    expect(new Set(spans).size).toBe(spans.length);
    const ofOrchestrator = all.filter(({ who }) => who === 'orchestrator').map(({ traceParent }) => traceParent);
    expect(new Set(ofOrchestrator).size).toBe(1);
  });

  it("is shown in the history as the parent of the orchestration's span", async () => {
    await hub('orchestrators/child/shown', { method: 'POST', headers: caller });
    const status = await hub('instances/shown?showHistory=true');
    const { historyEvents } = (await status.json()) as { historyEvents: { ParentTraceContext?: unknown }[] };
    const own = expect.stringMatching(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    expect(historyEvents[0]?.ParentTraceContext).toEqual({
      TraceParent: own,
      TraceState: 'vendor=1',
      Id: own,
      SpanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      ActivityStartTime: expect.stringMatching(/^\d{4}-.*\+00:00$/),
    });
  });

  it('reaches an entity that is signalled', async () => {
    await hub('entities/Counter/signalled?op=third', { method: 'POST', headers: caller });
    await until(() => timesSeen('entity third') >= 1);
    const third = seen().find(({ who }) => who === 'entity third');
    expect(third?.traceParent).toContain(traceId);
  });

  it('is not made up for an orchestration whose caller sent none', async () => {
    await hub('orchestrators/child/untraced', { method: 'POST' });
    const { historyEvents } = (await (await hub('instances/untraced?showHistory=true')).json()) as {
      historyEvents: { ParentTraceContext?: unknown }[];
    };
    expect(historyEvents[0]?.ParentTraceContext).toBeNull();
  });
});
