/*
 * Invocations by HTTP, the shortest way that is right.
 *
 * The library's invocation model makes a fetch `Request` and a `Response` for every call and reads the latter back into
 * bytes: several times the cost of everything else. Nobody can see the difference between that and calling the
 * registered handler with the library's own `HttpRequest` and `InvocationContext`, as long as no hook stands in between;
 * so that is done when there are no invocation hooks and no further outputs, and when the library's classes turn out, at
 * start, to be those that are expected. Results of an unusual shape are given to the model after all.
 */
import { randomUUID } from 'node:crypto';
import { format } from 'node:util';
import type { HostLog } from '../log';
import { readTrace, toInvocationTrace, type TraceFields } from '../tracing/trace-context';
import { DirectRequest, type DirectRequestClass, type HttpRequestClass, toDirectRequestClass } from './direct-request';
import type { BindingData, FunctionRuntime } from './function-runtime';
import type { Hooks } from './hooks';
import { fromHttpResponseData, type HttpAnswer, toPlainAnswer } from './http-answer';
import type { Invoker } from './invocation';
import type { InvocationContextClass, InvocationResponse, ProgrammingModel, WorkerLogLevel } from './programming-model';
import { fromTypedData } from './from-typed-data';
import type { HttpResponseData, TypedData } from './typed-data';
import { logFromWorker } from './worker-log';

/** A request for a function, read whole. */
export interface HttpCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly bindingData: () => BindingData;
  /** Template of the route, with the prefix. */
  readonly route: string;
  /** Given by who tells of the request as a span. */
  readonly placed?: { readonly invocationId: string; readonly traceContext: TraceFields };
}

export interface HttpInvoker {
  /** Undefined if the handler answered nothing. Rejects with the handler's own error. */
  invoke(runtime: FunctionRuntime, call: HttpCall): Promise<HttpAnswer | undefined>;
}

export interface HttpInvokerOptions {
  readonly invoker: Invoker;
  readonly model: ProgrammingModel;
  readonly hooks: Hooks;
  readonly log: HostLog;
  readonly contextClass: InvocationContextClass;
  /** Undefined if the library's is not the expected one: then everything goes through the model. */
  readonly requestClass: DirectRequestClass | undefined;
}

/** The real host's log gives this reason for every HTTP trigger. */
export const httpReason = 'This function was programmatically called via the host APIs.';

/** Runs HTTP functions of one app. */
export function createHttpInvoker(options: HttpInvokerOptions): HttpInvoker {
  return {
    invoke: (runtime, call) => {
      const { requestClass } = options;
      return requestClass !== undefined && canRunDirectly(options, runtime, call)
        ? runDirectly(options, requestClass, runtime, call)
        : runThroughModel(options, runtime, call);
    },
  };
}

/**
 * Finds out whether the library's `HttpRequest` passes everything on to the request it is given, by giving it one.
 */
export async function probeHttpRequest(model: ProgrammingModel): Promise<DirectRequestClass | undefined> {
  const metadata = { name: 'probe', bindings: { probe: { type: 'httpTrigger', name: 'probe', direction: 'in' } } };
  const direct = new DirectRequest('POST', 'http://probe/?a=1', { 'x-probe': 'b' }, Buffer.from('"c"'));
  const http = { nativeRequest: direct, params: { d: 'e' } } as unknown as HttpResponseData;
  try {
    const { inputs } = await model
      .getInvocationModel({
        invocationId: 'probe',
        metadata,
        request: {
          invocationId: 'probe',
          functionId: 'probe',
          inputData: [{ name: 'probe', data: { http } }],
          triggerMetadata: {},
        },
        log: () => undefined,
      })
      .getArguments();
    const request = inputs[0] as Request & { query: URLSearchParams; params: Record<string, string> };
    const seen = [request.method, request.query.get('a'), request.headers.get('x-probe'), request.params['d']];
    const body: unknown = await request.json();
    const isAsExpected = [...seen, body].join() === 'POST,1,b,e,c' && request.bodyUsed;
    return isAsExpected ? toDirectRequestClass(request.constructor as unknown as HttpRequestClass) : undefined;
  } catch {
    return undefined;
  }
}

