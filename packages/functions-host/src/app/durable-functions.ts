/*
 * Durable functions as the durable extension sees them.
 *
 * Activities are by far the most frequent invocations of a saga, and the library's invocation model costs several times
 * what a trivial activity does. Without invocation hooks nobody can tell the difference between the model's steps and
 * calling the registered handler with its input and a context, so that is what happens; with hooks the model is used.
 * Input and result are JSON text at this border on purpose: handlers get values of their own, as in a separate process.
 */
import { randomUUID } from 'node:crypto';
import { format } from 'node:util';
import type { ActivityCall, DurableFunctions, OpenInvocation } from '../durable/ports';
import { toEntityName } from '../engine/entity-id';
import type { HostLog } from '../log';
import { toTraceFields, type TraceFields } from '../tracing/trace-context';
import type { Tracer } from '../tracing/tracer';
import type { BindingData, FunctionRuntime } from './function-runtime';
import type { Hooks } from './hooks';
import type { Invoker } from './invocation';
import type { InvocationContext, InvocationContextClass, WorkerLogLevel } from './programming-model';
import type { RegisteredFunction } from './registered-function';
import { fromTypedData } from './from-typed-data';
import { type TypedData, toJsonText, typedDataToJsonText } from './typed-data';
import { toCamelCase } from './camel-case';
import { standBelow, type SpanAbout } from './invocation-span';
import { logFromWorker } from './worker-log';

export interface DurableFunctionsOptions {
  readonly runtimes: readonly FunctionRuntime[];
  readonly contextClass: InvocationContextClass;
  readonly invoker: Invoker;
  readonly hooks: Hooks;
  readonly log: HostLog;
  readonly tracer?: Tracer | undefined;
}

const triggerTypes = {
  orchestrator: 'orchestrationTrigger',
  activity: 'activityTrigger',
  entity: 'entityTrigger',
} as const;

/** The durable side of an app. */
export function createDurableFunctions(options: DurableFunctionsOptions): DurableFunctions {
  const runtimes = new Map<RegisteredFunction, FunctionRuntime>(
    options.runtimes.map((runtime) => [runtime.fn, runtime]),
  );
  const ofType = (type: string): RegisteredFunction[] =>
    options.runtimes.map(({ fn }) => fn).filter((fn) => fn.trigger.type === type);
  const byType = (type: string): ((name: string) => RegisteredFunction | undefined) => {
    const functions = ofType(type);
    const names = new Map(functions.map((fn) => [fn.name, fn]));
    const lowerCased = new Map(functions.map((fn) => [fn.name.toLowerCase(), fn]));
    return (name) => names.get(name) ?? lowerCased.get(name.toLowerCase());
  };
  const runtimeOf = (fn: RegisteredFunction): FunctionRuntime => {
    const runtime = runtimes.get(fn);
    if (runtime === undefined) throw new Error(`Function '${fn.name}' is not of this app.`);
    return runtime;
  };
  const hasInvocationHooks = (): boolean => options.hooks.has('preInvocation') || options.hooks.has('postInvocation');
  const runWhole = (fn: RegisteredFunction, call: ActivityCall): Promise<string> =>
    hasInvocationHooks()
      ? runThroughModel(options.invoker, runtimeOf(fn), call)
      : runDirectly(options, runtimeOf(fn), call);
  return {
    orchestrator: byType(triggerTypes.orchestrator),
    activity: byType(triggerTypes.activity),
    entity: byType(triggerTypes.entity),
    names: (kind) => ofType(triggerTypes[kind]).map((fn) => fn.name),
    hasInvocationHooks,
    runActivity: runWhole,
    runEntity: (entity, call) => runWhole(entity, { ...call, taskId: 0 }),
    openInvocation: (fn, about) => openInvocation(options, runtimeOf(fn), about),
  };
}

/** The real host's log gives this reason for everything that the durable extension runs. */
const durableReason = '(null)';

function runDirectly(options: DurableFunctionsOptions, runtime: FunctionRuntime, call: ActivityCall): Promise<string> {
  const invocationId = randomUUID();
  const { instanceId } = call;
  const { traceContext, span } = standBelow(call.trace, options.tracer, runtime, invocationId, () =>
    toSpanAbout(runtime, call),
  );
  return options.invoker.observe(
    runtime,
    { reason: durableReason, invocationId, instanceId, input: call.input, span },
    async (isOver) => {
      const triggerMetadata = {
        instanceId,
        get data(): unknown {
          return toCamelCase(JSON.parse(call.input));
        },
      };
      const context = toContext(options, runtime, invocationId, triggerMetadata, traceContext);
      const { fn } = runtime;
      if (runtime.inputs.length > 0) await readExtraInputs(runtime, context, call);
      const result = await fn.callback(JSON.parse(call.input), context);
      if (runtime.outputs.size > 0 && !isOver()) await writeExtraOutputs(runtime, context, result, call);
      return toJsonText(result);
    },
  );
}

