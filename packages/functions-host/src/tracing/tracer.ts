import { newSpanId, newTrace, flagsOf, traceIdOf, withSpan, type Trace } from './trace-context';
import type { Sampler } from './sampler';

/** A span that has ended. */
export interface Span {
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** Which part of the host tells of it, by the name that this part has in the real one. */
  readonly scope: 'Microsoft.Azure.WebJobs' | 'WebJobs.Extensions.DurableTask' | 'DurableTask.Core';
  /** Its own place. */
  readonly trace: Trace;
  readonly parentSpanId?: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly startAt: number;
  readonly endAt: number;
  readonly attributes: Attributes;
  /** Why it failed, if it did. */
  readonly error?: string | undefined;
  /** Places in other traces that it has to do with. */
  readonly links?: readonly Trace[];
}

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * Tells of what the host does, as spans. Nothing waits for it and nothing fails by it. A host without one is not traced;
 * it hands on the traces of its callers all the same.
 */
export interface Tracer {
  /** The place of a span that begins below `parent`, or as the first one of a trace. */
  place(parent: Trace | undefined, spanId?: string): Trace;
  /** A span that is not sampled is dropped. */
  record(span: Span): void;
}

/** Where spans go. */
export interface SpanSink {
  add(span: Span): void;
  /** Sends what is left and closes. Never rejects. */
  close(): Promise<void>;
}

export interface HostTracer extends Tracer {
  /** Sends what is left, for at most `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Spans that are kept until the sink is there. */
const MOST_WAITING = 2048;

/**
 * A tracer whose sink is opened with the first span.
 * @param open undefined when nothing is to be sent: places are sampled then all the same.
 */
export function createTracer(sampler: Sampler, open: (() => Promise<SpanSink>) | undefined): HostTracer {
  let waiting: Span[] = [];
  let sink: SpanSink | undefined;
  let opening: Promise<void> | undefined;
  const openSink = async (): Promise<void> => {
    sink = await open?.();
    for (const span of waiting) sink?.add(span);
    waiting = [];
  };
  return {
    place(parent, spanId = newSpanId()) {
      const own = withSpan(parent ?? newTrace('00'), spanId);
      const flags = sampler(traceIdOf(own), parent === undefined ? undefined : flagsOf(parent));
      return flags === flagsOf(own) ? own : own.slice(0, 53) + flags + own.slice(55);
    },
    record(span) {
      if (open === undefined || !isSampled(span.trace)) return;
      if (sink !== undefined) sink.add(span);
      else if (waiting.length < MOST_WAITING) waiting.push(span);
      opening ??= openSink();
    },
    async close(graceMs) {
      if (opening === undefined) return;
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)));
      await Promise.race([opening.then(() => sink?.close()), over]);
      clearTimeout(timer);
    },
  };
}

function isSampled(trace: Trace): boolean {
  return (Number.parseInt(flagsOf(trace), 16) & 1) === 1;
}
