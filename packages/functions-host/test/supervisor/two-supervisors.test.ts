import { startTestPostgres, type TestPostgres } from '../support/postgres-server';
import { runCommand, type RunningCommand } from './running-command';
import { makeTinyApp, type TinyApp } from './tiny-app';
import { findFreePort } from '../../src/supervisor/addresses';

const program = `
const df = require('durable-functions');
df.app.activity('double', { handler: (n) => n * 2 });
df.app.orchestration('waiter', function* (context) {
  const n = yield context.df.waitForExternalEvent('go');
  return yield context.df.callActivity('double', n);
});
`;

describe('two `functions-host start` on one task hub', () => {
  let server: TestPostgres;
  let app: TinyApp;
  const commands: RunningCommand[] = [];

  beforeAll(async () => {
    server = await startTestPostgres();
    app = await makeTinyApp();
    await app.write('package.json', '{ "main": "dist/app.js" }');
    await app.write('local.settings.json', '{ "Values": {} }');
    await app.write('dist/app.js', program);
  });
  afterAll(async () => {
    for (const command of commands) {
      command.signal('SIGTERM');
      await command.ended;
    }
    await server.stop();
    await app.remove();
  });

  const start = (data: string, port: number): RunningCommand => {
    const args = ['start', '--app', app.dir, '--port', String(port), '--data', `${app.dir}/${data}`];
    const command = runCommand([...args, '--task-hub', server.url, '--no-watch'], app.dir);
    commands.push(command);
    return command;
  };
  const post = async (port: number, path: string, body: string): Promise<number> => {
    const headers = { 'content-type': 'application/json' };
    const url = `http://127.0.0.1:${port}/runtime/webhooks/durabletask/${path}`;
    return (await fetch(url, { method: 'POST', headers, body })).status;
  };
  const output = async (port: number, id: string): Promise<unknown> => {
    const url = `http://127.0.0.1:${port}/runtime/webhooks/durabletask/instances/${id}`;
    const deadline = Date.now() + 10_000;
    for (;;) {
      const answer = await fetch(url);
      if (answer.status === 200) return ((await answer.json()) as { output: unknown }).output;
      if (Date.now() > deadline) throw new Error(`${id}: ${answer.status} ${await answer.text()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it('makes the later one a standby, which takes over; the killed host comes back as the standby', async () => {
    const ports = [await findFreePort(), await findFreePort()] as const;
    const first = start('data-a', ports[0]);
    await first.sees(/ready: /);
    const second = start('data-b', ports[1]);
    await second.sees(/Standby: the host at/);
    await second.sees(/ready: /);
    expect(await post(ports[1], 'orchestrators/waiter/a', 'null')).toBe(202);

    const [, pid = ''] = /process (\d+)\)/.exec(second.output()) ?? [];
    process.kill(Number(pid), 'SIGKILL');
    await second.sees(/Active: this host works on task hub/);
    await first.sees(/Host process ended \(signal SIGKILL\); starting it again/);
    await first.sees(/Standby: the host at/);
    await first.sees(/Host process is up again/);
    expect(await post(ports[0], 'instances/a/raiseEvent/go', '21')).toBe(202);
    expect(await output(ports[0], 'a')).toBe(42);

    // A supervisor that ends lets its host let go.
    second.signal('SIGTERM');
    expect(await second.ended).toBe(0);
    await first.sees(/Active: this host works on task hub/);
    expect(await output(ports[0], 'a')).toBe(42);
  });
});
