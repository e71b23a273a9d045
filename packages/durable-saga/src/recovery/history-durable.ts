import { answerOf } from '../definition/activity';
import type { Life } from '../runner/fiber';
import type { StepCall } from '../definition/activity';
import type { ActivityHandle, Durable, EventHandle, TimerHandle, Waits } from '../host/durable-port';
import { isAnyDone } from '../host/durable-port';

/*
 * A saga's life once more, from the history that the management API shows, to see what it had come to when it was ended.
 *
 * That history is not what a replay gets: it shows no inputs and no numbers of tasks. It is enough all the same. A reply
 * says which attempt it answers (`of`); timers are created in the order in which the saga asks for them, and what fired
 * says when it was due; events have names. Fed in the order of the history, the saga's body asks for the same things
 * again, and where the history ends, the saga stands as it stood. An attempt that was asked for and has no reply maybe
 * ran.
 *
 * What differs is the clock: the time of a turn is not shown, the times of what happened are, and they are some
 * milliseconds apart. Hence nothing here is found by its time.
 *
 * A body that does not follow its history (the app has changed, or it is not deterministic) leaves results behind that
 * nothing asked for. Then what the saga owes is not known, and that is said instead of a guess.
 */

/** An event as the management API lists it. */
export type ShownEvent = Readonly<Record<string, unknown>>;

export interface RecordedLife {
  readonly instanceId: string;
  readonly input: unknown;
  /** Milliseconds since the epoch, as the saga itself saw it. */
  readonly startedAt: number;
  readonly events: readonly ShownEvent[];
}

class Told implements ActivityHandle, TimerHandle, EventHandle {
  isMet = false;
  #result: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown } | undefined;

  get done(): boolean {
    return this.#result !== undefined;
  }

  tell(value: unknown): void {
    this.#result ??= { ok: true, value };
  }

  fail(error: unknown): void {
    this.#result ??= { ok: false, error };
  }

  outcome(): ReturnType<ActivityHandle['outcome']> {
    if (this.#result === undefined) throw new Error('asked for a result that is not there yet');
    return this.#result;
  }

  value(): unknown {
    return this.#result?.ok === true ? this.#result.value : undefined;
  }

  cancel(): void {
    // Nobody waits for it any more.
  }
}

class TimerTold extends Told {
  readonly at: number;

  constructor(at: number) {
    super();
    this.at = at;
  }
}

interface Call {
  readonly name: string;
  readonly key: string;
  readonly attempt: number;
  readonly told: Told;
}

interface RecordedTimer {
  readonly fireAt: number;
  /** It was due when it was created: the platform part of the toolkit makes such timers of its own. */
  readonly isDueAtOnce: boolean;
  told: TimerTold | undefined;
  isFired: boolean;
}

export class HistoryDurable implements Durable {
  readonly instanceId: string;
  readonly input: unknown;
  readonly hostVersion = undefined;
  #now: number;
  readonly #events: readonly ShownEvent[];
  readonly #calls: Call[] = [];
  readonly #children = new Map<string, { readonly name: string; readonly told: Told }>();
  readonly #waiting = new Map<string, Told[]>();
  readonly #raised = new Map<string, unknown[]>();
  readonly #timers: RecordedTimer[];
  #nextTimer = 0;
  /** The saga was about to go on in another history. */
  isContinued = false;
  /** Replies to what has not been asked for yet. */
  readonly #early = new Map<string, unknown>();

