import { ROOT_CONTEXT, SpanKind, SpanStatusCode, context, metrics, propagation, trace } from '@opentelemetry/api';
import type { Attributes, Context, Span } from '@opentelemetry/api';
import type { Failure } from '../definition/failure';
import type { AttemptEnd, ObservedAttempt, SagaObserver } from '../definition/observer';

/*
 * An observer that makes a span of each attempt, below the span that the host has for the activity: by way of it the attempts
 * of a saga are in the trace of whoever started the saga. Nothing of inputs, outputs or messages of failures is in a span: they
 * may hold what is nobody's business. It works with whatever SDK is registered, and does next to nothing where none is.
 */

export interface OpenTelemetryOptions {
  /** Resolves when the SDK is registered, for one that is loaded when it is first wanted; attempts wait for it. It may not fail. */
  readonly ready?: () => Promise<unknown>;
  /** Attributes of one's own for an attempt's span. */
  readonly attributes?: (attempt: ObservedAttempt) => Attributes;
}

const NAME = 'durable-saga';

/**
 * What `registerSagas({ observer })` takes. Spans are called `<activity>` or `undo <activity>` and have `saga.name`, `saga.version`,
 * `saga.id` (the instance), `saga.step` (e.g. `charge#1`), `saga.attempt`, `saga.undo`; a failed one `saga.failure.code`, `.kind`,
 * `.effect`, and the status of an error unless an activity declared on purpose that nothing happened. The counter
 * `saga.step.retries` counts attempts after the first, by `saga.name`, `saga.step` (without number) and `saga.undo`.
 */
export function observeWithOpenTelemetry(options: OpenTelemetryOptions = {}): SagaObserver {
  return {
    async attempt(attempt, run) {
      await options.ready?.();
      if (attempt.attempt > 1) countRetry(attempt);
      const { activity, undo } = attempt;
      const attributes = { ...attributesOf(attempt), ...options.attributes?.(attempt) };
      const parent = parentOf(attempt);
      const name = undo ? `undo ${activity}` : activity;
      const span = trace.getTracer(NAME).startSpan(name, { kind: SpanKind.INTERNAL, attributes }, parent);
      try {
        noteEnd(span, await context.with(trace.setSpan(parent, span), run));
      } finally {
        span.end();
      }
    },
  };
}

function parentOf({ invocation }: ObservedAttempt): Context {
  const { traceParent, traceState } = invocation ?? {};
  if (!traceParent) return ROOT_CONTEXT;
  return propagation.extract(ROOT_CONTEXT, { traceparent: traceParent, ...(traceState && { tracestate: traceState }) });
}

function attributesOf({ saga, version, instanceId, key, attempt, undo, invocation }: ObservedAttempt): Attributes {
  return {
    'saga.name': saga,
    'saga.version': version,
    'saga.id': instanceId,
    'saga.step': stepOf(key),
    'saga.attempt': attempt,
    'saga.undo': undo,
    'faas.name': invocation?.functionName,
    'faas.invocation_id': invocation?.invocationId,
  };
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
