import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostOptions, LoadedApp } from '../host/options';
import { StartError } from '../host/start-error';
import type { InspectOptions } from './command-line';
import { DiedAtStart } from './failures';
import { endOf, onAbort } from './running';
import type { Running } from './running';
import { forkDetached } from './tethered';

/** Variable that carries `HostOptions` without the settings, which are the child's environment, as JSON. */
export const optionsVariable = 'FUNCTIONS_HOST_OPTIONS';

/** What goes through it. */
export type SentOptions = Omit<HostOptions, 'settings' | 'clock' | 'taskHubUp'>;

/** How the process is told to load the app and no more. */
export type TryOptions = SentOptions & { readonly loadOnly: true };

/** What is known of a host once it takes requests. */
export interface HostReady {
  readonly url: string;
  readonly functions: readonly string[];
}

/** What the host's process tells the supervisor. */
export type HostMessage =
  | { readonly type: 'loaded'; readonly app: LoadedApp }
  | ({ readonly type: 'ready' } & HostReady)
  | { readonly type: 'failed'; readonly exitCode: number; readonly message: string };

/** What the supervisor tells the host's process. That the channel ends means the same. */
export interface StopMessage {
  readonly type: 'stop';
}

/** Tells it that all is up that it was to wait for. */
export interface GoMessage {
  readonly type: 'go';
}

/** What a host's process waits for while services come up: before it touches the app, or its code being loaded, the task hub. */
export type WaitsWith = 'app' | 'task hub';

/** How long the host may take to let running work settle. */
export const hostGraceMs = 10_000;
/** What it needs on top of that to close everything before it is killed. */
const MARGIN_MS = 2_000;

/** The host's process ends with it when another host took its task hub over (EX_TEMPFAIL of sysexits.h). */
export const lostHubExitCode = 75;

export interface HostProcessOptions {
  readonly entry: string;
  readonly host: SentOptions;
  readonly settings: Readonly<Record<string, string>>;
  readonly inspect?: InspectOptions;
  /** Takes what the process prints, in whole lines; without it that goes where ours goes. */
  readonly output?: (text: string) => void;
  readonly onReady?: (about: HostReady) => void;
  /** How far the process may go before `servicesUp` has resolved. */
  readonly waitsWith: WaitsWith;
  /** If it rejects, somebody has to abort `signal`. */
  readonly servicesUp: Promise<unknown>;
  readonly onSpawn?: (child: ChildProcess) => void;
  /** Aborting ends a start that is under way. */
  readonly signal?: AbortSignal;
}

/**
 * Starts the process with the app in it and resolves when it says that it is ready; its output goes where ours goes,
 * unless `output` takes it.
 * Rejects with the `StartError` that it reports, or with `DiedAtStart` when it ends without a word.
 */
export async function startHostProcess({
  entry,
  host,
  settings,
  inspect,
  output,
  onReady,
  waitsWith,
  servicesUp,
  onSpawn,
  signal,
}: HostProcessOptions): Promise<Running> {
  signal?.throwIfAborted();
  const child = forkDetached(entry, {
    args: [],
    cwd: host.appDir,
    env: { ...settings, [optionsVariable]: JSON.stringify({ ...host, waitsWith }) },
    execArgv: ['--enable-source-maps', ...nodeArguments(settings, inspect)],
    stdio: output === undefined ? ['ignore', 'inherit', 'inherit', 'ipc'] : ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  if (output !== undefined) {
    for (const stream of [child.stdout, child.stderr]) if (stream !== null) passLinesOn(stream, output);
  }
  onSpawn?.(child);
  const ended = endOf(child).then((how) =>
    how === `code ${lostHubExitCode}` ? 'another host works on its task hub' : how,
  );
  const running: Running = { pid: child.pid ?? 0, ended, stop: () => stopHost(child, ended) };
  const stopListening = onAbort(signal, () => void running.stop());
  servicesUp.then(
    () => child.connected && child.send({ type: 'go' } satisfies GoMessage, () => undefined),
    () => undefined,
  );
  try {
    const outcome = await firstOutcome(child, ended);
    if (!(outcome instanceof StartError)) {
      onReady?.(outcome);
      return running;
    }
    await running.stop();
    throw outcome;
  } finally {
    stopListening();
  }
}

/** A pipe cuts what it carries anywhere. */
function passLinesOn(stream: Readable, output: (text: string) => void): void {
  let begun = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const end = text.lastIndexOf('\n') + 1;
    const whole = end === 0 ? '' : begun + text.slice(0, end);
    begun = end === 0 ? begun + text : text.slice(end);
    if (whole !== '') output(whole);
  });
  stream.once('end', () => {
    if (begun !== '') output(begun);
  });
}

function firstOutcome(child: ChildProcess, ended: Promise<string>): Promise<HostReady | StartError> {
  return new Promise((resolve) => {
    child.on('message', (message: HostMessage) => {
      if (message.type === 'ready') resolve({ url: message.url, functions: message.functions });
      else if (message.type === 'failed') resolve(new StartError(message.message, message.exitCode));
    });
    void ended.then((how) => resolve(new DiedAtStart(`Host process ended (${how}) before it was ready.`)));
  });
}

async function stopHost(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  // One that can't be told any more has lost its channel, and stops for that.
  if (child.connected) child.send({ type: 'stop' } satisfies StopMessage, () => undefined);
  const patience = new AbortController();
  const late = delay(hostGraceMs + MARGIN_MS, 'late' as const, { signal: patience.signal }).catch(
    () => 'ended' as const,
  );
  const outcome = await Promise.race([ended, late]);
  patience.abort();
  if (outcome === 'late') child.kill('SIGKILL');
  await ended;
}

/** Arguments for Node itself: those of the command line win over those of the setting that Azure has for them. */
function nodeArguments(settings: Readonly<Record<string, string>>, inspect: InspectOptions | undefined): string[] {
  const text = settings['languageWorkers:node:arguments'] ?? settings['languageWorkers__node__arguments'] ?? '';
  const given = text.split(/\s+/).filter((argument) => argument !== '');
  if (inspect === undefined) return given;
  const own = `${inspect.brk ? '--inspect-brk' : '--inspect'}=127.0.0.1:${inspect.port}`;
  return [...given.filter((argument) => !argument.startsWith('--inspect')), own];
}
