import path from 'node:path';
import type { FunctionRuntime } from '../app/function-runtime';
import { isShorterThanMinute, parseSchedule } from '../triggers/schedule';
import {
  createBlobStatusStore,
  createFileStatusStore,
  createMemoryStatusStore,
  noteStatusWork,
  type ScheduleStatusStore,
} from '../triggers/schedule-status';
import { hasStorageConnection, hostStorage } from '../triggers/storage-connection';
import { createTimerTrigger } from '../triggers/timer-trigger';
import type { TriggerListener } from '../triggers/trigger-listener';
import type { ListenerParts } from './listeners';

/** The listener of a timer function. @throws Error that says what is wrong with its schedule or storage. */
export function toTimerTrigger(parts: ListenerParts, runtime: FunctionRuntime): TriggerListener {
  const { schedule: text, runOnStartup, useMonitor } = runtime.fn.trigger;
  if (typeof text !== 'string') throw new Error(`its schedule must be a text; got ${JSON.stringify(text)}.`);
  const schedule = parseSchedule(text, parts.settings.get('WEBSITE_TIME_ZONE') ?? 'UTC');
  // Asked first, for a schedule that never occurs is an error of the function.
  const isKept = !isShorterThanMinute(schedule, parts.clock.now()) && useMonitor !== false;
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
  const { settings, accounts, hostId, dataDir, inFlight } = parts;
  if (dataDir === undefined) return createMemoryStatusStore();
  const isInStorage = hasStorageConnection(settings, hostStorage, 'blob');
  const statuses = isInStorage
    ? createBlobStatusStore(accounts, hostId)
    : createFileStatusStore(path.join(dataDir, 'timers'));
  return noteStatusWork(statuses, inFlight);
}
