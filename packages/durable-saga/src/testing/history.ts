/** The durable-functions protocol as a host speaks it; only what sagas use. */
export const EventType = {
  executionStarted: 0,
  taskScheduled: 4,
  taskCompleted: 5,
  taskFailed: 6,
  childCreated: 7,
  childCompleted: 8,
  childFailed: 9,
  timerCreated: 10,
  timerFired: 11,
  orchestratorStarted: 12,
  orchestratorCompleted: 13,
  eventRaised: 15,
} as const;

export interface HistoryEvent {
  readonly EventType: number;
  readonly EventId: number;
  IsPlayed: boolean;
  readonly Timestamp: Date;
  readonly [field: string]: unknown;
}

export const ActionType = {
  activity: 0,
  child: 2,
  continueAsNew: 4,
  timer: 5,
  event: 6,
  whenAny: 11,
  whenAll: 12,
} as const;

export interface Action {
  readonly actionType: number;
  readonly functionName?: string;
  readonly instanceId?: string;
  readonly input?: unknown;
  readonly fireAt?: string | Date;
  readonly isCanceled?: boolean;
  readonly externalEventName?: string;
  readonly compoundActions?: readonly Action[];
}

/** What an orchestrator answered to one turn. */
export interface Answered {
  readonly isDone: boolean;
  readonly actions: readonly (readonly Action[])[];
  readonly output?: unknown;
  readonly customStatus?: unknown;
}

/** How an orchestrator's history ended. */
export interface ExecutionEnd {
  /** JSON of its result. */
  readonly output: string | undefined;
  /** The input of the next history, if there is one. */
  readonly next: { readonly input: unknown } | undefined;
}

/** The input of the next history, if these are the actions of one that has ended to be continued. */
export function continuationOf(actions: readonly Action[]): { readonly input: unknown } | undefined {
  const action = actions.find(({ actionType }) => actionType === ActionType.continueAsNew);
  return action === undefined ? undefined : { input: action.input };
}

/** How an answer ends its history, if it does. */
export function endOf({ isDone, output, actions }: Answered): ExecutionEnd | undefined {
  return isDone ? { output: JSON.stringify(output), next: continuationOf(actions[0] ?? []) } : undefined;
}

/** Something with a number that a host has been asked for; `json` is its input. */
export type Task =
  | { readonly kind: 'activity'; readonly id: number; readonly name: string; readonly json: string | undefined }
  | {
      readonly kind: 'child';
      readonly id: number;
      readonly name: string;
      readonly instanceId: string;
      readonly json: string | undefined;
    }
  | { readonly kind: 'timer'; readonly id: number; readonly fireAt: number };

export function makeEvent(type: number, at: number, fields: Readonly<Record<string, unknown>> = {}): HistoryEvent {
  return { EventType: type, EventId: -1, IsPlayed: false, Timestamp: new Date(at), ...fields };
}

export function describeTask(task: Task): string {
  if (task.kind === 'child') return `#${task.id} child ${task.name} ${task.instanceId} ${task.json}`;
  return task.kind === 'activity'
    ? `#${task.id} activity ${task.name} ${task.json}`
    : `#${task.id} timer ${new Date(task.fireAt).toISOString()}`;
}
