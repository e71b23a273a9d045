import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { metricNames } from '../../src/telemetry/names';
import { startOtlpReceiver } from '../../packages/functions-host/test/support/otlp-receiver';
import type { OtlpReceiver } from '../../packages/functions-host/test/support/otlp-receiver';
import { freePorts, startApp, until } from '../../test/support/running-app';
import { readLog, readStorage, readTriggers } from './counting';
import type { LogLine } from './counting';

/** The app with everything that it needs, and what is to be known of it from outside. */
export interface MeasuringApp {
  readonly url: string;
  /** Triggers by function. */
  readonly triggers: ReadonlyMap<string, string>;
  /** Lines of the host's log from a place on; `mark` tells the place. */
  lines(from?: number): LogLine[];
  mark(): number;
  /** Requests to storage so far; of the app's own containers, or all. */
  storage(which: 'all' | 'app'): { readonly writes: number; readonly reads: number };
  /** Transactions so far, of the app's database and of all others, which are the task hub. */
  commits(): Promise<{ readonly app: number; readonly taskHub: number }>;
  /** What it told of itself. */
  readonly telemetry: Pick<OtlpReceiver, 'spans'> & { points(): number };
  query<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]>;
  stop(): Promise<void>;
}

/**
 * Starts the app as `npm start` does, on ports and in a folder of its own. Uploads are noticed as in Azure, by events, so that no
 * container is polled; the storage emulator writes down each request, and telemetry is on, since it is in Azure.
 */
export async function startMeasuringApp(): Promise<MeasuringApp> {
  const started: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of started.splice(0).reverse()) await end();
  };
  try {
    const azurite = await startAzurite();
    started.push(azurite.stop);
    const receiver = await startOtlpReceiver();
    started.push(receiver.stop);
    const app = await startApp({
      env: {
        AzureWebJobsStorage: azurite.connectionString,
        BLOB_TRIGGER_SOURCE: 'EventGrid',
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      },
      args: ['--log-format', 'json'],
    });
    started.push(app.stop);
    const database = new Client({ connectionString: app.settings['DATABASE_URL'] });
    await database.connect();
    started.push(async () => database.end());
    return {
      url: app.url,
      triggers: readTriggers(readLog(app.output())),
      lines: (from = 0) => readLog(app.output().slice(from)),
      mark: () => app.output().lastIndexOf('\n') + 1,
      storage: (which) => readStorage(azurite.log(), which),
      commits: async () => readCommits(database),
      telemetry: {
        spans: () => receiver.spans(),
        points: () => Object.values(metricNames).reduce((sum, name) => sum + receiver.points(name).length, 0),
      },
      async query<Row extends object>(text: string, values: readonly unknown[]) {
        return (await database.query<Row>(text, [...values])).rows;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function readCommits(database: Client): Promise<{ app: number; taskHub: number }> {
  // A session keeps the statistics that it has read until it forgets them.
  await database.query('select pg_stat_clear_snapshot()');
  const { rows } = await database.query<{ app: string; hub: string }>(
    `select coalesce(sum(xact_commit) filter (where datname = current_database()), 0) as app,
       coalesce(sum(xact_commit) filter (where datname not in (current_database(), 'postgres', 'template0', 'template1')), 0) as hub
     from pg_stat_database`,
  );
  return { app: Number(rows[0]?.app), taskHub: Number(rows[0]?.hub) };
}

/** The account name and key that every storage emulator has built in. */
const ACCOUNT =
  'DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;' +
  'AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;';

async function startAzurite() {
  const folder = await mkdtemp(path.join(tmpdir(), 'cost-azurite-'));
  const ports = await freePorts(3);
  const [blob = 0, queue = 0, table = 0] = ports;
  const child = spawn(
    process.execPath,
    [
      createRequire(path.join(process.cwd(), 'package.json')).resolve('azurite/dist/src/azurite.js'),
      ...['--location', folder, '--disableTelemetry', '--skipApiVersionCheck'],
      ...['--blobHost', '127.0.0.1', '--blobPort', String(blob)],
      ...['--queueHost', '127.0.0.1', '--queuePort', String(queue)],
      ...['--tableHost', '127.0.0.1', '--tablePort', String(table)],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    for (const port of ports) await until(`Azurite listens on ${port}`, 30_000, async () => listens(port));
  } catch (error) {
    await stop();
    throw error;
  }
  const endpoint = (kind: string, port: number): string => `${kind}Endpoint=http://127.0.0.1:${port}/devstoreaccount1;`;
  return {
    connectionString: ACCOUNT + endpoint('Blob', blob) + endpoint('Queue', queue) + endpoint('Table', table),
    log: () => log,
    stop,
  };
}

async function listens(port: number): Promise<true | undefined> {
  return new Promise((tell) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      tell(true);
    });
    socket.once('error', () => tell(undefined));
  });
}
