import path from 'node:path';
import { realClock } from '../clock';
import type { HostLog } from '../log';
import type { AppWatch } from './app-watch';
import type { Children } from './children';
import { messageOf } from './failures';
import { startHostProcess } from './host-process';
import type { HostProcessOptions } from './host-process';
import { keepRunning } from './keep-running';
import type { Kept } from './keep-running';
import type { AppState } from './app-state';

export interface HostKeeperOptions {
  readonly app: AppState;
  readonly readApp: () => Promise<AppState>;
  readonly runTasks: (app: AppState) => Promise<void>;
  readonly restartStandIns: (names: readonly string[]) => Promise<void>;
  /** False when the services would have to be others. */
  readonly isSamePlan: (app: AppState) => boolean;
  /** Resolves when the services are up and the app's files are watched, if they are; when it rejects, `stop` aborts. */
  readonly prepared: Promise<AppWatch | undefined>;
  readonly start: Omit<HostProcessOptions, 'settings' | 'servicesUp' | 'onSpawn' | 'signal'>;
  /** An app that doesn't start is waited for until its files change; otherwise its failure is ours. */
  readonly maySitOut: boolean;
  readonly appDir: string;
  readonly children: Children;
  readonly log: HostLog;
  readonly stop: AbortSignal;
}

/**
 * Keeps the host's process running, and starts it anew when the app's files change, until somebody says stop or the app's
 * settings ask for other services. Answers what the app's files say by then.
 */
export async function runHost(options: HostKeeperOptions): Promise<AppState> {
  const { stop, log } = options;
  let app = options.app;
  let isFirst = true;
  let kept: Kept | undefined = keepHost(options, app, options.start.host.startedAt);
  try {
    for (;;) {
      const change = nextChange(options);
      const failure = kept && (await Promise.race([failureOf(kept), change.then(() => undefined)]));
      if (failure !== undefined && !stop.aborted) {
        if (isFirst && !options.maySitOut) throw failure;
        log.log('Error', 'Host.Startup', messageOf(failure));
        log.log('Information', 'Host.Supervisor', 'Waiting for a change of the app to start it again');
      }
      const files = await change;
      if (stop.aborted) return app;
      isFirst = false;
      const onlyStandIns = standInsOf(options, app, files);
      if (onlyStandIns) {
        log.log(
          'Information',
          'Host.Supervisor',
          `${files.join(', ')} changed; starting ${onlyStandIns.join(', ')} again`,
        );
        await options
          .restartStandIns(onlyStandIns)
          .catch((error: unknown) => log.log('Error', 'Host.Supervisor', messageOf(error)));
        continue;
      }
      log.log('Information', 'Host.Supervisor', `${summarise(files)} changed; starting the host again`);
      const since = realClock.now();
      const next = await options.readApp().catch((error: unknown) => {
        log.log('Error', 'Host.Supervisor', `${messageOf(error)}\nThe settings stay as they were`);
        return app;
      });
      await kept?.stop();
      kept = undefined;
      app = next;
      if (!options.isSamePlan(app)) return app;
      kept = await options.runTasks(app).then(
        () => keepHost(options, app, since),
        (error: unknown) => {
          if (!stop.aborted)
            log.log(
              'Error',
              'Host.Supervisor',
              `${messageOf(error)}\nWaiting for a change of the app to start it again`,
            );
          return undefined;
        },
      );
    }
  } finally {
    await kept?.stop();
  }
}

function keepHost(
  { start, prepared, children, log }: HostKeeperOptions,
  { settings, cors }: AppState,
  startedAt: number,
): Kept {
  let times = 0;
  return keepRunning(
    {
      name: 'Host process',
      summary: `127.0.0.1:${start.host.port}`,
      start: (call) => {
        times += 1;
        const host = { ...start.host, ...(cors && { cors }), startedAt: times === 1 ? startedAt : realClock.now() };
        return startHostProcess({ ...start, host, settings, servicesUp: prepared, ...call });
      },
    },
    children,
    log,
  );
}

function failureOf(kept: Kept): Promise<Error | undefined> {
  return kept.started.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error(messageOf(error))),
  );
}

/** Resolves with the changed files, or with none when somebody says stop. */
async function nextChange({ prepared, stop }: HostKeeperOptions): Promise<string[]> {
  const watch = await prepared.catch(() => undefined);
  if (watch) return watch.nextChange(stop).catch(() => []);
  return new Promise((resolve) => {
    if (stop.aborted) resolve([]);
    stop.addEventListener('abort', () => resolve([]), { once: true });
  });
}

/** The stand-ins whose programs changed, when nothing else did. */
function standInsOf(
  { appDir }: HostKeeperOptions,
  { manifest }: AppState,
  files: readonly string[],
): string[] | undefined {
  const changed = new Set(files.map((file) => path.resolve(appDir, file)));
  const services = manifest.services.filter(({ entry }) => changed.delete(entry));
  return changed.size === 0 && services.length > 0 ? services.map(({ name }) => name) : undefined;
}

function summarise(files: readonly string[]): string {
  return files.length > 3 ? `${files.slice(0, 3).join(', ')} and ${files.length - 3} more files` : files.join(', ');
}
