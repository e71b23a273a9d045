/*
 * The program of the host's process: it takes its options from the environment, starts the host and tells the supervisor over IPC how
 * that went. It stops when it is told to, on a signal, and when the channel to the supervisor ends: a host without its
 * supervisor would hold the port and the task hub against the next one.
 */
import { inspect } from 'node:util';
import { loadOnly, openHost } from './host/host';
import type { Host, HostOptions } from './host/options';
import { StartError } from './host/start-error';
import { hostGraceMs, lostHubExitCode, optionsVariable } from './supervisor/host-process';
import type { GoMessage, HostMessage, StopMessage, TryOptions, WaitsWith } from './supervisor/host-process';

let host: Host | undefined;
let isStopping = false;

function readOptions(): HostOptions {
  const text = process.env[optionsVariable];
  if (text === undefined) throw new StartError('This program is started by `functions-host start`, not by hand.', 2);
  // The app shall see its settings and nothing of ours.
  Reflect.deleteProperty(process.env, optionsVariable);
  const settings = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? '']));
  return { ...(JSON.parse(text) as Omit<HostOptions, 'settings'>), settings };
}

function stop(exitCode = 0): void {
  if (isStopping) return;
  isStopping = true;
  // What is in the middle of starting has taken no work yet, and what runs over its time runs again at the next start.
  setTimeout(() => process.exit(exitCode), hostGraceMs).unref();
  if (!host) process.exit(exitCode);
  host.stop().then(
    () => process.exit(exitCode),
    (error: unknown) => {
      process.stderr.write(`${inspect(error)}\n`);
      process.exit(1);
    },
  );
}

function tell(message: HostMessage, then: () => void): void {
  if (process.send && process.connected) process.send(message, undefined, undefined, then);
  else then();
}

process.on('disconnect', () => stop());
process.on('SIGTERM', () => stop());
process.on('SIGINT', () => stop());
const servicesUp = new Promise<void>((resolve) => {
  process.on('message', (message: Partial<StopMessage | GoMessage>) => {
    if (message.type === 'stop') stop();
    else if (message.type === 'go') resolve();
  });
});

async function main(): Promise<void> {
  try {
    const options = readOptions();
    if ((options as Partial<TryOptions>).loadOnly) {
      tell({ type: 'loaded', app: await loadOnly(options) }, () => process.exit(0));
      return;
    }
    const { waitsWith } = options as { readonly waitsWith?: WaitsWith };
    if (waitsWith === 'app') await servicesUp;
    host = await openHost({ ...options, ...(waitsWith === 'task hub' && { taskHubUp: servicesUp }) });
    tell({ type: 'ready', url: host.url, functions: host.functionNames }, () => undefined);
    // Started again, it becomes the standby of the host that replaced it.
    void host.lost.then(() => stop(lostHubExitCode));
  } catch (error) {
    const isStartError = error instanceof StartError;
    const message = isStartError ? error.message : inspect(error);
    const exitCode = isStartError ? error.exitCode : 1;
    if (!process.connected) process.stderr.write(`${message}\n`);
    tell({ type: 'failed', exitCode, message }, () => process.exit(exitCode));
  }
}

void main();
