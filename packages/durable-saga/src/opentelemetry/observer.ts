import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  context,
  isSpanContextValid,
  metrics,
  propagation,
  trace,
} from '@opentelemetry/api';
import type { Attributes, Context, Link, Span, Tracer } from '@opentelemetry/api';
import type { Failure } from '../definition/failure';
import type { AttemptEnd, Contact, ObservedAttempt, SagaObserver } from '../definition/observer';

/*
 * An observer that makes a span of each attempt, below the span that the host has for the activity: by way of it the attempts
 * of a saga are in the trace of whoever started the saga. Nothing of inputs, outputs or messages of failures is in a span: they
 * may hold what is nobody's business. It works with whatever SDK is registered, and does next to nothing where none is.
 *
 * Whoever sends a saga an event stands in a trace of its own, days later maybe. The two are linked both ways: the sender's span
 * to where the saga was started, and the first attempt that follows the event to the sender's span.
 */

export interface OpenTelemetryOptions {
  /** Resolves when the SDK is registered, for one that is loaded when it is first wanted; attempts wait for it. It may not fail. */
  readonly ready?: () => Promise<unknown>;
  /** Attributes of one's own for an attempt's span, and for the span of who starts a saga or sends it an event. */
  readonly attributes?: (about: Pick<ObservedAttempt | Contact, 'saga' | 'instanceId'>) => Attributes;
}

const NAME = 'durable-saga';

/**
 * What `registerSagas({ observer })` and `sagaClients(..., { observer })` take. Spans are called `<activity>` or
 * `undo <activity>` and have `saga.name`, `saga.version`, `saga.id` (the instance), `saga.step` (e.g. `charge#1`), `saga.attempt`,
 * `saga.undo`; a failed one `saga.failure.code`, `.kind`, `.effect`, and the status of an error unless an activity declared on
 * purpose that nothing happened. The counter `saga.step.retries` counts attempts after the first, by `saga.name`, `saga.step`
 * (without number) and `saga.undo`. A client makes no span: the active one gets `saga.name`, `saga.id` and, for an event,
 * `saga.event`.
 */
export function observeWithOpenTelemetry(options: OpenTelemetryOptions = {}): SagaObserver {
  const { ready, attributes } = options;
  let tracer: Tracer | undefined;
  return {
    async attempt(attempt, run) {
      await ready?.();
      if (attempt.attempt > 1) countRetry(attempt);
      const { activity, undo } = attempt;
      const parent = parentOf(attempt);
      // A tracer that is asked for before there is an SDK passes on to it.
      tracer ??= trace.getTracer(NAME);
      const span = tracer.startSpan(
        undo ? `undo ${activity}` : activity,
        {
          kind: SpanKind.INTERNAL,
          attributes: attributesOf(attempt, attributes?.(attempt)),
          ...(attempt.causes.length > 0 && { links: attempt.causes.flatMap(linksTo) }),
        },
        parent,
      );
      try {
        noteEnd(span, await context.with(trace.setSpan(parent, span), run));
      } finally {
        span.end();
      }
    },

    contact(contact) {
      const span = trace.getActiveSpan();
      if (span === undefined) return undefined;
      const { saga, instanceId, event, startedIn } = contact;
      span.setAttributes({ 'saga.name': saga, ...attributes?.(contact) });
      if (instanceId !== undefined) span.setAttribute('saga.id', instanceId);
      if (event !== undefined) span.setAttribute('saga.event', event);
      const own = span.spanContext();
      const links = startedIn === undefined ? [] : linksTo(startedIn);
      span.addLinks(links.filter(({ context: { traceId } }) => traceId !== own.traceId));
      return isSpanContextValid(own) ? toTraceParent(own) : undefined;
    },
  };
}

function parentOf({ invocation }: ObservedAttempt): Context {
  const { traceParent, traceState } = invocation ?? {};
  return toContext(traceParent, traceState);
}

function toContext(traceParent: string | undefined, traceState?: string): Context {
  if (!traceParent) return ROOT_CONTEXT;
  return propagation.extract(ROOT_CONTEXT, { traceparent: traceParent, ...(traceState && { tracestate: traceState }) });
}

/** None to what is no trace context. */
function linksTo(traceParent: string): Link[] {
  const linked = trace.getSpanContext(toContext(traceParent));
  return linked === undefined ? [] : [{ context: linked }];
}

function toTraceParent({ traceId, spanId, traceFlags }: ReturnType<Span['spanContext']>): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function attributesOf(
  { saga, version, instanceId, key, attempt, undo, invocation }: ObservedAttempt,
  own: Attributes | undefined,
): Attributes {
  const attributes: Attributes = {
    'saga.name': saga,
    'saga.version': version,
    'saga.id': instanceId,
    'saga.step': stepOf(key),
    'saga.attempt': attempt,
    'saga.undo': undo,
    'faas.name': invocation?.functionName,
    'faas.invocation_id': invocation?.invocationId,
  };
  return own === undefined ? attributes : Object.assign(attributes, own);
}

/** The part of a key behind the instance. */
function stepOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

function noteEnd(span: Span, end: AttemptEnd): void {
  if (end.ok) return;
  const { kind, code, effect } = end.failure;
  span.setAttributes({ 'saga.failure.code': code, 'saga.failure.kind': kind, 'saga.failure.effect': effect });
  if (isRefusal(end.failure)) return;
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: code });
}

/** An answer that an activity has foreseen, a card that is declined for one, is no error of anything. */
function isRefusal({ kind, effect, retriable }: Failure): boolean {
  return kind === 'declared' && effect === 'none' && !retriable;
}

function countRetry({ saga, activity, undo }: ObservedAttempt): void {
  const counter = metrics.getMeter(NAME).createCounter('saga.step.retries', {
    description: 'Attempts of steps and undos after the first',
  });
  counter.add(1, { 'saga.name': saga, 'saga.step': activity, 'saga.undo': undo });
}
