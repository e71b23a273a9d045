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

/** What follows the last place of a text. */
function lastOf(output: string, text: string): string {
  return output.slice(output.lastIndexOf(text));
}

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

    // A host that hangs is replaced; awake again it finds that out, ends, and is started as the standby.
    const [, hanging = ''] = /process (\d+)\)/.exec(lastOf(first.output(), 'Standby: the host at')) ?? [];
    process.kill(Number(hanging), 'SIGSTOP');
    await first.sees(/Active: this host works on task hub/);
    process.kill(Number(hanging), 'SIGCONT');
    await second.sees(/This host stops working on the task hub: Epoch \d+ of the task hub ended: the host at/);
    await second.sees(/Host process ended \(another host works on its task hub\); starting it again/);
    await second.sees(/Standby: the host at/, 2);

    // A supervisor that ends lets its host let go.
    first.signal('SIGTERM');
    expect(await first.ended).toBe(0);
    await second.sees(/Active: this host works on task hub/, 2);
    expect(await output(ports[1], 'a')).toBe(42);
  });
});
