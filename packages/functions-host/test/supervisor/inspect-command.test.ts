import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { SourceMap, type SourceMapPayload } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { findFreePort } from '../../src/supervisor/addresses';
import { stopHosts } from '../support/host-process';
import { attachInspector, type InspectorClient } from '../support/inspector-client';
import { writeApp } from '../support/write-app';
import { endCommands, type RunningCommand, runCommand } from './running-command';

jest.setTimeout(60_000);

const source = `import { app } from '@azure/functions';

interface Greeting {
  readonly name: string;
}

app.http('hello', {
  authLevel: 'anonymous',
  handler: async (request) => {
    const greeting: Greeting = { name: request.query.get('name') ?? 'nobody' };
    return { body: 'hello ' + greeting.name }; // line 11
  },
});
`;

describe('a debugger', () => {
  let appDir: string;
  let commands: RunningCommand[];
  let inspector: InspectorClient | undefined;

  beforeEach(async () => {
    commands = [];
    appDir = await writeApp({ 'src/app.ts': source, 'package.json': '{ "main": "dist/app.js" }' });
    await build({
      ...{ absWorkingDir: appDir, entryPoints: ['src/app.ts'], outfile: 'dist/app.js', sourcemap: true },
      ...{ platform: 'node', format: 'cjs', packages: 'external', bundle: true },
    });
  });
  afterEach(async () => {
    inspector?.close();
    await endCommands(commands, appDir);
    await stopHosts();
  });

  const start = (...args: string[]): RunningCommand => {
    const command = runCommand(['start', '--port', '0', '--task-hub', 'memory', '--no-watch', ...args], appDir);
    commands.push(command);
    return command;
  };
  const urlOf = (command: RunningCommand): string => /^ready: (\S+)/m.exec(command.output())?.[1] ?? '';

  /** Where line 11 of the TypeScript went, found out as an editor does: by the source map that the inspector names. */
  const findPlace = async (client: InspectorClient): Promise<{ url: string; lineNumber: number }> => {
    const url = pathToFileURL(path.join(appDir, 'dist/app.js')).href;
    const script = await client.event('Debugger.scriptParsed', (params) => params['url'] === url);
    const mapUrl = new URL(String(script['sourceMapURL']), url);
    const payload = JSON.parse(readFileSync(mapUrl, 'utf8')) as SourceMapPayload;
    expect(payload.sources.map((file) => new URL(file, mapUrl).href)).toEqual([
      pathToFileURL(path.join(appDir, 'src/app.ts')).href,
    ]);
    const map = new SourceMap(payload);
    for (let lineNumber = 0; lineNumber < Number(script['endLine']); lineNumber++) {
      const entry = map.findEntry(lineNumber, 80) as { originalLine?: number };
      if (entry.originalLine === 10) return { url, lineNumber };
    }
    throw new Error('Line 11 of src/app.ts is nowhere in dist/app.js.');
  };

  const callAndStop = async (client: InspectorClient, url: string): Promise<string> => {
    const answered = fetch(`${url}/api/hello?name=Ann`);
    const paused = await client.event('Debugger.paused', (params) => (params['hitBreakpoints'] as string[]).length > 0);
    const [frame] = paused['callFrames'] as { callFrameId: string }[];
    const expression = 'greeting.name';
    const seen = await client.send('Debugger.evaluateOnCallFrame', { callFrameId: frame?.callFrameId, expression });
    expect(seen['result']).toMatchObject({ value: 'Ann' });
    await client.send('Debugger.resume');
    return (await answered).text();
  };

  it('stops in a function at a line of its TypeScript, sees its variables, and lets it go on', async () => {
    const port = await findFreePort();
    const command = start(`--inspect=${port}`);
    await command.sees(/^ready:/m);
    inspector = await attachInspector(port);
    await inspector.send('Debugger.enable');
    const set = await inspector.send('Debugger.setBreakpointByUrl', await findPlace(inspector));
    expect(set['locations']).toHaveLength(1);
    expect(await callAndStop(inspector, urlOf(command))).toBe('hello Ann');
  });

  it('is waited for with --inspect-brk, before the app is loaded', async () => {
    const port = await findFreePort();
    const command = start(`--inspect-brk=${port}`);
    await command.sees(/Debugger listening on ws:\/\/127\.0\.0\.1:/);
    inspector = await attachInspector(port);
    await inspector.send('Runtime.enable');
    await inspector.send('Debugger.enable');
    const url = pathToFileURL(path.join(appDir, 'dist/app.js')).href;
    const set = await inspector.send('Debugger.setBreakpointByUrl', { url, lineNumber: 0 });
    expect(set['locations']).toEqual([]);
    await inspector.send('Runtime.runIfWaitingForDebugger');
    await inspector.event('Debugger.paused', (params) => params['reason'] === 'Break on start');
    expect(command.output()).not.toMatch(/^ready:/m);
    await inspector.send('Debugger.resume');
    await inspector.event('Debugger.paused', (params) => (params['hitBreakpoints'] as string[]).length > 0);
    await inspector.send('Debugger.resume');
    await command.sees(/^ready:/m);
    expect(await (await fetch(`${urlOf(command)}/api/hello`)).text()).toBe('hello nobody');
  });

  it('is refused a port that is taken', async () => {
    const port = await findFreePort();
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    try {
      const command = start(`--inspect=${port}`);
      expect(await command.ended).toBe(1);
      expect(command.output()).toBe(
        `Port ${port} for the debugger can't be listened on (EADDRINUSE). Take another with --inspect=N.\n`,
      );
    } finally {
      server.close();
    }
  });
});
