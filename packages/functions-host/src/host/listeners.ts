import path from 'node:path';
import type { FunctionRuntime } from '../app/function-runtime';
import type { Invoker } from '../app/invocation';
import type { Clock } from '../clock';
import type { HostLog } from '../log';
import { messageOf } from '../supervisor/failures';
import { isShorterThanMinute, parseSchedule } from '../triggers/schedule';
import { createBlobStatusStore, createFileStatusStore, type ScheduleStatusStore } from '../triggers/schedule-status';
import { hostStorage, type StorageAccounts } from '../triggers/storage-account';
import { createTimerTrigger } from '../triggers/timer-trigger';
import type { TriggerListener } from '../triggers/trigger-listener';
import type { HostJson } from './host-json';
import type { Settings } from './settings';
import { StartError } from './start-error';

export interface ListenerParts {
  readonly runtimes: readonly FunctionRuntime[];
  readonly invoker: Invoker;
  readonly accounts: StorageAccounts;
  readonly settings: Settings;
  readonly hostJson: HostJson;
  readonly hostId: string;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: HostLog;
}

/**
 * Listeners of all functions whose triggers the host itself watches: timers and blobs.
 * @throws StartError naming the functions whose triggers are not valid.
 */
export function createListeners(parts: ListenerParts): TriggerListener[] {
  const problems: string[] = [];
  const listeners = parts.runtimes.flatMap((runtime) => {
    const create = kinds[runtime.fn.trigger.type];
    if (create === undefined) return [];
    try {
      return [create(parts, runtime)];
    } catch (error) {
      problems.push(`Function '${runtime.fn.name}': ${messageOf(error)}`);
      return [];
    }
  });
  if (problems.length > 0) throw new StartError(problems.join('\n'));
  return listeners;
}

const kinds: Readonly<Record<string, (parts: ListenerParts, runtime: FunctionRuntime) => TriggerListener>> = {
  timerTrigger: toTimerTrigger,
};

function toTimerTrigger(parts: ListenerParts, runtime: FunctionRuntime): TriggerListener {
  const { schedule: text, runOnStartup, useMonitor } = runtime.fn.trigger;
  if (typeof text !== 'string') throw new Error(`its schedule must be a text; got ${JSON.stringify(text)}.`);
  const schedule = parseSchedule(text, parts.settings.get('WEBSITE_TIME_ZONE') ?? 'UTC');
  const isKept = useMonitor !== false && !isShorterThanMinute(schedule, parts.clock.now());
  return createTimerTrigger({
    runtime,
    schedule,
    runOnStartup: runOnStartup === true,
    statuses: isKept ? toStatusStore(parts) : undefined,
    invoker: parts.invoker,
    clock: parts.clock,
    log: parts.log,
  });
}

function toStatusStore(parts: ListenerParts): ScheduleStatusStore {
  if (parts.settings.get(hostStorage) === undefined) return createFileStatusStore(path.join(parts.dataDir, 'timers'));
  parts.accounts.check(hostStorage);
  return createBlobStatusStore(parts.accounts, parts.hostId);
}
