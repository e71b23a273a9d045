/*
 * One invocation of a function.
 *
 * The library splits an invocation into steps so that the host can come between them: arguments, pre-invocation hooks
 * (which may replace inputs and handler), the handler, post-invocation hooks (which may replace result and error), the
 * answer. The order, and who may change what, is what apps and their hooks rely on.
 *
 * A handler that runs past `functionTimeout` can't be stopped in JavaScript: its invocation fails, the handler runs on
 * without anyone listening, and what it would have returned is dropped. Outputs are written after the handler and before
 * the invocation counts as succeeded; a failed write fails it.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock';
import type { InFlight } from '../in-flight';
import type { HostLog, LogDetails } from '../log';
import type { Trace, TraceFields } from '../tracing/trace-context';
import type { Tracer } from '../tracing/tracer';
import type { BindingData, FunctionRuntime } from './function-runtime';
import { runHooked } from './hooked-run';
import { standBelow, toSpanError, type BegunSpan, type SpanAbout } from './invocation-span';
import type { Hooks } from './hooks';
import type {
  CoreInvocation,
  FunctionCallback,
  InvocationResponse,
  ProgrammingModel,
  RetryContext,
} from './programming-model';
import type { NamedData, TypedData } from './typed-data';
import { logFromWorker } from './worker-log';

/** What a trigger knows about the run that it asks for. */
export interface InvocationCall {
  /** Shown in the log: why the function runs. */
  readonly reason: string;
  readonly trigger: TypedData;
  readonly triggerMetadata?: Readonly<Record<string, TypedData>>;
  /** Called only when a binding needs it. */
  readonly bindingData?: () => BindingData;
  readonly retryContext?: RetryContext;
  /** Where the caller stands in a trace, if it said so. */
  readonly trace?: Trace | undefined;
  /** The run as a span; by the function's name unless given. */
  readonly span?: () => SpanAbout;
  /** Given by who tells of the run as a span itself, in place of `trace` and `span`. */
  readonly traceContext?: TraceFields;
  /** Shown in a line of its own after the start of the run. */
  readonly triggerDetails?: string;
  /** Changes the handler's result before the library encodes it. */
  readonly beforeResponse?: (result: unknown) => unknown;
  /** Made by the caller when it must know the id beforehand (streamed HTTP). */
  readonly invocationId?: string;
  /** Its answer may stay open: whoever tells of the request tells of the run, until the answer begins. */
  readonly isStreamed?: boolean;
}

export interface InvokerOptions {
  readonly model: ProgrammingModel;
  readonly hooks: Hooks;
  readonly log: HostLog;
  readonly clock: Clock;
  readonly tracer?: Tracer | undefined;
  /** Told of each run, when given. */
  readonly inFlight?: InFlight | undefined;
  /** Milliseconds; undefined for no limit. */
  readonly timeoutMs: number | undefined;
}

/** What the log says about a run. */
interface RunAbout {
  readonly reason: string;
  readonly invocationId: string;
  readonly instanceId?: string;
  /** Input of an activity (JSON). A saga's step has its key first in it. */
  readonly input?: string;
  readonly span?: BegunSpan | undefined;
  /** False if somebody else tells of it as being under way. */
  readonly isNoted?: boolean;
}

/** Runs functions and knows how many are running. */
export interface Invoker {
  /** Runs a function through the programming model. Rejects with the handler's own error. */
  invoke(runtime: FunctionRuntime, call: InvocationCall): Promise<InvocationResponse>;
  /**
   * Puts log lines, function timeout and the count of running invocations around `run`, which does the work itself and
   * can ask whether its time was over meanwhile: then it must have no further effect. It fails by rejecting only.
   */
  observe<T>(runtime: FunctionRuntime, about: RunAbout, run: (isOver: () => boolean) => Promise<T>): Promise<T>;
  /** Runs a handler that the caller has arguments and a context for, between the app's hooks. Rejects with the handler's own error. */
  runHooked(context: unknown, args: unknown[], callback: FunctionCallback): Promise<unknown>;
  /**
   * Resolves when nothing runs any more, or after `graceMs`; answers how many invocations were left running. Whoever waits
   * for an invocation that has ended knows of it by then.
   */
  settle(graceMs: number): Promise<number>;
}