/** Methods for which fetch has no rules of its own. */
const plainMethods = new Set(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS']);

function canRunDirectly({ hooks }: HttpInvokerOptions, runtime: FunctionRuntime, call: HttpCall): boolean {
  return (
    !hooks.has('preInvocation') &&
    !hooks.has('postInvocation') &&
    runtime.outputs.size === 0 &&
    runtime.fn.bindings['$return']?.type === 'http' &&
    plainMethods.has(call.method) &&
    (call.body.length === 0 || (call.method !== 'GET' && call.method !== 'HEAD'))
  );
}

function runDirectly(
  options: HttpInvokerOptions,
  requestClass: DirectRequestClass,
  runtime: FunctionRuntime,
  call: HttpCall,
): Promise<HttpAnswer | undefined> {
  const invocationId = call.placed?.invocationId ?? randomUUID();
  return options.invoker.observe(runtime, { reason: httpReason, invocationId }, async () => {
    const body = call.body.length === 0 ? undefined : call.body;
    const request = new requestClass(call.method, call.url, call.headers, body, call.params);
    const late = { isDone: false };
    const context = toContext(options, runtime, invocationId, call, late);
    if (runtime.inputs.length > 0) {
      const data = call.bindingData();
      for (const { name, read } of runtime.inputs) {
        const value = await read(data);
        if (value !== undefined) context.extraInputs.set(name, fromTypedData(value));
      }
    }
    let result: unknown;
    try {
      result = await runtime.fn.callback(request, context);
    } finally {
      late.isDone = true;
    }
    if (result === undefined || result === null) return undefined;
    return toPlainAnswer(result) ?? encodeWithModel(options, runtime, invocationId, context, result);
  });
}

function toContext(
  { contextClass, log, hooks }: HttpInvokerOptions,
  runtime: FunctionRuntime,
  invocationId: string,
  call: HttpCall,
  late: { readonly isDone: boolean },
) {
  const { userCategory, fn } = runtime;
  const details = { functionName: fn.name, invocationId };
  const logHandler = (level: WorkerLogLevel, ...args: unknown[]): void => {
    const source = { userCategory, details, context };
    if (late.isDone) logFromWorker(log, hooks, source, 'warning', 'system', toLateWarning(fn.name, invocationId));
    logFromWorker(log, hooks, source, level, 'user', format(...args));
  };
  const context = new contextClass({
    invocationId,
    functionName: fn.name,
    logHandler,
    traceContext:
      call.placed?.traceContext ??
      toInvocationTrace(invocationId, readTrace(call.headers['traceparent'], call.headers['tracestate'])),
    options: runtime.contextOptions,
  });
  return context;
}

function toLateWarning(name: string, invocationId: string): string {
  return (
    "Warning: 'log' was called on the context object after the function had completed. Is a promise not awaited? " +
    `Function name: ${name}. Invocation Id: ${invocationId}.`
  );
}

/** A result that only the library's own response class understands: streams, forms, its own `HttpResponse`, cookies. */
async function encodeWithModel(
  options: HttpInvokerOptions,
  runtime: FunctionRuntime,
  invocationId: string,
  context: unknown,
  result: unknown,
): Promise<HttpAnswer | undefined> {
  const model = options.model.getInvocationModel({
    invocationId,
    metadata: runtime.fn,
    request: { invocationId, functionId: runtime.fn.name, inputData: [], triggerMetadata: {} },
    log: () => undefined,
  });
  const answer = toAnswer((await model.getResponse(context, result)).returnValue);
  return answer === undefined ? undefined : withAllCookies(answer, result);
}

/** The library's encoding has one value a name, and so the last of several `Set-Cookie` headers; here none is lost. */
function withAllCookies(answer: HttpAnswer, result: unknown): HttpAnswer {
  const { headers } = result as { headers?: unknown };
  const cookies = headers instanceof Headers ? headers.getSetCookie() : [];
  return cookies.length > 1 ? { ...answer, setCookies: cookies } : answer;
}

async function runThroughModel(
  { invoker }: HttpInvokerOptions,
  runtime: FunctionRuntime,
  call: HttpCall,
): Promise<HttpAnswer | undefined> {
  const { method, url, headers, params, body, bindingData } = call;
  const response = await invoker.invoke(runtime, {
    reason: httpReason,
    trigger: { http: { method, url, headers, params, ...(body.length === 0 ? undefined : { body: { bytes: body } }) } },
    bindingData,
    ...(call.placed ?? { trace: readTrace(headers['traceparent'], headers['tracestate']) }),
  });
  return toAnswer(findHttpOutput(runtime, response));
}

/** The http output: usually the return value, else the output binding of type http. */
function findHttpOutput(runtime: FunctionRuntime, response: InvocationResponse): TypedData | null | undefined {
  if (runtime.fn.bindings['$return']?.type === 'http') return response.returnValue;
  return response.outputData?.find(({ name }) => runtime.fn.bindings[name]?.type === 'http')?.data;
}

function toAnswer(data: TypedData | null | undefined): HttpAnswer | undefined {
  return data?.http === undefined ? undefined : fromHttpResponseData(data.http as HttpResponseData);
}
