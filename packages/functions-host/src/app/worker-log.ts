import type { HostLog, LogDetails, LogLevel } from '../log';
import type { Hooks } from './hooks';
import type { WorkerLogCategory, WorkerLogLevel } from './programming-model';

const hostLevels: Readonly<Record<WorkerLogLevel, LogLevel | undefined>> = {
  trace: 'Trace',
  debug: 'Debug',
  information: 'Information',
  warning: 'Warning',
  error: 'Error',
  critical: 'Critical',
  none: undefined,
};

/** Where a line comes from: an invocation, or (without one) the library itself. */
export interface WorkerLogSource {
  /** host.json category of the function's own lines, e.g. `Function.placeOrder.User`. */
  readonly userCategory: string;
  readonly details: LogDetails;
  readonly context?: unknown;
}

const systemCategory = 'Worker.rpcWorkerProcess';

/** Passes a line of the app or its library through the app's log hooks, which may change level and message, to the host's log. */
export function logFromWorker(
  log: HostLog,
  hooks: Hooks,
  source: WorkerLogSource,
  level: WorkerLogLevel,
  category: WorkerLogCategory,
  message: string,
): void {
  let line: { level: WorkerLogLevel; message: string } = { level, message };
  if (hooks.has('log')) {
    const context = { level, message, category, invocationContext: source.context, hookData: {} };
    hooks.runNow('log', context);
    line = context;
  }
  const hostLevel = hostLevels[line.level];
  if (hostLevel === undefined) return;
  log.log(hostLevel, category === 'user' ? source.userCategory : systemCategory, line.message, source.details);
}
