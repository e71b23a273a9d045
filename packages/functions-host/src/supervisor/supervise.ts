/*
 * The supervisor's life: settings are read, the data folder is taken, what an earlier run left is ended, a plan is made of
 * what to start, the services come up, the app's tasks run, and then the host's process is kept running until somebody says stop.
 * That process is started beside the services already, and told when they are up.
 * Everything that is started is ended in the reverse order, however this ends, so each step is wrapped by the one before.
 *
 * A change of the app's files starts the host anew, and nothing else; only a change of settings that decide about services
 * makes a new plan.
 */
import path from 'node:path';
import { realClock } from '../clock';
import type { HostOutput } from '../host/host-output';
import { findFreePort, tryListen } from './addresses';
import { decidesAlike, hubSetting, readApp } from './app-state';
import type { AppState } from './app-state';
import { watchApp } from './app-watch';
import type { AppWatch } from './app-watch';
import { endLeftoverChildren, trackChildren } from './children';
import type { Children } from './children';
import { toTaskHub } from './command-line';
import type { CommandOptions } from './command-line';
import { emptyDataFolder, openDataFolder, requireCleanable, stopLeftoverServers } from './data-folder';
import type { DataFolder } from './data-folder';
import { StartError } from '../host/start-error';
import { messageOf } from './failures';
import { runHost } from './host-keeper';
import type { HostReady, SentOptions } from './host-process';
import { planServices, servicesOf } from './plan';
import type { Plan, TaskHubChoice } from './plan';
import { onAbort } from './running';
import { runServices } from './running-services';
import { runTask } from './tasks';

export const defaultPort = 7071;

export interface SuperviseOptions extends CommandOptions {
  readonly command: 'start' | 'services';
  /** False: the host alone; all that its settings name is there already. */
  readonly services: boolean;
  readonly environment: NodeJS.ProcessEnv;
  /** Settings above those of the environment. */
  readonly given?: Readonly<Record<string, string>>;
  readonly output: HostOutput;
  /** Milliseconds since the Unix epoch at which the command was given. */
  readonly startedAt: number;
  /** The program of the host's process. */
  readonly hostEntry: string;
  /** Somebody sits before it, who can put right what keeps the app from starting. */
  readonly isInteractive: boolean;
  /** Told how to end everything at once. */
  readonly onKill: (killAll: () => void) => void;
  /** Takes what the host's process prints; without it that goes where ours goes. */
  readonly hostOutput?: (text: string) => void;
  /** Told each time the host takes requests. */
  readonly onReady?: (about: HostReady) => void;
}

/** Runs until `stop` aborts; rejects with a `StartError` when it can't start or go on. Nothing is left running. */
export async function supervise(options: SuperviseOptions, stop: AbortSignal): Promise<void> {
  const { dataDir, output } = options;
  let app = await readAppOf(options);
  if (options.clean) await requireCleanable(dataDir);
  const folder = await openDataFolder(dataDir);
  try {
    await endLeftoverChildren(folder.childrenFile);
    await stopLeftoverServers(folder);
    if (options.clean) await emptyDataFolder(folder);
    const port = await choosePort(options, app);
    await checkInspectPort(options);
    const children = trackChildren(folder.childrenFile);
    options.onKill(() => children.killAll());
    while (!stop.aborted) app = await runOnce(options, app, folder, port, children, stop);
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    await folder.release();
    output.flush();
  }
}

/** One plan, from its start to its end; answers what the app's files say by then. */
async function runOnce(
  options: SuperviseOptions,
  app: AppState,
  folder: DataFolder,
  port: number,
  children: Children,
  stop: AbortSignal,
): Promise<AppState> {
  const { log } = options.output;
  const { appDir } = options;
  const taskHub = chooseTaskHub(options, app);
  const plan = options.services ? await planServices({ ...app, appDir, folder, log, taskHub }) : hostAlone(taskHub);
  const services = runServices(plan, children, log);
  const ending = new AbortController();
  // What keeps the services from coming up ends the host, and the other way round.
  const stopListening = onAbort(stop, () => ending.abort());
  const end = ending.signal;
  const runTasks = async (current: AppState): Promise<void> => {
    for (const task of options.services ? current.manifest.tasks : []) {
      const logFile = folder.logFile(task.name);
      await runTask(task, { appDir, env: current.settings, logFile, children, log, signal: end });
    }
  };
  const comeUp = async (): Promise<void> => {
    await untilStopped(services.databasesUp(), end);
    await Promise.all([runTasks(app), untilStopped(services.allUp(), end)]);
  };
  const watch = async (): Promise<AppWatch | undefined> =>
    options.watch && options.command === 'start'
      ? watchApp(appDir, app.manifest.main, folder.dir, filesOf(app))
      : undefined;
  const waitsWith = canUseNothing(plan, app) ? 'task hub' : 'app';
  const prepare = async (): Promise<AppWatch | undefined> => {
    // Before the app's code is read, and after the tasks: they may write to its folder.
    const [early] = await Promise.all([waitsWith === 'app' ? undefined : watch(), comeUp()]);
    return early ?? watch();
  };
  const prepared = prepare();
  prepared.catch(() => ending.abort());
  try {
    if (options.command === 'services') {
      await prepared;
      announceServices(options, plan);
      await untilStopped(new Promise(() => undefined), stop);
      return app;
    }
    const next = await runHost({
      app,
      readApp: () => readAppOf(options),
      runTasks,
      restartStandIns: (names) => services.restart(names),
      isSamePlan: (other) => decidesAlike(other, app),
      prepared,
      start: {
        entry: options.hostEntry,
        ...(options.inspect && { inspect: options.inspect }),
        ...(options.hostOutput && { output: options.hostOutput }),
        ...(options.onReady && { onReady: options.onReady }),
        host: toSentOptions(options, folder, port, plan),
        waitsWith,
      },
      maySitOut: options.watch && options.isInteractive,
      appDir,
      children,
      log,
      stop: end,
    });
    await prepared;
    return next;
  } finally {
    stopListening();
    ending.abort();
    await prepared.catch(() => undefined);
    await services.stop();
  }
}

