import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { checkNode } from '../../src/doctor/check-installed';
import type { Report } from '../../src/doctor/report';
import { findFreePort } from '../../src/supervisor/addresses';
import { makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';
import { runCommand } from '../supervisor/running-command';
import { helloProgram } from '../supervisor/tiny-app';

jest.setTimeout(60_000);

const twoFunctions = `${helloProgram('hello')}
require('durable-functions').app.orchestration('chain', function* () { return 1; });`;

describe('functions-host doctor', () => {
  afterEach(stopHosts);

  const examine = async (
    appDir: string,
    args: string[] = [],
    env: Record<string, string> = {},
  ): Promise<{ report: Report; code: unknown; about: (title: string) => string[] }> => {
    const port = args.includes('--port') ? [] : ['--port', '0'];
    const command = runCommand(['doctor', '--app', appDir, ...port, '--json', ...args], appDir, env);
    const code = await command.ended;
    const report = JSON.parse(command.output()) as Report;
    const about = (title: string): string[] =>
      report.sections
        .filter((section) => section.title === title)
        .flatMap(({ findings }) => findings.map(({ status, message }) => `${status}: ${message}`));
    return { report, code, about };
  };

  it('finds nothing wrong with an app that is right, and lists its functions', async () => {
    const appDir = await writeApp({ 'index.js': twoFunctions });
    const { about, code, report } = await examine(appDir);
    expect([code, report.ok]).toEqual([0, true]);
    expect(about('Installed')).toEqual(
      expect.arrayContaining([
        `ok: Node ${process.versions.node}`,
        expect.stringMatching(/^ok: Azurite 3\./),
        expect.stringMatching(/^ok: PostgreSQL 18 runs/),
        expect.stringMatching(/^ok: @azure\/functions 4\./),
        'ok: durable-functions 3.5.0',
      ]),
    );
    expect(about('App')).toContain(
      'ok: The app loads, with 2 functions:\nhello: [GET] /api/hello\nchain: orchestrationTrigger',
    );
    expect(about('Data')).toEqual([expect.stringContaining('is not there yet and can be made')]);
  });

  it('tells people the same, in lines', async () => {
    const appDir = await writeApp({ 'index.js': twoFunctions });
    const command = runCommand(['doctor', '--port', '0'], appDir);
    expect(await command.ended).toBe(0);
    expect(command.output()).toMatch(/\nApp\n {2}ok {7}host\.json\n[^]*\n {11}hello: \[GET\] \/api\/hello\n/);
    expect(command.output()).toMatch(/\nno problems, no warnings\n$/);
  });

  it.each([
    [
      `throw new Error('no such thing');`,
      /^problem: The app does not load.*threw.*\nError: no such thing\n {4}at .*index\.js/,
    ],
    [
      `console.log('so far'); process.exit(3);`,
      /ended the process while it was loading \(code 3\)\.\nIt printed:\n.*so far/,
    ],
    [`require('@azure/functions');`, /No function was registered by index\.js/],
    [`syntax error`, /SyntaxError: Unexpected identifier/],
    [
      `require('@azure/functions').app.generic('odd', { trigger: { type: 'oddTrigger', name: 'x' }, handler: () => 0 });`,
      /odd.*oddTrigger/,
    ],
  ])('says why an app does not load: %s', async (program, expected) => {
    const { about, code } = await examine(await writeApp({ 'index.js': program }));
    expect(code).toBe(1);
    expect(about('App').find((line) => line.startsWith('problem'))).toMatch(expected);
  });

  it('names the function that is in error beside those that run', async () => {
    const program = `${helloProgram('hello')}
      require('@azure/functions').app.generic('odd', { trigger: { type: 'oddTrigger', name: 'x' }, handler: () => 0 });`;
    const { about, code } = await examine(await writeApp({ 'index.js': program }));
    expect(code).toBe(1);
    expect(about('App')).toEqual(
      expect.arrayContaining([
        'ok: The app loads, with 1 function:\nhello: [GET] /api/hello',
        expect.stringMatching(/^problem: The function 'odd' is in error: .*oddTrigger/),
      ]),
    );
  });

  it('tells functions of the older model from functions that were forgotten', async () => {
    const appDir = await writeApp({ 'index.js': '', 'HttpTrigger1/function.json': '{}' });
    expect((await examine(appDir)).about('App')).toContainEqual(
      expect.stringMatching(
        /^problem: HttpTrigger1: functions with a function\.json are of an older programming model/,
      ),
    );
  });

  it.each([
    ['host.json', '{ "version": "1.0" }', /"version" of .*host\.json must be "2\.0"; got "1\.0"/],
    ['local.settings.json', '{ "IsEncrypted": true }', /is encrypted/],
    ['package.json', '{', /package\.json is not valid JSON/],
  ])('says what is wrong with a file: %s %s', async (file, text, expected) => {
    const { about } = await examine(await writeApp({ 'index.js': helloProgram('hello'), [file]: text }));
    expect(about('App').join('\n')).toMatch(expected);
  });

  it('asks every address that a setting names, and repeats no value', async () => {
    const server = createServer((_, response) => response.end('no storage')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const free = await findFreePort();
    const values = {
      AzureWebJobsStorage: `AccountName=x;AccountKey=c2VjcmV0;BlobEndpoint=http://127.0.0.1:${port}/x`,
      DATABASE_URL: `postgres://shop:secret@127.0.0.1:${free}/orders`,
      CARRIER_URL: `http://127.0.0.1:${free}`,
      MAIL_URL: `http://user:secret@127.0.0.1:${free}`,
      BUS: `Endpoint=sb://127.0.0.1:${port};SharedAccessKey=secret`,
    };
    const appDir = await writeApp({
      'index.js': helloProgram('hello'),
      'local.settings.json': JSON.stringify({ Values: values }),
      'package.json': JSON.stringify({
        main: 'index.js',
        'functions-host': { services: { carrier: { entry: 'carrier.js', settings: ['CARRIER_URL'] } } },
      }),
    });
    try {
      const { about, code, report } = await examine(appDir);
      expect(code).toBe(1);
      expect(about('Settings')).toEqual([
        expect.stringMatching(`^problem: AzureWebJobsStorage: expected a storage service at 127.0.0.1:${port}, but`),
        `ok: DATABASE_URL: nothing listens at 127.0.0.1:${free}; it is started there`,
        `ok: CARRIER_URL: nothing listens at 127.0.0.1:${free}; the app's own service is started there`,
        `warning: MAIL_URL: nothing listens at 127.0.0.1:${free}, and nothing is started there`,
        `ok: BUS: uses what is at 127.0.0.1:${port} already`,
      ]);
      expect(JSON.stringify(report)).not.toMatch(/secret|c2VjcmV0/);
    } finally {
      server.close();
    }
  });

  it('says who answers on the port of the host', async () => {
    const appDir = await writeApp({ 'index.js': helloProgram('hello') });
    const host = await startHostProcess(appDir);
    const { about, code } = await examine(appDir, ['--port', new URL(host.url).port]);
    expect(code).toBe(1);
    expect(about('Host')).toEqual([
      expect.stringMatching(/^problem: Port \d+ is taken: a Functions host answers there/),
    ]);
  });

  it('looks for what an earlier run has left in the data folder', async () => {
    const appDir = await writeApp({ 'index.js': helloProgram('hello') });
    const dataDir = await makeFolder();
    await mkdir(path.join(dataDir, 'supervisor'));
    const lock = path.join(dataDir, 'supervisor', 'lock');
    await writeFile(lock, JSON.stringify({ pid: process.pid }));
    const running = await examine(appDir, ['--data', dataDir]);
    expect(running.about('Data')).toContain(
      `warning: Another functions-host (process ${process.pid}) is running on this data folder`,
    );
    await writeFile(lock, JSON.stringify({ pid: process.pid, identity: 'of an earlier process' }));
    const stale = await examine(appDir, ['--data', dataDir]);
    expect(stale.about('Data')).toContainEqual(
      expect.stringMatching(/ended without cleaning up.*the next start takes over/),
    );
    await rm(dataDir, { recursive: true });
    await writeFile(dataDir, '');
    expect((await examine(appDir, ['--data', dataDir])).about('Data')).toEqual([
      `problem: The data folder ${dataDir} is a file`,
    ]);
  });

  it('compares Node with what is needed', () => {
    expect(checkNode('20.19.0', '>=20.19').status).toBe('ok');
    expect(checkNode('22.1.0', '>=20.19').status).toBe('ok');
    expect(checkNode('20.18.3', '>=20.19')).toEqual({ status: 'problem', message: 'Node 20.18.3: expected >=20.19' });
  });
});
