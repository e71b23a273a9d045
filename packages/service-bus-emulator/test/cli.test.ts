import { ServiceBusClient } from '@azure/service-bus';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Command, runCommand } from './support/command';

const config = `{
  // As the official emulator reads it.
  "UserConfig": { "Namespaces": [{ "Name": "sbemulatorns", "Queues": [{ "Name": "orders" }] }], "Logging": { "Type": "File" } }
}`;

describe('the command', () => {
  const commands: Command[] = [];
  let folder: string;
  const run = (...args: string[]): Command => {
    const command = runCommand(args, undefined, folder);
    commands.push(command);
    return command;
  };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'command-'));
    await writeFile(path.join(folder, 'Config.json'), config);
  });
  afterEach(async () => {
    for (const command of commands.splice(0)) {
      command.signal('SIGKILL');
      await command.ended;
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('serves the entities of its configuration until it is told to stop, and prints what to connect with', async () => {
    const command = run('--config', 'Config.json', '--port', '0', '--health-port', '0');
    const [, connectionString = ''] = await command.sees(/^ready: (.+)$/m);
    const [, health = ''] = await command.sees(/^health: (.+)$/m);
    expect((await fetch(health)).status).toBe(200);
    const client = new ServiceBusClient(connectionString);
    await client.createSender('orders').sendMessages({ body: 'hello' });
    const [message] = await client.createReceiver('orders').receiveMessages(1);
    expect(message?.body).toBe('hello');
    await client.close();
    command.signal('SIGTERM');
    expect(await command.ended).toBe(0);
    expect(command.stderr()).toBe('');
  });

  it('prints where the certificate is, for NODE_EXTRA_CA_CERTS', async () => {
    const command = run('--port', '0', '--no-health', '--tls', '--tls-port', '0', '--tls-folder', 'tls');
    const [, file] = await command.sees(/^tls: NODE_EXTRA_CA_CERTS=(.+)$/m);
    expect(file).toBe(path.join(folder, 'tls', 'certificate.pem'));
    expect(command.stdout()).toMatch(/^tls: Endpoint=sb:\/\/localhost:\d+;/m);
    await command.sees(/^ready: /m);
    expect(command.stdout()).not.toContain('health:');
    command.signal('SIGINT');
    expect(await command.ended).toBe(0);
  });

  it('keeps messages and entities in its folder, killed outright or told to stop', async () => {
    const args = ['--config', 'Config.json', '--port', '0', '--health-port', '0', '--data', 'data'];
    const connect = async (command: Command) => {
      const [, connectionString = ''] = await command.sees(/^ready: (.+)$/m);
      return new ServiceBusClient(connectionString);
    };
    let command = run(...args);
    let client = await connect(command);
    await client.createSender('orders').sendMessages([{ body: 'one' }, { body: 'two' }]);
    const [, health = ''] = await command.sees(/^health: (.+)$/m);
    const description = '<QueueDescription><LockDuration>PT30S</LockDuration></QueueDescription>';
    const body = `<entry><content>${description}</content></entry>`;
    expect((await fetch(health.replace('health', 'mine'), { method: 'PUT', body })).status).toBe(201);
    command.signal('SIGKILL');
    expect(await command.ended).toBe('SIGKILL');
    await client.close();

    command = run(...args);
    client = await connect(command);
    let receiver = client.createReceiver('orders');
    const [first] = await receiver.receiveMessages(1);
    expect(first?.body).toBe('one');
    await receiver.completeMessage(first!);
    await client.close();
    command.signal('SIGTERM');
    expect(await command.ended).toBe(0);

    command = run(...args);
    client = await connect(command);
    receiver = client.createReceiver('orders');
    const [second] = await receiver.receiveMessages(1);
    expect(second?.body).toBe('two');
    const [, restarted = ''] = await command.sees(/^health: (.+)$/m);
    expect(await (await fetch(restarted.replace('health', 'mine'))).text()).toContain('<LockDuration>PT30S<');
    await client.close();
  });

  it('refuses a folder that another emulator keeps its messages in', async () => {
    const first = run('--port', '0', '--no-health', '--data', 'shared');
    await first.sees(/^ready: /m);
    const second = run('--port', '0', '--no-health', '--data', 'shared');
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toContain(path.join(folder, 'shared'));
    expect(second.stderr()).not.toContain('    at ');
  });

  it('ends with 1 and one line for a port that is taken', async () => {
    const first = run('--port', '0', '--no-health');
    const [, port = ''] = await first.sees(/127\.0\.0\.1:(\d+)/);
    const second = run('--port', port, '--no-health');
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toBe(
      `AMQP can't listen on port ${port} of 127.0.0.1: something listens there already. Stop that, or choose another with --port (in code: port); 0 is a free one.\n`,
    );
  });

  it('ends with 1 and says what is wrong with a configuration', async () => {
    await writeFile(path.join(folder, 'Wrong.json'), '{ "UserConfig": {} }');
    const command = run('--config', 'Wrong.json', '--port', '0', '--no-health');
    expect(await command.ended).toBe(1);
    expect(command.stderr()).toContain('Wrong.json');
    expect(command.stderr()).toContain('Namespaces');
    expect(command.stderr()).not.toContain('    at ');
  });

  it('ends with 2 for a wrong command line, and shows help and version', async () => {
    const wrong = run('--prot', '1');
    expect(await wrong.ended).toBe(2);
    expect(wrong.stderr()).toBe("Unknown option '--prot'. See service-bus-emulator --help.\n");
    const help = run('--help');
    expect(await help.ended).toBe(0);
    expect(help.stdout()).toMatch(/^Usage: service-bus-emulator/);
    for (const option of ['--config', '--port', '--tls', '--data', '--sas', '--host', '--max-connections']) {
      expect(help.stdout()).toContain(`${option} `.trimEnd());
    }
    const version = run('--version');
    expect(await version.ended).toBe(0);
    expect(version.stdout()).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