/** Files that decide what is started, beside those that every app has. */
function filesOf({ manifest }: AppState): readonly string[] {
  return manifest.serviceBus === undefined ? [] : [manifest.serviceBus.config];
}

/** No service that is coming up is known to the app, and no task comes before it: its code can be loaded meanwhile. */
function canUseNothing(plan: Plan, { manifest }: AppState): boolean {
  return manifest.tasks.length === 0 && servicesOf(plan).every(({ isForHostAlone }) => isForHostAlone);
}

function toSentOptions(options: SuperviseOptions, folder: DataFolder, port: number, plan: Plan): SentOptions {
  const { appDir, auth, logFormat, verifyReplay, startedAt, functions } = options;
  return {
    ...{ appDir, port, auth, logFormat, verifyReplay, startedAt },
    dataDir: path.join(folder.dir, 'host'),
    taskHub: plan.taskHub ?? 'memory',
    ...(functions && { functions }),
  };
}

function readAppOf({ appDir, environment, given }: SuperviseOptions): Promise<AppState> {
  return readApp(appDir, environment, given);
}

function hostAlone(taskHub: TaskHubChoice): Plan {
  return {
    databases: [],
    storage: [],
    serviceBus: [],
    standIns: [],
    taskHub: taskHub.kind === 'url' ? taskHub.url : 'memory',
  };
}

function chooseTaskHub(options: SuperviseOptions, { settings }: AppState): TaskHubChoice {
  if (options.command === 'services') return { kind: 'none' };
  const name = options.taskHub === undefined ? hubSetting : '--task-hub';
  const url = options.taskHub ?? toTaskHub(settings[hubSetting] || undefined, hubSetting, 1);
  if (url === undefined) return { kind: 'default' };
  return url === 'memory' ? { kind: 'memory' } : { kind: 'url', name, url };
}

async function choosePort({ port, command }: SuperviseOptions, app: AppState): Promise<number> {
  const wanted = port ?? app.port ?? defaultPort;
  if (command === 'services') return wanted;
  // A restart of the host must come back on the same port.
  if (wanted === 0) return findFreePort();
  const problem = await tryListen({ host: '127.0.0.1', port: wanted });
  if (problem === undefined) return wanted;
  throw new StartError(
    problem === 'EADDRINUSE'
      ? `Port ${wanted} is in use by another process. End it, or take another port with --port N.`
      : `Port ${wanted} can't be listened on (${problem}). Take another with --port N.`,
  );
}

/** Node itself would only warn, and go on without. */
async function checkInspectPort({ inspect, command }: SuperviseOptions): Promise<void> {
  if (inspect === undefined) return;
  if (command === 'services') throw new StartError('--inspect goes with start: services run no app.', 2);
  const problem = await tryListen({ host: '127.0.0.1', port: inspect.port });
  if (problem !== undefined) {
    throw new StartError(
      `Port ${inspect.port} for the debugger can't be listened on (${problem}). Take another with --inspect=N.`,
    );
  }
}

function announceServices({ output, startedAt, logFormat }: SuperviseOptions, plan: Plan): void {
  if (servicesOf(plan).length === 0) output.log.log('Information', 'Host.Supervisor', 'Nothing had to be started');
  const elapsedMs = realClock.now() - startedAt;
  output.flush();
  process.stdout.write(
    logFormat === 'json'
      ? `${JSON.stringify({ message: 'ready', elapsedMs })}\n`
      : `ready (${(elapsedMs / 1000).toFixed(2)} s)\n`,
  );
}

/** What `work` comes to, or a rejection as soon as somebody says stop. */
function untilStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onStop = (): void => reject(new StartError('Stopped.'));
    if (stop.aborted) onStop();
    stop.addEventListener('abort', onStop, { once: true });
    work
      .then(resolve, (error: unknown) => reject(error instanceof Error ? error : new Error(messageOf(error))))
      .finally(() => stop.removeEventListener('abort', onStop));
  });
}
