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
  readonly IsPlayed: boolean;
  readonly Timestamp: string;
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
  readonly fireAt?: string;
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

/** The input of the next history, if the answer ends this one. */
export function continuationOf({ isDone, actions }: Answered): { readonly input: unknown } | undefined {
  const action = isDone ? actions[0]?.find(({ actionType }) => actionType === ActionType.continueAsNew) : undefined;
  return action === undefined ? undefined : { input: action.input };
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
  return { EventType: type, EventId: -1, IsPlayed: false, Timestamp: new Date(at).toISOString(), ...fields };
}

export function describeTask(task: Task): string {
  if (task.kind === 'child') return `#${task.id} child ${task.name} ${task.instanceId} ${task.json}`;
  return task.kind === 'activity'
    ? `#${task.id} activity ${task.name} ${task.json}`
    : `#${task.id} timer ${new Date(task.fireAt).toISOString()}`;
}
