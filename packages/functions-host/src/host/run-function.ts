import type { FunctionRuntime } from '../app/function-runtime';
import { httpReason } from '../app/http-invocation';
import type { Invoker } from '../app/invocation';
import type { DurableExtension, DurableFunctions } from '../durable/ports';
import type { HttpFunction } from '../http/http-functions';
import type { HostLog } from '../log';
import { messageOf } from '../supervisor/failures';
import type { TriggerListener } from '../triggers/trigger-listener';

export interface RunParts {
  readonly invoker: Invoker;
  readonly listeners: readonly TriggerListener[];
  readonly httpFunctions: readonly HttpFunction[];
  readonly durableFunctions: DurableFunctions;
  /** Undefined for an app without durable functions. */
  readonly durable: () => DurableExtension | undefined;
  readonly url: string;
  /** The app's library takes HTTP requests itself. */
  readonly isStreaming: boolean;
  readonly masterKey: () => string;
  readonly log: HostLog;
}

/** Runs a function once with a text as its trigger's input, as the admin API is asked to; whatever comes of it is in the log. */
export function runFunction(parts: RunParts, runtime: FunctionRuntime, input: string): void {
  start(parts, runtime, input).catch((error: unknown) => {
    parts.log.log(
      'Warning',
      runtime.category,
      `Running '${runtime.displayName}' on demand failed: ${messageOf(error)}`,
    );
  });
}

async function start(parts: RunParts, runtime: FunctionRuntime, input: string): Promise<void> {
  const listener = parts.listeners.find((candidate) => candidate.runtime === runtime);
  if (listener !== undefined) return listener.runOnce(input);
  const http = parts.httpFunctions.find((candidate) => candidate.runtime === runtime);
  if (http !== undefined) return runHttp(parts, http, input);
  switch (runtime.fn.trigger.type) {
    case 'activityTrigger':
      await parts.durableFunctions.runActivity(runtime.fn, { instanceId: '', taskId: 0, input: JSON.stringify(input) });
      return;
    case 'orchestrationTrigger':
      return startOrchestration(parts, runtime.fn.name, input);
    case 'entityTrigger':
      return signalEntity(parts, runtime.fn.name, input);
    default:
      throw new Error(`functions with a ${runtime.fn.trigger.type} can't be run on demand.`);
  }
}

/** Starts a new instance; an input that is JSON is its input, any other text is one as it stands. */
function startOrchestration(parts: RunParts, name: string, input: string): Promise<void> {
  return post(parts, `orchestrators/${encodeURIComponent(name)}`, '', isJson(input) ? input : JSON.stringify(input));
}

/** Signals an entity that the input names. */
function signalEntity(parts: RunParts, name: string, input: string): Promise<void> {
  const {
    key,
    operation,
    input: given,
  } = ((isJson(input) ? JSON.parse(input) : undefined) ?? {}) as {
    key?: unknown;
    operation?: unknown;
    input?: unknown;
  };
  if (typeof key !== 'string' || typeof operation !== 'string') {
    throw new Error(
      `an entity is run with an input like {"key":"a","operation":"add","input":1}; got ${JSON.stringify(input)}.`,
    );
  }
  const target = `entities/${encodeURIComponent(name)}/${encodeURIComponent(key)}`;
  return post(parts, target, `op=${encodeURIComponent(operation)}`, given === undefined ? '' : JSON.stringify(given));
}

async function post({ durable, url }: RunParts, path: string, query: string, json: string): Promise<void> {
  const extension = durable();
  if (extension === undefined) throw new Error('the task hub is not open.');
  const answer = await extension.handleHttp({
    method: 'POST',
    path,
    query: new URLSearchParams(query),
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(json),
    origin: url,
  });
  if (answer.status !== 202) throw new Error(`${answer.status} ${answer.body}`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function runHttp(parts: RunParts, { runtime, methods, template }: HttpFunction, input: string): Promise<void> {
  const method = methods.includes('POST') ? 'POST' : (methods[0] ?? 'GET');
  const url = new URL(template.replace(/[{}*?]/g, ''), `${parts.url}/`).href;
  const headers = { 'content-type': 'application/json' };
  const hasBody = method !== 'GET' && method !== 'HEAD';
  if (parts.isStreaming) {
    // It would wait for ever for a request that never came in.
    const response = await fetch(url, {
      method,
      headers: { ...headers, 'x-functions-key': parts.masterKey() },
      ...(hasBody && { body: input }),
    });
    await response.body?.pipeTo(new WritableStream());
    return;
  }
  await parts.invoker.invoke(runtime, {
    reason: httpReason,
    trigger: {
      http: { method, url, headers, params: {}, ...(hasBody && { body: { bytes: Buffer.from(input) } }) },
    },
  });
}
