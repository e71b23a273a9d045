import type { FunctionRuntime } from '../app/function-runtime';
import { httpReason } from '../app/http-invocation';
import type { Invoker } from '../app/invocation';
import type { DurableFunctions } from '../durable/ports';
import type { HttpFunction } from '../http/http-functions';
import type { HostLog } from '../log';
import { messageOf } from '../supervisor/failures';
import type { TriggerListener } from '../triggers/trigger-listener';

export interface RunParts {
  readonly invoker: Invoker;
  readonly listeners: readonly TriggerListener[];
  readonly httpFunctions: readonly HttpFunction[];
  readonly durableFunctions: DurableFunctions;
  readonly url: string;
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
  if (runtime.fn.trigger.type === 'activityTrigger') {
    await parts.durableFunctions.runActivity(runtime.fn, { instanceId: '', taskId: 0, input: JSON.stringify(input) });
    return;
  }
  throw new Error(
    `it is an ${runtime.fn.trigger.type}, which only runs in an orchestration: start one with ` +
      `POST ${parts.url}/runtime/webhooks/durabletask/orchestrators/${runtime.fn.name}.`,
  );
}

async function runHttp(parts: RunParts, { runtime, methods, template }: HttpFunction, input: string): Promise<void> {
  const method = methods.includes('POST') ? 'POST' : (methods[0] ?? 'GET');
  await parts.invoker.invoke(runtime, {
    reason: httpReason,
    trigger: {
      http: {
        method,
        url: new URL(template.replace(/[{}*?]/g, ''), `${parts.url}/`).href,
        headers: { 'content-type': 'application/json' },
        params: {},
        ...(method === 'GET' || method === 'HEAD' ? undefined : { body: { bytes: Buffer.from(input) } }),
      },
    },
  });
}