/** Says that a function took longer than host.json's `functionTimeout`. */
class FunctionTimeoutError extends Error {
  override readonly name = 'FunctionTimeoutError';
}

const emptyMetadata: Readonly<Record<string, TypedData>> = {};
const noBindingData: BindingData = {};

/** The invoker of one app. */
export function createInvoker(options: InvokerOptions): Invoker {
  const { log, clock, timeoutMs, inFlight, tracer } = options;
  const appHookData = {};
  let running = 0;
  let whenIdle: (() => void) | undefined;

  const ended = (finish: (() => void) | undefined): void => {
    finish?.();
    running--;
    if (running === 0) whenIdle?.();
  };

  // Not an async function: of all that runs for an activity this is called most, and callbacks cost less than a wait.
  const observe: Invoker['observe'] = (runtime, about, run) => {
    const startedAt = clock.now();
    const { category, displayName } = runtime;
    const { reason, invocationId } = about;
    if (log.isEnabled('Information', category)) {
      const message = `Executing '${displayName}' (Reason='${reason}', Id=${invocationId})`;
      log.log('Information', category, message, toDetails(runtime, about));
    }
    running++;
    const finish = about.isNoted === false ? undefined : inFlight?.begin(toWork(runtime, about));
    let isOver = false;
    const begun = run(() => isOver);
    const work = timeoutMs === undefined ? begun : withTimeout(begun, timeoutMs, clock, runtime);
    return work.then(
      (result) => {
        if (log.isEnabled('Information', category)) {
          const took = clock.now() - startedAt;
          const message = `Executed '${displayName}' (Succeeded, Id=${invocationId}, Duration=${took}ms)`;
          log.log('Information', category, message, toDetails(runtime, about));
        }
        isOver = true;
        if (about.span !== undefined) tracer?.record({ ...about.span, startAt: startedAt, endAt: clock.now() });
        ended(finish);
        return result;
      },
      (error: unknown) => {
        const took = clock.now() - startedAt;
        const message = `Executed '${displayName}' (Failed, Id=${invocationId}, Duration=${took}ms)`;
        log.log('Error', category, message, { ...toDetails(runtime, about), error });
        isOver = true;
        if (about.span !== undefined) {
          tracer?.record({ ...about.span, startAt: startedAt, endAt: clock.now(), error: toSpanError(error) });
        }
        ended(finish);
        // The handler's own value, thrown on as it came.
        throw error;
      },
    );
  };

  return {
    invoke(runtime, call) {
      const invocationId = call.invocationId ?? randomUUID();
      const { traceContext, span } =
        call.traceContext === undefined
          ? standBelow(call.trace, tracer, runtime, invocationId, call.span)
          : { traceContext: call.traceContext, span: undefined };
      const about = { reason: call.reason, invocationId, isNoted: call.isStreamed !== true, span };
      return observe(runtime, about, (isOver) => {
        if (call.triggerDetails !== undefined) {
          const details = { functionName: runtime.fn.name, invocationId };
          log.log('Information', runtime.category, `Trigger Details: ${call.triggerDetails}`, details);
        }
        return runThroughModel(options, appHookData, runtime, { ...call, invocationId, traceContext }, isOver);
      });
    },
    observe,
    runHooked: (context, args, callback) =>
      runHooked({ hooks: options.hooks, appHookData, context }, args, callback, async (hookedArgs, hooked) =>
        hooked(...hookedArgs, context),
      ),
    async settle(graceMs) {
      if (running > 0) {
        await new Promise<void>((resolve) => {
          const deadline = setTimeout(resolve, graceMs);
          whenIdle = () => {
            clearTimeout(deadline);
            resolve();
          };
        });
      }
      await new Promise((resolve) => setImmediate(resolve));
      return running;
    },
  };
}

