import type { Action, Answered, HistoryEvent, Task } from './history';
import { ActionType, describeTask, EventType } from './history';

/*
 * How the Azure host reads an orchestrator's answer, as a model to test against. On each turn it starts from nothing:
 * it takes the history from its beginning, and from the moment the execution started it carries the list of actions out
 * in order: start an entry, wait until it is complete, go on. Its own numbers come from that order. An event of the
 * history that finds no task of its number and kind is what it calls non-determinism, and ends the instance.
 *
 * A continue-as-new is an action like others. External events that the replay meets after it are kept for the next
 * history; what came before and nobody waited for is dropped. The next history begins when no task is open.
 */

const DAY = 24 * 3_600_000;
const LONGEST_TIMER = 6 * DAY;
const LONG_TIMER_PIECE = 3 * DAY;

interface Waiting {
  done: boolean;
}

export interface Replayed {
  /** Tasks that this turn asks for and the history does not hold yet. */
  readonly scheduled: readonly Task[];
  /** All numbers given so far. */
  readonly tasks: ReadonlyMap<number, Task>;
  readonly isComplete: boolean;
  /** External events that the next history begins with, if there is one. */
  readonly kept: readonly HistoryEvent[];
}

export class NonDeterminismError extends Error {}

export function replayOnAzure(history: readonly HistoryEvent[], answer: Answered): Replayed {
  const replay = new AzureReplay(answer);
  for (const event of history) replay.take(event);
  return replay.result();
}

class AzureReplay {
  readonly #answer: Answered;
  readonly #actions: readonly Action[];
  readonly #tasks = new Map<number, Task>();
  readonly #unmatched = new Map<number, Task>();
  readonly #open = new Map<number, () => void>();
  readonly #waiters = new Map<string, Waiting[]>();
  readonly #buffered = new Map<string, number>();
  readonly #kept: HistoryEvent[] = [];
  #isContinued = false;
  #now = 0;
  #nextId = 0;
  #isLongTimer = false;
  #position = -1;
  #current: Waiting = { done: true };

  constructor(answer: Answered) {
    this.#answer = answer;
    const [actions, ...more] = answer.actions;
    if (actions === undefined || more.length > 0) throw new Error('expected one list of actions');
    this.#actions = actions;
  }

