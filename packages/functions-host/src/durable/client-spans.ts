/** What clients send to instances, as spans: they tell of the sending, and what is done because of it is told below them. */
import { toEntityName } from '../engine/entity-id';
import { readTrace, spanIdOf, type Trace } from '../tracing/trace-context';
import type { Attributes, Tracer } from '../tracing/tracer';
import type { WebhookRequest } from './ports';

export interface ClientSpans {
  readonly tracer: Tracer | undefined;
  readonly now: () => number;
}

/** Where the caller of a request stands in a trace, if it said so. */
export function toCaller({ headers }: WebhookRequest): Trace | undefined {
  return readTrace(headers['traceparent'], headers['tracestate']);
}

/** Raises an event by `send`, which answers whether it was taken. */
export async function tellEvent<T>(
  spans: ClientSpans,
  caller: Trace | undefined,
  { name, instanceId }: { readonly name: string; readonly instanceId: string },
  send: () => Promise<T>,
): Promise<T> {
  return tell(spans, caller, `orchestration_event:${name}`, send, {
    ...{ 'durabletask.type': 'event', 'durabletask.task.name': name },
    'durabletask.event.target_instance_id': instanceId,
  });
}

/** Signals an entity by `send`, which is given the place that the signal comes from; only if the caller has one, as on Azure. */
export async function tellSignal(
  spans: ClientSpans,
  caller: Trace | undefined,
  { operation, entityId }: { readonly operation: string; readonly entityId: string },
  send: (from: Trace | undefined) => Promise<void>,
): Promise<void> {
  if (caller === undefined) return send(undefined);
  return tell(spans, caller, `entity:${toEntityName(entityId).name}:${operation}`, send, {
    ...{ 'durabletask.type': 'entity', 'durabletask.task.operation': 'signal_entity' },
    'durabletask.event.target_instance_id': entityId,
  });
}

async function tell<T>(
  { tracer, now }: ClientSpans,
  caller: Trace | undefined,
  name: string,
  send: (from: Trace | undefined) => Promise<T>,
  attributes: Attributes,
): Promise<T> {
  if (tracer === undefined) return send(caller);
  const trace = tracer.place(caller);
  const parentSpanId = caller === undefined ? undefined : spanIdOf(caller);
  const startAt = now();
  const sent = await send(trace);
  const scope = 'DurableTask.Core';
  tracer.record({ name, kind: 'producer', scope, trace, parentSpanId, startAt, endAt: now(), attributes });
  return sent;
}