function toWork({ fn }: FunctionRuntime, { instanceId, input }: RunAbout): string {
  const of = instanceId === undefined ? '' : ` of instance '${instanceId}'`;
  const step = input === undefined ? undefined : /^\{"\$step":\{"key":("(?:[^"\\]|\\.)*")/.exec(input)?.[1];
  return `function '${fn.name}'${of}${step === undefined ? '' : ` (step ${step})`}`;
}

function toDetails(runtime: FunctionRuntime, { invocationId, instanceId }: RunAbout): LogDetails {
  const functionName = runtime.fn.name;
  return instanceId === undefined ? { functionName, invocationId } : { functionName, invocationId, instanceId };
}

type PlacedCall = InvocationCall & { readonly invocationId: string; readonly traceContext: TraceFields };

async function runThroughModel(
  options: InvokerOptions,
  appHookData: object,
  runtime: FunctionRuntime,
  call: PlacedCall,
  isOver: () => boolean,
): Promise<InvocationResponse> {
  const core = toCoreInvocation(options, runtime, call, await readInputs(runtime, call));
  const model = options.model.getInvocationModel(core);
  const { context, inputs } = await model.getArguments();
  const result = await runHooked(
    { hooks: options.hooks, appHookData, context, enter: (state) => (core.state = state) },
    inputs,
    runtime.fn.callback,
    (args, callback) => model.invokeFunction(context, args, callback),
  );
  const response = await model.getResponse(context, call.beforeResponse?.(result) ?? result);
  if (runtime.outputs.size > 0 && !isOver()) await writeOutputs(runtime, response, call);
  return response;
}

function toCoreInvocation(
  options: InvokerOptions,
  runtime: FunctionRuntime,
  call: PlacedCall,
  inputData: readonly NamedData[],
): CoreInvocation {
  const { fn } = runtime;
  const { invocationId, traceContext } = call;
  return {
    invocationId,
    metadata: fn,
    request: {
      invocationId,
      functionId: fn.name,
      inputData,
      triggerMetadata: call.triggerMetadata ?? emptyMetadata,
      traceContext,
      ...(call.retryContext === undefined ? undefined : { retryContext: call.retryContext }),
    },
    log: (level, category, message) => {
      const source = { userCategory: runtime.userCategory, details: { functionName: fn.name, invocationId } };
      logFromWorker(options.log, options.hooks, source, level, category, message);
    },
  };
}

/** The trigger's value and, when the function has input bindings, theirs. */
async function readInputs(runtime: FunctionRuntime, call: InvocationCall): Promise<NamedData[]> {
  const inputData: NamedData[] = [{ name: runtime.fn.trigger.name, data: call.trigger }];
  if (runtime.inputs.length === 0) return inputData;
  const data = call.bindingData?.() ?? noBindingData;
  for (const { name, read } of runtime.inputs) {
    const value = await read(data);
    if (value !== undefined) inputData.push({ name, data: value });
  }
  return inputData;
}

async function writeOutputs(
  runtime: FunctionRuntime,
  response: InvocationResponse,
  call: InvocationCall,
): Promise<void> {
  const data = call.bindingData?.() ?? noBindingData;
  for (const [name, write] of runtime.outputs) {
    const value =
      name === '$return' ? response.returnValue : response.outputData?.find((output) => output.name === name)?.data;
    if (value !== undefined && value !== null) await write(value, data);
  }
}

function withTimeout<T>(run: Promise<T>, timeoutMs: number, clock: Clock, runtime: FunctionRuntime): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = clock.schedule(clock.now() + timeoutMs, () => {
      reject(
        new FunctionTimeoutError(
          `Timeout value of ${toTimeSpan(timeoutMs)} was exceeded by function: ${runtime.displayName} (functionTimeout of host.json).`,
        ),
      );
    });
    run.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        // The handler's own value, thrown on as it came.
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
        reject(error);
      },
    );
  });
}

function toTimeSpan(ms: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}`;
}
