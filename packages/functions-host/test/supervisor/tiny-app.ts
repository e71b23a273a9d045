import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findFreePort } from '../../src/supervisor/addresses';

/** A Functions app in a temporary folder, all of whose settings name free ports. */
export interface TinyApp {
  readonly dir: string;
  readonly ports: { readonly http: number; readonly postgres: number; readonly blob: number; readonly echo: number };
  readonly databaseUrl: string;
  readonly storage: string;
  write(file: string, content: string): Promise<void>;
  remove(): Promise<void>;
}

const azuriteKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** A function that answers `text` and the greeting of the settings. */
export const helloProgram = (text: string): string => `
const { app } = require('@azure/functions');
app.http('hello', { methods: ['GET'], authLevel: 'anonymous', handler: async () => ({ body: ${JSON.stringify(text)} + (process.env.GREETING ?? '') }) });
`;

const echoProgram = `
require('node:http').createServer((_, response) => response.end('first echo in ' + process.env.DATA_DIR)).listen(new URL(process.env.ECHO_URL).port, '127.0.0.1');
`;

const migrateProgram = `
const { Client } = require('pg');
(async () => {
  const client = new Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  await client.query('CREATE TABLE IF NOT EXISTS notes (text text)');
  await client.end();
})();
`;

export async function makeTinyApp(): Promise<TinyApp> {
  const dir = await mkdtemp(path.join(tmpdir(), 'functions-host-app-'));
  await chmod(dir, 0o711);
  const [http, postgres, blob, queue, table, echo] = await Promise.all(Array.from({ length: 6 }, () => findFreePort()));
  const databaseUrl = `postgres://shop:secret@127.0.0.1:${postgres ?? 0}/orders`;
  const endpoint = (kind: string, port = 0): string => `${kind}Endpoint=http://127.0.0.1:${port}/devstoreaccount1;`;
  const storage =
    `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${azuriteKey};` +
    endpoint('Blob', blob) +
    endpoint('Queue', queue) +
    endpoint('Table', table);
  const values = { AzureWebJobsStorage: storage, DATABASE_URL: databaseUrl, ECHO_URL: `http://127.0.0.1:${echo ?? 0}` };
  const write = async (file: string, content: string): Promise<void> => {
    const target = path.join(dir, file);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, content);
  };
  await symlink(path.join(__dirname, '../../../../node_modules'), path.join(dir, 'node_modules'), 'junction');
  await write('host.json', '{ "version": "2.0" }');
  await write('local.settings.json', JSON.stringify({ Values: values }));
  await write(
    'package.json',
    JSON.stringify({
      main: 'dist/app.js',
      'functions-host': {
        services: { echo: { entry: 'dist/local/echo.js', settings: ['ECHO_URL'] } },
        tasks: { migrate: { entry: 'dist/scripts/migrate.js' } },
      },
    }),
  );
  await write('dist/app.js', helloProgram('hello'));
  await write('dist/local/echo.js', echoProgram);
  await write('dist/scripts/migrate.js', migrateProgram);
  return {
    dir,
    ports: { http: http ?? 0, postgres: postgres ?? 0, blob: blob ?? 0, echo: echo ?? 0 },
    databaseUrl,
    storage,
    write,
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
