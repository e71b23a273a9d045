/**
 * Invocations as spans, with the names and attributes that they have on Azure. The span that a function sees in its
 * `context.traceContext` is the one that is told of when it has ended.
 */
import { spanIdOf, toInvocationSpanId, toInvocationTrace, toTraceFields } from '../tracing/trace-context';
import type { Trace, TraceFields } from '../tracing/trace-context';
import type { Span, Tracer } from '../tracing/tracer';
import type { FunctionRuntime } from './function-runtime';

/** What an invocation is called as a span, by what triggers it. */
export type SpanAbout = Pick<Span, 'name' | 'kind' | 'scope' | 'attributes' | 'links'>;

/** A span that has begun. */
export type BegunSpan = Omit<Span, 'startAt' | 'endAt' | 'error'>;

/** Where an invocation stands: the context that the function gets, and its span if the host tells of it. */
export interface Standing {
  readonly traceContext: TraceFields;
  readonly span: BegunSpan | undefined;
}

/** @param about how it is named, called if somebody is told; undefined for what has no name but the function's. */
export function standBelow(
  parent: Trace | undefined,
  tracer: Tracer | undefined,
  runtime: FunctionRuntime,
  invocationId: string,
  about: (() => SpanAbout) | undefined,
): Standing {
  if (tracer === undefined) return { traceContext: toInvocationTrace(invocationId, parent), span: undefined };
  const trace = tracer.place(parent, toInvocationSpanId(invocationId));
  const named = about?.();
  const span: BegunSpan = {
    ...(named ?? { name: runtime.fn.name, kind: 'server', scope: 'Microsoft.Azure.WebJobs' }),
    trace,
    parentSpanId: parent === undefined ? undefined : spanIdOf(parent),
    attributes: { ...named?.attributes, ...toFaasAttributes(runtime, invocationId) },
  };
  return { traceContext: toTraceFields(trace), span };
}

function toFaasAttributes({ fn }: FunctionRuntime, invocationId: string): Span['attributes'] {
  return {
    'faas.name': fn.name,
    'faas.trigger': fn.trigger.type === 'httpTrigger' ? 'http' : fn.trigger.type,
    'faas.invocation_id': invocationId,
  };
}

/** Why an invocation failed, in a line. */
export function toSpanError(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