  take(event: HistoryEvent): void {
    switch (event.EventType) {
      case EventType.orchestratorStarted:
        this.#now = event.Timestamp.getTime();
        return;
      case EventType.executionStarted:
        this.#advance();
        return;
      case EventType.taskScheduled:
        this.#match(event, 'activity');
        return;
      case EventType.timerCreated:
        this.#match(event, 'timer');
        return;
      case EventType.childCreated:
        this.#match(event, 'child');
        return;
      case EventType.taskCompleted:
      case EventType.taskFailed:
      case EventType.childCompleted:
      case EventType.childFailed:
        this.#complete(event['TaskScheduledId'] as number);
        return;
      case EventType.timerFired:
        this.#complete(event['TimerId'] as number);
        return;
      case EventType.eventRaised:
        if (this.#isContinued) this.#kept.push(event);
        else this.#raise((event['Name'] as string).toLowerCase());
        return;
    }
  }

  result(): Replayed {
    const isAtEnd = this.#position >= this.#actions.length;
    return {
      scheduled: [...this.#unmatched.values()],
      tasks: this.#tasks,
      isComplete: this.#answer.isDone && isAtEnd && this.#open.size === 0,
      kept: this.#kept,
    };
  }

  #advance(): void {
    while (this.#current.done && this.#position < this.#actions.length) {
      this.#position += 1;
      const action = this.#actions[this.#position];
      if (action !== undefined) this.#current = this.#start(action);
    }
  }

  #start(action: Action): Waiting {
    switch (action.actionType) {
      case ActionType.activity:
        return this.#openTask({ kind: 'activity', name: present(action.functionName), json: jsonOf(action.input) });
      case ActionType.child: {
        const { functionName, instanceId, input } = action;
        return this.#openTask({
          kind: 'child',
          name: present(functionName),
          instanceId: present(instanceId),
          json: jsonOf(input),
        });
      }
      case ActionType.timer:
        return this.#startTimer(new Date(present(action.fireAt)).getTime(), action.isCanceled ?? false);
      case ActionType.continueAsNew:
        this.#isContinued = true;
        return { done: true };
      case ActionType.event:
        return this.#startEvent(present(action.externalEventName).toLowerCase());
      case ActionType.whenAny:
        return anyOf(present(action.compoundActions).map((part) => this.#start(part)));
      case ActionType.whenAll:
        return allOf(present(action.compoundActions).map((part) => this.#start(part)));
      default:
        throw new Error(`a saga must not use action type ${action.actionType}`);
    }
  }

  #openTask(
    task:
      | Omit<Extract<Task, { kind: 'activity' }>, 'id'>
      | Omit<Extract<Task, { kind: 'child' }>, 'id'>
      | Omit<Extract<Task, { kind: 'timer' }>, 'id'>,
  ): Waiting & {
    readonly id: number;
  } {
    const id = this.#nextId;
    this.#nextId += 1;
    const numbered: Task = { ...task, id };
    this.#tasks.set(id, numbered);
    this.#unmatched.set(id, numbered);
    const waiting = { done: false, id };
    this.#open.set(id, () => {
      waiting.done = true;
    });
    return waiting;
  }

  /** A timer that seems to be more than six days away becomes a chain, each piece with a number of its own. */
  #startTimer(fireAt: number, isCanceled: boolean): Waiting {
    const outer: Waiting = { done: false };
    let pieceAt = fireAt;
    if (fireAt - this.#now > LONGEST_TIMER) {
      this.#isLongTimer = true;
      pieceAt = this.#now + LONG_TIMER_PIECE;
    }
    const isLong = this.#isLongTimer;
    const startPiece = (): void => {
      if (isLong && this.#now >= fireAt) {
        outer.done = true;
        this.#isLongTimer = false;
        return;
      }
      const { id } = this.#openTask({ kind: 'timer', fireAt: pieceAt });
      this.#open.set(id, () => {
        const remaining = fireAt - this.#now;
        if (!isLong || remaining <= 0) {
          outer.done = true;
          this.#isLongTimer = false;
          return;
        }
        pieceAt = this.#now + Math.min(remaining, LONG_TIMER_PIECE);
        startPiece();
      });
      if (isCanceled) {
        this.#open.delete(id);
        outer.done = true;
      }
    };
    startPiece();
    return outer;
  }

  #startEvent(name: string): Waiting {
    const waiting: Waiting = { done: false };
    const buffered = this.#buffered.get(name) ?? 0;
    if (buffered > 0) {
      this.#buffered.set(name, buffered - 1);
      waiting.done = true;
      return waiting;
    }
    this.#waiters.set(name, [...(this.#waiters.get(name) ?? []), waiting]);
    return waiting;
  }

  /** The newest waiter of the name gets it; without one it is kept. */
  #raise(name: string): void {
    const waiter = this.#waiters.get(name)?.pop();
    if (waiter === undefined) {
      this.#buffered.set(name, (this.#buffered.get(name) ?? 0) + 1);
      return;
    }
    waiter.done = true;
    this.#advance();
  }

  #match(event: HistoryEvent, kind: Task['kind']): void {
    const task = this.#unmatched.get(event.EventId);
    if (task?.kind !== kind || (task.kind !== 'timer' && task.name !== event['Name'])) {
      throw new NonDeterminismError(
        `the history holds ${kind} #${event.EventId}, the replay has ` +
          (task === undefined ? 'nothing (yet) of that number' : describeTask(task)),
      );
    }
    this.#unmatched.delete(event.EventId);
  }

  #complete(id: number): void {
    const complete = this.#open.get(id);
    if (complete === undefined) return;
    this.#open.delete(id);
    complete();
    this.#advance();
  }
}

/** What the library always gives with an action of its kind. */
function present<T>(field: T | undefined): T {
  if (field === undefined) throw new Error('an action of the library lacks a field that its kind has');
  return field;
}

function jsonOf(value: unknown): string | undefined {
  return JSON.stringify(value);
}

function anyOf(parts: readonly Waiting[]): Waiting {
  if (parts.length === 0) throw new Error('the Azure host refuses a WhenAny of nothing');
  return {
    get done() {
      return parts.some(({ done }) => done);
    },
  };
}

function allOf(parts: readonly Waiting[]): Waiting {
  return {
    get done() {
      return parts.every(({ done }) => done);
    },
  };
}
