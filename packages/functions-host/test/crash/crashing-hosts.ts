import { readFileSync } from 'node:fs';
import path from 'node:path';
import { findFreePort } from '../../src/supervisor/addresses';
import { startHostProcess, type HostProcess } from '../support/host-process';
import { runCommand, type RunningCommand } from '../supervisor/running-command';

const appDir = path.join(__dirname, '../fixtures/crash-app');

/** Hosts of the crash app on one task hub, in one of the forms in which they are run. */
export interface CrashingHosts {
  /** Where to send a request now; it may be down. */
  url(): string;
  /** Kills one of them and resolves when as many take requests as before. */
  killOne(random: () => number): Promise<void>;
  stop(): Promise<void>;
  /** What they said, the newest last. */
  output(): string;
}

export type Form = 'host' | 'pair' | 'supervisor';

export interface CrashOptions {
  readonly taskHub: string;
  /** Makes an empty folder. */
  readonly makeFolder: () => Promise<string>;
}

export const startHosts: Readonly<Record<Form, (options: CrashOptions) => Promise<CrashingHosts>>> = {
  host: startOne,
  pair: startPair,
  supervisor: startSupervised,
};

async function startOne(options: CrashOptions): Promise<CrashingHosts> {
  const dataDir = await options.makeFolder();
  const start = (): Promise<HostProcess> => startHostProcess(appDir, { taskHub: options.taskHub, dataDir });
  let host = await start();
  return {
    url: () => host.url,
    async killOne() {
      await host.kill();
      host = await start();
    },
    stop: () => host.stop(),
    output: () => host.output(),
  };
}

/** One active, one standby; either is killed. */
async function startPair(options: CrashOptions): Promise<CrashingHosts> {
  const start = async (): Promise<HostProcess> =>
    startHostProcess(appDir, { taskHub: options.taskHub, dataDir: await options.makeFolder() });
  const hosts = [await start(), await start()];
  let asked = 0;
  const pick = (n: number): HostProcess => hosts[n % hosts.length]!;
  return {
    url: () => pick(asked++).url,
    async killOne(random) {
      const victim = random() < 0.5 ? 0 : 1;
      await pick(victim).kill();
      hosts[victim] = await start();
    },
    async stop() {
      await Promise.all(hosts.map((host) => host.stop()));
    },
    output: () => hosts.map((host) => host.output()).join('\n--\n'),
  };
}

/** As `npm start` runs it; the host's process is killed, now and then the supervisor itself. */
async function startSupervised(options: CrashOptions): Promise<CrashingHosts> {
  const port = await findFreePort();
  const args = ['start', '--app', appDir, '--port', String(port), '--data', await options.makeFolder()];
  const start = async (): Promise<RunningCommand> => {
    const command = runCommand([...args, '--task-hub', options.taskHub, '--no-watch'], appDir);
    await command.sees(/ready: /);
    return command;
  };
  let command = await start();
  return {
    url: () => `http://127.0.0.1:${port}`,
    async killOne(random) {
      if (random() < 0.2) {
        command.signal('SIGKILL');
        await command.ended;
        command = await start();
        return;
      }
      const ready = [...command.output().matchAll(/ready: /g)].length;
      process.kill(childOf(command.pid), 'SIGKILL');
      await command.sees(/ready: /, ready + 1);
    },
    async stop() {
      command.signal('SIGTERM');
      await command.ended;
    },
    output: () => command.output(),
  };
}

function childOf(pid: number): number {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').map(Number);
  if (child === undefined || child === 0) throw new Error(`Process ${pid} has no child.`);
  return child;
}
