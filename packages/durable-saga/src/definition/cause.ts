/*
 * Who made a saga go on, for those who follow traces: an event carries the place in a trace from which it was raised, and the
 * next call of an activity takes it along, so that the attempt's span can be linked to it. A wait has no span of its own. What
 * is noted follows from what stands in the history, so that a replay notes the same. Where nobody observes, nothing is noted.
 */

/** W3C `traceparent`. */
export type TraceParent = string;

/** Of a saga that is observed: who has made it go on since its last call. */
export interface Caused {
  /** Set where somebody observes. */
  readonly caller?: unknown;
  causes?: TraceParent[] | undefined;
}

/** A saga may take many events between two calls. */
const MOST = 16;

/** Notes that what has just been taken came from `trace`; does nothing for what came from none. */
export function noteCause(saga: Caused, trace: unknown): void {
  if (typeof trace !== 'string' || saga.caller === undefined) return;
  saga.causes ??= [];
  if (saga.causes.length < MOST) saga.causes.push(trace);
}

/** Takes what was noted: each cause is of one call. */
export function takeCauses(saga: Caused): readonly TraceParent[] | undefined {
  const { causes } = saga;
  if (causes !== undefined) saga.causes = undefined;
  return causes;
}

/** Where an event of the toolkit's own (a cancel, a decision about what is parked) says that it came from. */
export function traceOf(payload: unknown): unknown {
  return typeof payload === 'object' && payload !== null && 'trace' in payload ? payload.trace : undefined;
}
