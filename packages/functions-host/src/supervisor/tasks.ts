import { existsSync } from 'node:fs';
import { realClock } from '../clock';
import type { HostLog } from '../log';
import type { TaskEntry } from './app-manifest';
import type { Children } from './children';
import { StartError } from '../host/start-error';
import { openLogFile } from './log-files';
import { onAbort } from './running';
import { forkTethered, toRunning } from './tethered';

export interface TaskCall {
  readonly appDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly children: Children;
  readonly log: HostLog;
  readonly signal: AbortSignal;
}

/** Runs one of the app's tasks to its end; throws a `StartError` with its last words when it ends with anything but 0. */
export async function runTask(
  task: TaskEntry,
  { appDir, env, logFile, children, log, signal }: TaskCall,
): Promise<void> {
  if (!existsSync(task.entry)) {
    throw new StartError(
      `functions-host.tasks.${task.name} of package.json: there is no file ${task.entry}. If it is built, build it first.`,
    );
  }
  signal.throwIfAborted();
  const since = realClock.now();
  const output = await openLogFile(logFile);
  const child = forkTethered({ entry: task.entry, cwd: appDir, env, output: output.fd });
  output.close();
  children.track(task.name, child);
  const running = toRunning(child);
  const stopListening = onAbort(signal, () => void running.stop());
  const end = await running.ended;
  stopListening();
  signal.throwIfAborted();
  if (end !== 'code 0') {
    throw new StartError(
      `The task ${task.name} ended with ${end}. Its last lines, of ${output.path}:\n${await output.tail()}`,
    );
  }
  log.log('Information', 'Host.Supervisor', `${task.name} done (${((realClock.now() - since) / 1000).toFixed(2)} s)`);
}
