import type { InstanceWithHistory } from '../../src/testing';

/*
 * A history of a simulated host as the Azure host would show the same life: of a turn it shows neither when it began nor
 * what belongs to it. What has come has the time at which it came, a little earlier than its turn; what was asked for has
 * the time at which it was written, a little later; a timer's firing has that of its creation. All have seven digits.
 */
const EARLIER = -7;
const LATER = 16;

export function asTheRealHostShows(shown: InstanceWithHistory): InstanceWithHistory {
  const created = new Map<unknown, string>();
  const historyEvents = (shown.historyEvents ?? []).map((event) => {
    const { EventType, Timestamp, ScheduledTime, FireAt } = event;
    if (EventType === 'TimerCreated') {
      const at = move(Timestamp, LATER);
      created.set(FireAt, at);
      return { ...event, Timestamp: at };
    }
    const asked = typeof ScheduledTime === 'string' ? { ScheduledTime: move(ScheduledTime, LATER, '+00:00') } : {};
    const told = EventType === 'TimerFired' ? created.get(FireAt) : undefined;
    return { ...event, ...asked, Timestamp: told ?? move(Timestamp, EARLIER) };
  });
  return { ...shown, historyEvents };
}

/** Milliseconds on, with the digits after them that it has, or with some. */
function move(time: unknown, by: number, zone = 'Z'): string {
  const text = String(time);
  const ticks = /\.\d{3}(\d{4})/.exec(text)?.[1] ?? '1234';
  return new Date(Date.parse(text) + by).toISOString().replace('Z', `${ticks}${zone}`);
}
