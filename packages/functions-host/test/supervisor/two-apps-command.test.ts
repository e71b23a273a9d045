import { Client } from 'pg';
import { realClock } from '../../src/clock';
import { findFreePort } from '../../src/supervisor/addresses';
import { runCommand, type RunningCommand } from './running-command';
import { makeTinyApp, type TinyApp } from './tiny-app';

const program = `
const df = require('durable-functions');
df.app.activity('whoAmI', { handler: () => process.env.AzureFunctionsJobHost__extensions__durableTask__hubName });
df.app.orchestration('waiter', function* (context) {
  const by = yield context.df.callActivity('whoAmI');
  return { by, go: yield context.df.waitForExternalEvent('go') };
});
`;

describe('two `functions-host start` with task hubs of their own on one database', () => {
  let app: TinyApp;
  let database: string;
  const commands: RunningCommand[] = [];

  beforeAll(async () => {
    app = await makeTinyApp();
    await app.write('package.json', '{ "main": "dist/app.js" }');
    await app.write('dist/app.js', program);
    database = `postgres://orders:secret@127.0.0.1:${await findFreePort()}/orders`;
    await app.write('local.settings.json', JSON.stringify({ Values: { DATABASE_URL: database } }));
  });
  afterAll(async () => {
    // The first one's PostgreSQL serves the second, too.
    for (const command of commands.reverse()) {
      command.signal('SIGTERM');
      await command.ended;
    }
    await app.remove();
  });

  const start = async (hub: string): Promise<string> => {
    const port = await findFreePort();
    const args = ['start', '--app', app.dir, '--port', String(port), '--data', `${app.dir}/${hub}`, '--no-watch'];
    const env = { AzureFunctionsJobHost__extensions__durableTask__hubName: hub };
    const command = runCommand([...args, '--task-hub', database], app.dir, env);
    commands.push(command);
    await command.sees(/ready: /);
    return `http://127.0.0.1:${port}/runtime/webhooks/durabletask`;
  };
  /** As a careful client does it: what was answered 503 is asked again. */
  const send = async (url: string, method = 'GET', body?: string): Promise<Response> => {
    const headers = { 'content-type': 'application/json' };
    const deadline = realClock.now() + 60_000;
    for (;;) {
      const answer = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
      if (answer.status !== 503 || realClock.now() > deadline) return answer;
      await answer.arrayBuffer();
    }
  };
  const hostOf = async (hub: string): Promise<number> => {
    const client = new Client({ connectionString: database });
    await client.connect();
    try {
      const { rows } = await client.query<{ pid: number }>(`SELECT pid FROM hub_${hub.toLowerCase()}.lease`);
      return rows[0]?.pid ?? 0;
    } finally {
      await client.end();
    }
  };

  it('lets one ask and steer in the hub of the other, whose host is killed and started again meanwhile', async () => {
    const blue = await start('Blue');
    const green = await start('Green');
    expect(commands[1]?.output()).not.toContain('Standby');
    for (const id of ['a', 'b']) {
      const started = await send(`${blue}/orchestrators/waiter/${id}?taskHub=Green`, 'POST', 'null');
      expect(started.status).toBe(202);
    }
    expect((await send(`${blue}/instances/a/raiseEvent/go?taskHub=Green`, 'POST', '"early"')).status).toBe(202);
    process.kill(await hostOf('Green'), 'SIGKILL');
    expect((await send(`${blue}/instances/b/raiseEvent/go?taskHub=Green`, 'POST', '"late"')).status).toBe(202);
    for (const [id, go] of [
      ['a', 'early'],
      ['b', 'late'],
    ] as const) {
      const deadline = realClock.now() + 30_000;
      let answer = await send(`${green}/instances/${id}`);
      while (answer.status === 202 && realClock.now() < deadline) answer = await send(`${green}/instances/${id}`);
      expect(await answer.json()).toMatchObject({ output: { by: 'Green', go } });
      expect((await send(`${blue}/instances/${id}`)).status).toBe(404);
    }
    await commands[1]?.sees(/Host process is up again/);
  });
});
