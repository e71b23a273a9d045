/**
 * Where something stands in a trace, as W3C Trace Context writes it: in the headers `traceparent` and `tracestate`, and
 * in `context.traceContext` of a function.
 *
 * Inside the host a place in a trace is one text, so that it can be stored and handed on without being taken apart:
 * `00-<trace id>-<span id>-<flags>`, and the trace state behind a space where there is one. What comes from outside is
 * checked once, by `readTrace`; a header that breaks the rules counts as none, as the specification has it.
 */
import { createHash, randomBytes } from 'node:crypto';

/** A valid place in a trace: `traceparent`, or `traceparent tracestate`. */
export type Trace = string;

/** What functions get as `context.traceContext`. */
export interface TraceFields {
  readonly traceParent: string;
  readonly traceState: string;
}

const parentForm = /^(?!ff)([\da-f]{2})-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?=$|-)/;
/** Length of version, trace id, span id and flags: later versions may have more behind it. */
const PARENT_LENGTH = 55;
/** The durable extension keeps no longer one. */
const LONGEST_STATE = 512;
const stateForm = /^[\x21-\x7e][\x20-\x7e]*$/;

/** The place that two headers name; undefined if `parent` is missing or no valid one. A state that is invalid is left out. */
export function readTrace(parent: string | undefined, state?: string): Trace | undefined {
  const version = parent === undefined ? undefined : parentForm.exec(parent)?.[1];
  if (parent === undefined || version === undefined) return undefined;
  if (version === '00' && parent.length !== PARENT_LENGTH) return undefined;
  const own = `00${parent.slice(2, PARENT_LENGTH)}`;
  const isKept = state !== undefined && state.length <= LONGEST_STATE && stateForm.test(state);
  return isKept ? `${own} ${state}` : own;
}

/** The place of a span in the same trace, with the same flags and state. */
export function withSpan(trace: Trace, spanId: string): Trace {
  return trace.slice(0, 36) + spanId + trace.slice(52);
}

export function traceIdOf(trace: Trace): string {
  return trace.slice(3, 35);
}

export function spanIdOf(trace: Trace): string {
  return trace.slice(36, 52);
}

/** Two hexadecimal digits; the lowest bit says that spans of the trace are recorded. */
export function flagsOf(trace: Trace): string {
  return trace.slice(53, PARENT_LENGTH);
}

export function traceStateOf(trace: Trace): string {
  return trace.slice(PARENT_LENGTH + 1);
}

export function toTraceFields(trace: Trace): TraceFields {
  return { traceParent: trace.slice(0, PARENT_LENGTH), traceState: traceStateOf(trace) };
}

/** A span id that is the same each time for the same text, so that a restart needs to store none. */
export function deriveSpanId(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

export function newSpanId(): string {
  return randomBytes(8).toString('hex');
}

/** A trace of its own, with its first span. */
export function newTrace(flags: '00' | '01'): Trace {
  const digits = randomBytes(24).toString('hex');
  return `00-${digits.slice(0, 32)}-${digits.slice(32)}-${flags}`;
}

/** The span of an invocation: the last digits of its id. */
export function toInvocationSpanId(invocationId: string): string {
  return invocationId.slice(19, 23) + invocationId.slice(24);
}

/**
 * What a function gets as its trace context: the invocation's own span, below `parent`, or in a trace of its own that the
 * digits of the invocation's id name. Written out, since every invocation pays for it.
 * @param invocationId a UUID
 */
export function toInvocationTrace(invocationId: string, parent: Trace | undefined): TraceFields {
  const spanId = toInvocationSpanId(invocationId);
  if (parent !== undefined) return toTraceFields(withSpan(parent, spanId));
  const first = invocationId.slice(0, 8) + invocationId.slice(9, 13) + invocationId.slice(14, 18);
  return { traceParent: `00-${first}${spanId}-${spanId}-00`, traceState: '' };
}
