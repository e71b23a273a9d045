import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findFreePort } from '../../src/supervisor/addresses';
import { pollUntil } from '../../src/supervisor/poll';
import { stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';
import { endCommands, type RunningCommand, runCommand } from './running-command';

jest.setTimeout(90_000);

const program = (text: string): string => `
const { app } = require('@azure/functions');
app.http('hello', { authLevel: 'anonymous', handler: async (request) => {
  if (request.query.has('slow')) await new Promise((resolve) => setTimeout(resolve, 2500));
  return { body: ${JSON.stringify(text)} + (process.env.GREETING ?? '') };
} });
`;

describe('a change of the app while it runs', () => {
  let appDir: string;
  let port: number;
  let command: RunningCommand;
  const write = (file: string, text: string): Promise<void> => writeFile(path.join(appDir, file), text);
  const get = (where: string): Promise<string> =>
    fetch(`http://127.0.0.1:${port}${where}`).then(
      async (response) => (response.ok ? response.text() : String(response.status)),
      () => 'nobody there',
    );
  const answers = async (where: string, text: string): Promise<void> => {
    let last = '';
    const isThere = await pollUntil(async () => (last = await get(where)) === text, { timeoutMs: 30_000 });
    if (isThere !== true) throw new Error(`Expected '${text}' from ${where}, got '${last}':\n${command.output()}`);
  };

  beforeEach(async () => {
    appDir = await writeApp({
      'index.js': program('first'),
      'local.settings.json': '{ "Values": { "GREETING": "!" } }',
    });
    port = await findFreePort();
    command = runCommand(['start', '--port', String(port), '--task-hub', 'memory'], appDir);
    await command.sees(/^ready:/m);
  });
  afterEach(async () => {
    await endCommands([command], appDir);
    await stopHosts();
  });

  it('comes to its last state, however fast changes follow each other', async () => {
    for (let count = 1; count <= 20; count++) {
      await write('index.js', program(`version ${count} `));
      await new Promise((resolve) => setTimeout(resolve, 70 * (count % 5)));
    }
    await answers('/api/hello', 'version 20 !');
  });

  it('lets requests that are under way end with the old code', async () => {
    const slow = get('/api/hello?slow');
    await command.sees(/Executing 'Functions\.hello'/);
    await write('index.js', program('second'));
    expect(await slow).toBe('first!');
    await answers('/api/hello', 'second!');
  });

  it('takes over host.json and local.settings.json, and says at which line one of them is broken', async () => {
    await write('host.json', '{ "version": "2.0", "extensions": { "http": { "routePrefix": "" } } }');
    await answers('/hello', 'first!');
    await write('host.json', '{\n  "version": "2.0"\n  "extensions": {}\n}');
    await command.sees(/host\.json is not valid JSON: line 3, column 3[^]*Waiting for a change of the app/);
    await write('host.json', '{ "version": "2.0" }');
    await answers('/api/hello', 'first!');
    await write('local.settings.json', '{ "Values": { "GREETING": "?", } ');
    await command.sees(/local\.settings\.json is not valid JSON: line 1, column \d+[^]*The settings stay as they were/);
    await answers('/api/hello', 'first!');
    await write('local.settings.json', '{ "Values": { "GREETING": "?" } }');
    await answers('/api/hello', 'first?');
  });

  it('that does not parse, or throws, is shown with its place, and the next one is taken', async () => {
    await write('index.js', 'const a = 1;\nfunction (\n');
    await command.sees(/index\.js:2\nfunction \(\n[^]*SyntaxError: [^]*Waiting for a change of the app/);
    await write('index.js', '// first line\nfunction connect() {\n  throw new TypeError("no way");\n}\nconnect();\n');
    await command.sees(/TypeError: no way\n {4}at connect \([^\n]*index\.js:3:9\)\n {4}at [^\n]*index\.js:5:1\)/);
    await write('index.js', program('mended'));
    await answers('/api/hello', 'mended!');
  });
});
