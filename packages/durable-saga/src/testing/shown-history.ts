import type { HistoryEvent } from './history';
import { EventType } from './history';

/**
 * A history as the management API of the Azure host shows it: no inputs and no numbers of tasks, and tasks only once they
 * are done, with the time at which they were scheduled. Recorded from that host. Of what was scheduled in one millisecond
 * each is a tick of 100 ns after the one before.
 */
export function showHistory(history: readonly HistoryEvent[]): object[] {
  const scheduled = new Map<number, { readonly Name: unknown; readonly at: string }>();
  let ticks = 0;
  let now = NaN;
  for (const { EventType: type, EventId, Name, Timestamp } of history) {
    if (type === EventType.orchestratorStarted && Timestamp.getTime() !== now) {
      ticks = 0;
      now = Timestamp.getTime();
    }
    if (!OPENED.has(type)) continue;
    ticks += 1;
    scheduled.set(EventId, { Name, at: Timestamp.toISOString().replace('Z', `${String(ticks).padStart(4, '0')}Z`) });
  }
  return history.flatMap((event): object[] => {
    const Timestamp = event.Timestamp.toISOString();
    const opened = scheduled.get((event['TaskScheduledId'] ?? event['TimerId']) as number);
    const about = { Timestamp, ScheduledTime: opened?.at, FunctionName: opened?.Name, Input: null };
    const { Reason, Details, FailureDetails = null } = event;
    switch (event.EventType) {
      case EventType.executionStarted:
        return [{ EventType: 'ExecutionStarted', Input: event['Input'], Timestamp, FunctionName: event['Name'] }];
      case EventType.taskCompleted:
        return [{ EventType: 'TaskCompleted', Result: parse(event['Result']), ...about }];
      case EventType.childCompleted:
        return [{ EventType: 'SubOrchestrationInstanceCompleted', Result: parse(event['Result']), ...about }];
      case EventType.taskFailed:
        return [{ EventType: 'TaskFailed', Reason, Details, FailureDetails, ...about }];
      case EventType.childFailed:
        return [{ EventType: 'SubOrchestrationInstanceFailed', Reason, Details, FailureDetails, ...about }];
      case EventType.timerCreated:
        return [{ EventType: 'TimerCreated', FireAt: event['FireAt'], Timestamp: scheduled.get(event.EventId)?.at }];
      case EventType.timerFired:
        return [{ EventType: 'TimerFired', FireAt: event['FireAt'], Timestamp }];
      case EventType.eventRaised:
        return [{ EventType: 'EventRaised', Name: event['Name'], Input: event['Input'] ?? null, Timestamp }];
      default:
        return [];
    }
  });
}

const OPENED: ReadonlySet<number> = new Set([EventType.taskScheduled, EventType.childCreated, EventType.timerCreated]);

function parse(text: unknown): unknown {
  return typeof text === 'string' ? JSON.parse(text) : null;
}
