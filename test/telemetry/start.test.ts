import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { InvocationContext, HttpRequest } from '@azure/functions';
import { build } from 'esbuild';
import { systemClock } from '../../src/adapters/clock';
import { startTelemetry } from '../../src/telemetry/start';
import { noTelemetry } from '../../src/telemetry/telemetry';
import { freePorts } from '../support/running-app';

const root = path.resolve(__dirname, '../..');
const run = promisify(execFile);

/** The modules of OpenTelemetry and its exporters that a process has loaded when it has loaded the app, but for the API. */
async function loadedBy(settings: Readonly<Record<string, string>>): Promise<string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'telemetry-'));
  try {
    const outfile = path.join(folder, 'app.js');
    const entry = path.join(root, 'src/app.ts');
    const options = { bundle: true, platform: 'node', format: 'cjs', packages: 'external', logLevel: 'error' } as const;
    await build({ ...options, entryPoints: [entry], outfile, alias: toolkitAliases, conditions: ['source'] });
    const local = JSON.parse(await readFile(path.join(root, 'local.settings.json'), 'utf8')) as {
      readonly Values: Readonly<Record<string, string>>;
    };
    const script = path.join(folder, 'load.js');
    await writeFile(
      script,
      `require('./app.js');
       const names = Object.keys(require.cache).map((file) => /node_modules\\/(@opentelemetry\\/[^/]+|@azure\\/monitor[^/]+)\\//.exec(file)?.[1]);
       console.log(JSON.stringify([...new Set(names)].filter((name) => name && name !== '@opentelemetry/api')));
       process.exit(0);`,
    );
    const env = { ...process.env, NODE_PATH: path.join(root, 'node_modules'), ...local.Values, ...settings };
    const { stdout } = await run(process.execPath, [script], { env });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as string[];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const toolkitAliases = Object.fromEntries(
  ['index', 'postgres/index', 'http/index', 'azure-blobs/index', 'opentelemetry/index'].map((file) => [
    path.posix.join('durable-saga', file.replace(/\/?index$/, '')).replace(/\/$/, ''),
    path.join(root, 'packages/durable-saga/src', `${file}.ts`),
  ]),
);

const context = new InvocationContext({ invocationId: 'i', functionName: 'f' });
const request = new HttpRequest({ method: 'GET', url: 'http://localhost/' });

describe('telemetry', () => {
  it('loads nothing of its SDK where no setting turns it on, nor before the first call where one does', async () => {
    expect(await loadedBy({})).toEqual([]);
    expect(await loadedBy({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' })).toEqual([]);
  }, 60_000);

  it('gives handlers back as they are when it is off', () => {
    const off = startTelemetry({ settings: undefined, clock: systemClock, warn: () => undefined });
    const handler = async () => ({});
    expect(off).toBe(noTelemetry);
    expect(off.http({ name: 'f', route: 'r' }, handler)).toBe(handler);
    expect(off.observer).toBeUndefined();
    expect(off.headers()).toEqual({});
  });

  it('harms no handler where nobody takes what it sends, says so, and ends in time', async () => {
    const [port] = await freePorts(1);
    const warnings: string[] = [];
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${port}`;
    process.env['OTEL_BSP_SCHEDULE_DELAY'] = '10';
    process.env['OTEL_EXPORTER_OTLP_TIMEOUT'] = '500';
    try {
      const on = startTelemetry({
        settings: { serviceName: 'test', otlp: true, azureMonitor: undefined, metricInterval: 60_000 },
        clock: systemClock,
        warn: (message) => warnings.push(message),
      });
      const handler = on.http({ name: 'f', route: 'r' }, async () => ({ status: 204 }));
      for (let n = 0; n < 20; n += 1) expect(await handler(request, context)).toEqual({ status: 204 });
      await on.stop();
      expect(warnings).toEqual([expect.stringMatching(/^telemetry: /)]);
    } finally {
      delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
      delete process.env['OTEL_EXPORTER_OTLP_TIMEOUT'];
      delete process.env['OTEL_BSP_SCHEDULE_DELAY'];
    }
  }, 30_000);

  it("hands what there is to the exporter of Application Insights, and says so when that can't bring it there", async () => {
    // The exporter speaks TLS, whatever the address says: without it an answer is there at once, and worth no second try.
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const warnings: string[] = [];
    process.env['APPLICATION_INSIGHTS_NO_STATSBEAT'] = 'true';
    try {
      const connectionString = `InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=http://127.0.0.1:${port}/`;
      const azureMonitor = { connectionString, entra: undefined };
      const on = startTelemetry({
        settings: { serviceName: 'test', otlp: false, azureMonitor, metricInterval: 60_000 },
        clock: systemClock,
        warn: (message) => warnings.push(message),
      });
      const handler = on.http({ name: 'f', route: 'r' }, async () => ({ status: 202 }));
      expect(await handler(request, context)).toEqual({ status: 202 });
      await on.stop();
      expect(warnings).toEqual([expect.stringMatching(/^telemetry: Envelopes could not be exported/)]);
    } finally {
      server.closeAllConnections();
      server.close();
      delete process.env['APPLICATION_INSIGHTS_NO_STATSBEAT'];
    }
  }, 30_000);
});