  constructor({ instanceId, input, startedAt, events }: RecordedLife) {
    this.instanceId = instanceId;
    this.input = input;
    // The start is that of the first history, and this may be a later one.
    const [began = startedAt] = events.filter(isOf('ExecutionStarted')).map((event) => timeOf(event['Timestamp']));
    this.#now = Number.isNaN(began) ? startedAt : Math.max(startedAt, began);
    this.#events = events;
    this.#timers = events.filter(isOf('TimerCreated')).map((event) => {
      const fireAt = timeOf(event['FireAt']);
      return { fireAt, isDueAtOnce: fireAt <= timeOf(event['Timestamp']), told: undefined, isFired: false };
    });
  }

  now(): number {
    return this.#now;
  }

  log(): void {
    // It was said when it happened.
  }

  showStatus(): void {
    // Nobody looks at it.
  }

  callActivity(name: string, input: unknown): ActivityHandle {
    const { $step: step } = input as StepCall;
    const [key, attempt] = answerOf(step);
    const call = { name, key, attempt, told: new Told() };
    this.#calls.push(call);
    const id = idOf(name, call.key, call.attempt);
    if (this.#early.has(id)) call.told.tell(this.#early.get(id));
    this.#early.delete(id);
    return call.told;
  }

  callChild(name: string, instanceId: string): ActivityHandle {
    const told = new Told();
    this.#children.set(instanceId, { name, told });
    return told;
  }

  timer(at: number): TimerHandle {
    return new TimerTold(at);
  }

  event(name: string): EventHandle {
    const told = new Told();
    const queue = this.#raised.get(name);
    if (queue !== undefined && queue.length > 0) told.tell(queue.shift());
    else this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), told]);
    return told;
  }

  /** The history that would have followed was never begun. */
  continueAsNew(): void {
    this.isContinued = true;
  }

  /** Runs a saga's life to the end of its history. Throws when the two don't fit. */
  relive(life: Life<unknown>): { readonly isOver: boolean } {
    let waits = this.#advance(life);
    for (const event of this.#events) {
      if (waits === undefined) break;
      this.#take(event);
      while (waits !== undefined && isAnyDone(waits)) waits = this.#advance(life);
    }
    const [unasked] = this.#early.keys();
    if (unasked !== undefined) {
      throw new Error(
        `the history of '${this.instanceId}' holds a reply to ${unasked}, which the saga does not ask for`,
      );
    }
    return { isOver: waits === undefined };
  }

  /** Attempts without a reply, by the key of their step: they maybe ran, or are still running. */
  unanswered(name: string): readonly string[] {
    return this.#calls.filter((call) => call.name === name && !call.told.done).map(({ key }) => key);
  }

  /** Ids of the children that the saga still waits for. */
  runningChildren(): readonly string[] {
    return [...this.#children].filter(([, { told }]) => !told.done).map(([id]) => id);
  }

  /** Ids of the children that did not end by themselves, as the saga has been told. */
  lostChildren(): readonly string[] {
    return [...this.#children].filter(([, { told }]) => told.done && !told.outcome().ok).map(([id]) => id);
  }

  #advance(life: Life<unknown>): Waits | undefined {
    const { done, value } = life.next(undefined);
    if (done) return undefined;
    for (const handle of value) if (handle instanceof TimerTold && !handle.isMet) this.#meet(handle);
    return value;
  }

  /** Timers come to be in the order in which they are first waited for. */
  #meet(timer: TimerTold): void {
    timer.isMet = true;
    while (timer.at > this.#now && this.#timers[this.#nextTimer]?.isDueAtOnce) this.#nextTimer += 1;
    const recorded = this.#timers[this.#nextTimer];
    if (recorded === undefined) return;
    this.#nextTimer += 1;
    recorded.told = timer;
    if (recorded.isFired) this.#fire(recorded);
  }

  #take(event: ShownEvent): void {
    const at = timeOf(event['Timestamp']);
    if (!Number.isNaN(at)) this.#now = Math.max(this.#now, at);
    switch (event['EventType']) {
      case 'TaskCompleted':
        this.#answer(String(event['FunctionName']), parse(event['Result']));
        return;
      case 'TaskFailed':
        this.#failOne(String(event['FunctionName']), event);
        return;
      case 'SubOrchestrationInstanceCompleted':
        this.#endChild(parse(event['Result']), event);
        return;
      case 'SubOrchestrationInstanceFailed':
        this.#endChild(undefined, event);
        return;
      case 'TimerFired':
        this.#fireAt(timeOf(event['FireAt']));
        return;
      case 'EventRaised':
        this.#raise(String(event['Name']), parse(event['Input']));
        return;
    }
  }

  #answer(name: string, reply: unknown): void {
    const of = typeof reply === 'object' && reply !== null && 'of' in reply ? reply.of : undefined;
    const [key, attempt] = Array.isArray(of) ? (of as readonly unknown[]) : [];
    if (typeof key !== 'string' || typeof attempt !== 'number') {
      throw new Error(
        `the history of '${this.instanceId}' holds a reply of '${name}' that does not say what it answers`,
      );
    }
    const call = this.#calls.find((one) => one.name === name && one.key === key && one.attempt === attempt);
    if (call === undefined) this.#early.set(idOf(name, key, attempt), reply);
    else call.told.tell(reply);
  }

  /** The history does not say which attempt the platform failed: one that was tried again, if there is one. */
  #failOne(name: string, event: ShownEvent): void {
    const open = this.#calls.filter((call) => call.name === name && !call.told.done);
    const next = (call: Call): boolean => this.#hasReply(name, call.key, call.attempt + 1);
    (open.find(next) ?? open[0])?.told.fail(new Error(`${String(event['Reason'])} \n ${String(event['Details'])}`));
  }

  #hasReply(name: string, key: string, attempt: number): boolean {
    return this.#events.some((event) => {
      if (event['EventType'] !== 'TaskCompleted' || event['FunctionName'] !== name) return false;
      const of = (parse(event['Result']) as { readonly of?: readonly unknown[] } | null)?.of;
      return of?.[0] === key && of[1] === attempt;
    });
  }

  #endChild(end: unknown, event: ShownEvent): void {
    const id = (end as { readonly $child?: { readonly id?: unknown } } | undefined)?.$child?.id;
    const child =
      typeof id === 'string'
        ? this.#children.get(id)
        : [...this.#children.values()].find(({ name, told }) => name === event['FunctionName'] && !told.done);
    if (child === undefined) {
      throw new Error(`the history of '${this.instanceId}' holds the end of a child that the saga does not start`);
    }
    if (end === undefined) child.told.fail(new Error(`${String(event['Reason'])} \n ${String(event['Details'])}`));
    else child.told.tell(end);
  }

  #fireAt(fireAt: number): void {
    const timer = this.#timers.find((one) => one.fireAt === fireAt && !one.isFired);
    if (timer === undefined) return;
    timer.isFired = true;
    this.#fire(timer);
  }

  #fire({ told, fireAt }: RecordedTimer): void {
    this.#now = Math.max(this.#now, fireAt, told?.at ?? 0);
    told?.tell(undefined);
  }

  #raise(name: string, payload: unknown): void {
    const waiting = this.#waiting.get(name)?.shift();
    if (waiting !== undefined) waiting.tell(payload);
    else this.#raised.set(name, [...(this.#raised.get(name) ?? []), payload]);
  }
}

function idOf(name: string, key: string, attempt: number): string {
  return `attempt ${attempt} of '${name}' for '${key}'`;
}

function isOf(type: string): (event: ShownEvent) => boolean {
  return (event) => event['EventType'] === type;
}

function timeOf(text: unknown): number {
  return typeof text === 'string' ? Date.parse(text) : NaN;
}

/** Results come as values or as JSON text, by host and place. */
function parse(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
