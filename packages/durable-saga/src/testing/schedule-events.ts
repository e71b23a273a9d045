import { toMilliseconds } from '../definition/duration';
import { isMany, stampEvent } from '../definition/many-events';
import type { Saga } from '../definition/saga';
import type { PathEvent } from '../diagram/path';
import type { EventFault } from './fault';

/** An event on its way to the saga. */
export interface ScheduledEvent {
  readonly event: string;
  readonly payload: unknown;
  /** Milliseconds after the start. */
  readonly at: number;
  /** When it would have come, had it not been for the fault. */
  readonly normallyAt: number;
  readonly fault: EventFault | undefined;
  readonly isMissing: boolean;
}

const A_MONTH = 30 * 24 * 3_600_000;

/** The events of a setup as the faults make them come. */
export function scheduleEvents(
  saga: Saga<never, unknown>,
  events: readonly PathEvent[],
  faults: readonly EventFault[],
): readonly ScheduledEvent[] {
  const counts = new Map<string, number>();
  const planned = events.map(({ event, after, payload }, index): ScheduledEvent & { readonly nth: number } => {
    const nth = (counts.get(event) ?? 0) + 1;
    counts.set(event, nth);
    const at = toMilliseconds(after, `event '${event}'`);
    const schema = Object.hasOwn(saga.events, event) ? saga.events[event] : undefined;
    // As the typed client sends it.
    const sent = schema !== undefined && isMany(schema) ? stampEvent({ id: `event-${index + 1}` }, payload) : payload;
    return { event, payload: sent, at, normallyAt: at, nth, fault: undefined, isMissing: false };
  });
  const scheduled: ScheduledEvent[] = planned.map(({ nth: _, ...event }) => event);
  for (const fault of faults) {
    const index = planned.findIndex(({ event, nth }) => event === fault.event && nth === (fault.nth ?? 1));
    if (index >= 0) apply(fault, scheduled, index);
  }
  return scheduled;
}

function apply(fault: EventFault, events: ScheduledEvent[], index: number): void {
  const one = events[index];
  if (one === undefined) return;
  const struck = { ...one, fault };
  switch (fault.how) {
    case 'early':
      events[index] = { ...struck, at: 0 };
      return;
    case 'late':
      events[index] = { ...struck, at: one.at + (fault.by ?? A_MONTH) };
      return;
    case 'missing':
      events[index] = { ...struck, isMissing: true };
      return;
    case 'doubled':
      events[index] = struck;
      events.push({ ...one });
      return;
    case 'swapped': {
      const next = events[index + 1];
      if (next === undefined) return;
      events[index] = { ...struck, at: next.at };
      events[index + 1] = { ...next, at: one.at };
    }
  }
}
