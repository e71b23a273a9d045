import type { RegisteredFunction } from '../app/registered-function';
import type { ExecutionInfo } from '../engine/execution';
import {
  executorOf,
  hasEnded,
  hasRetryMarks,
  heedRetryMarks,
  onExecutor,
  isStuck,
  toMessage,
  type Executor,
  type LibraryEvent,
} from './executor-seam';
import type { DurableFunctions } from './ports';

/** An orchestrator function together with the execution it runs for. */
export interface Program {
  readonly functions: DurableFunctions;
  readonly fn: RegisteredFunction;
  readonly about: ExecutionInfo;
  readonly httpPollMs: number;
}

export interface Started {
  readonly context: unknown;
  readonly answer: unknown;
}

/**
 * Calls the registered handler with a history. It runs as far as the history goes before this returns, unless the app's
 * hooks come first. `made` is told of the executor before it is given any event. A replay for the engine's own ends (`isQuiet`) is no invocation and runs none.
 */
export function callHandler(
  { functions, fn, about, httpPollMs }: Program,
  history: readonly LibraryEvent[],
  isQuiet: boolean,
  runsHooks = false,
  made?: (executor: Executor) => void,
): Started {
  const invocation = functions.openInvocation(fn, { instanceId: about.instanceId, trace: about.trace });
  if (isQuiet) silence(invocation.context);
  const heedsMarks = hasRetryMarks(history);
  if (heedsMarks || made !== undefined) {
    onExecutor(invocation.context as object, (executor) => {
      if (heedsMarks) heedRetryMarks(executor);
      made?.(executor);
    });
  }
  const trigger = {
    history,
    input: JSON.parse(about.input) as unknown,
    instanceId: about.instanceId,
    isReplaying: isQuiet,
    parentInstanceId: about.parentInstanceId ?? null,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 3,
    longRunningTimerIntervalDuration: '3.00:00:00',
    // One timer for any length: the library would cut timers beyond this into pieces with ids of their own.
    maximumShortTimerDuration: '36500.00:00:00',
    defaultHttpAsyncRequestSleepTimeMillseconds: httpPollMs,
  };
  const answer = runsHooks ? invocation.runHooked(trigger) : invocation.callback(trigger, invocation.context);
  if (answer instanceof Promise) answer.catch(() => undefined);
  return { context: invocation.context, answer };
}

/** Keeps what the code logs during a replay that the app did not ask for out of the log. */
function silence(context: unknown): void {
  const quiet = (): void => undefined;
  for (const method of ['log', 'trace', 'debug', 'info', 'warn', 'error']) {
    Object.defineProperty(context, method, { value: quiet, configurable: true });
  }
}

/** The executor of a handler that was called; waits for the handler only when it has not come to a point by itself. */
export function executorAfter(started: Started): Executor | Promise<Executor> {
  const executor = executorOf(started.context);
  if (executor !== undefined && !isStuck(executor)) return executor;
  return awaitExecutor(started);
}

async function awaitExecutor({ context, answer }: Started): Promise<Executor> {
  try {
    await answer;
  } catch (error) {
    const executor = executorOf(context);
    if (executor === undefined || !hasEnded(executor)) throw new Error(toMessage(error), { cause: error });
  }
  const executor = executorOf(context);
  if (executor === undefined) {
    throw new Error(
      "Its handler is no orchestrator of 'durable-functions' 3.5 (the context has no executor that this host can read).",
    );
  }
  if (isStuck(executor)) throw new Error('undefined');
  return executor;
}