/** An activity, or operations of an entity, as the Durable Task Framework tells of them. */
function toSpanAbout({ fn }: FunctionRuntime, { instanceId, taskId, operation }: ActivityCall): SpanAbout {
  const scope = 'DurableTask.Core';
  if (operation !== undefined) {
    return {
      ...{
        name: `entity:${toEntityName(instanceId).name}:${operation.name}`,
        kind: operation.isSignal ? 'consumer' : 'server',
        scope,
      },
      attributes: {
        'durabletask.type': 'entity',
        'durabletask.task.operation': operation.isSignal ? 'signal_entity' : 'call_entity',
        'durabletask.task.instance_id': instanceId,
      },
    };
  }
  return {
    ...{ name: `activity:${fn.name}`, kind: 'server', scope },
    attributes: {
      'durabletask.type': 'activity',
      'durabletask.task.name': fn.name,
      'durabletask.task.instance_id': instanceId,
      'durabletask.task.task_id': taskId,
    },
  };
}

async function runThroughModel(invoker: Invoker, runtime: FunctionRuntime, call: ActivityCall): Promise<string> {
  const response = await invoker.invoke(runtime, {
    reason: durableReason,
    trigger: { json: call.input },
    triggerMetadata: { InstanceId: { json: JSON.stringify(call.instanceId) }, Data: { json: call.input } },
    bindingData: () => toBindingData(call),
    trace: call.trace,
    span: () => toSpanAbout(runtime, call),
  });
  return typedDataToJsonText(response.returnValue);
}

function openInvocation(
  options: DurableFunctionsOptions,
  runtime: FunctionRuntime,
  { instanceId, trace }: Pick<ActivityCall, 'instanceId' | 'trace'>,
): OpenInvocation {
  const invocationId = randomUUID();
  const traceContext = trace === undefined ? undefined : toTraceFields(trace);
  const context = toContext(options, runtime, invocationId, { instanceId }, traceContext);
  const { callback } = runtime.fn;
  return {
    invocationId,
    context,
    callback,
    runHooked: (trigger) => options.invoker.runHooked(context, [trigger], callback),
  };
}

function toContext(
  options: DurableFunctionsOptions,
  runtime: FunctionRuntime,
  invocationId: string,
  triggerMetadata: { readonly instanceId: string } & Record<string, unknown>,
  traceContext: TraceFields | undefined,
): InvocationContext {
  const functionName = runtime.fn.name;
  const details = { functionName, invocationId, instanceId: triggerMetadata.instanceId };
  const logHandler = (level: WorkerLogLevel, ...args: unknown[]): void => {
    const source = { userCategory: runtime.userCategory, details, context };
    logFromWorker(options.log, options.hooks, source, level, 'user', format(...args));
  };
  const context: InvocationContext = new options.contextClass({
    invocationId,
    functionName,
    logHandler,
    triggerMetadata,
    ...(traceContext !== undefined && { traceContext }),
    options: runtime.contextOptions,
  });
  return context;
}

async function readExtraInputs(
  runtime: FunctionRuntime,
  context: InvocationContext,
  call: ActivityCall,
): Promise<void> {
  const data = toBindingData(call);
  for (const { name, read } of runtime.inputs) {
    const value = await read(data);
    if (value !== undefined) context.extraInputs.set(name, fromTypedData(value));
  }
}

async function writeExtraOutputs(
  runtime: FunctionRuntime,
  context: InvocationContext,
  result: unknown,
  call: ActivityCall,
): Promise<void> {
  const data = toBindingData(call);
  for (const [name, write] of runtime.outputs) {
    const value = name === '$return' ? result : context.extraOutputs.get(name);
    if (value !== undefined && value !== null) await write(toTypedData(value), data);
  }
}

/** `{field}` in a binding's path stands for a field of the activity's input. */
function toBindingData(call: ActivityCall): BindingData {
  const input: unknown = JSON.parse(call.input);
  const fields = typeof input === 'object' && input !== null && !Array.isArray(input) ? input : {};
  return { ...fields, instanceId: call.instanceId, data: input };
}

function toTypedData(value: unknown): TypedData {
  if (typeof value === 'string') return { string: value };
  if (ArrayBuffer.isView(value)) return { bytes: new Uint8Array(value.buffer, value.byteOffset, value.byteLength) };
  if (value instanceof ArrayBuffer) return { bytes: new Uint8Array(value) };
  return { json: toJsonText(value) };
}
