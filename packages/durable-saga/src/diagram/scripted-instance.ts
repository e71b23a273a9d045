import type { Reply, StepCall } from '../definition/activity';
import { toMilliseconds } from '../definition/duration';
import type { ActivityHandle, Durable, EventHandle, TimerHandle, Waits } from '../host/durable-port';
import { isAnyDone } from '../host/durable-port';
import { failureFromThrown, isStepFailure } from '../definition/failure';
import type { SagaStatus } from '../runner/status';
import type { SagaPath } from './path';

/** An attempt of a step or an undo, as the platform was asked for it. */
export interface ScriptedCall {
  readonly activity: string;
  readonly key: string;
  /** How many calls were under way beside it when it was made. */
  readonly beside: number;
  /** Whether the saga was on its way back. */
  readonly isGoingBack: boolean;
}

interface Happening {
  readonly at: number;
  readonly happen: () => void;
}

export interface ScriptedParts {
  /** May answer in place of the path's script. */
  readonly answer: (call: ScriptedCall) => Reply | undefined;
  /** Plays a child saga to its end, and gives its output. */
  readonly playChild: (name: string, instanceId: string, input: unknown) => unknown;
}

interface PendingEvent extends EventHandle {
  take(value: unknown): void;
}

/**
 * A durable platform that exists in memory only: activities answer from a script, at once; timers and events come when
 * nothing else is left to happen, as if no time passed in between.
 */
export class ScriptedInstance implements Durable {
  readonly instanceId: string;
  input: unknown;
  readonly hostVersion = undefined;
  /** All calls so far, in their order. */
  readonly calls: ScriptedCall[] = [];
  readonly #answer: (call: ScriptedCall) => Reply;
  readonly #playChild: ScriptedParts['playChild'];
  readonly #answered = new Map<string, number>();
  readonly #script: NonNullable<SagaPath<unknown>['answers']>;
  readonly #waiting = new Map<string, PendingEvent[]>();
  readonly #undelivered = new Map<string, unknown[]>();
  #happenings: Happening[] = [];
  #underWay = 0;
  #now = START;
  #next: { readonly input: unknown } | undefined;
  #status: { toJSON(): unknown } | undefined;

  constructor(instanceId: string, path: SagaPath<unknown>, { answer, playChild }: ScriptedParts) {
    this.instanceId = instanceId;
    this.#playChild = playChild;
    this.input = path.input;
    this.#script = path.answers ?? {};
    this.#answer = (call) => answer(call) ?? this.#fromScript(call);
    for (const { after, event, payload } of path.events ?? []) {
      const at = START + toMilliseconds(after, `path '${path.title}': event '${event}'`);
      this.#happenings.push({ at, happen: () => this.#deliver(event, payload) });
    }
  }

  get status(): SagaStatus | undefined {
    return this.#status?.toJSON() as SagaStatus | undefined;
  }

  now(): number {
    return this.#now;
  }

  log(): void {
    // A script is played for its trace; what it says to a log is nobody's.
  }

  showStatus(status: { toJSON(): unknown }): void {
    this.#status = status;
  }

  callActivity(name: string, input: unknown): ActivityHandle {
    const { key } = (input as StepCall).$step;
    const call: ScriptedCall = {
      activity: name,
      key,
      beside: this.#underWay,
      isGoingBack: this.status?.state === 'compensating',
    };
    this.calls.push(call);
    this.#underWay += 1;
    return this.#soon(() => {
      this.#underWay -= 1;
      return this.#answer(call);
    });
  }

  callChild(name: string, instanceId: string, input: unknown): ActivityHandle {
    return this.#soon(() => this.#playChild(name, instanceId, input));
  }

  #soon(happen: () => unknown): ActivityHandle {
    let came: { readonly value: unknown } | undefined;
    this.#happenings.push({ at: this.#now, happen: () => void (came = { value: happen() }) });
    return {
      get done() {
        return came !== undefined;
      },
      outcome: () => ({ ok: true, value: came?.value }),
    };
  }

  timer(at: number): TimerHandle {
    let done = false;
    const happening = { at, happen: () => (done = true) };
    this.#happenings.push(happening);
    return {
      get done() {
        return done;
      },
      cancel: () => {
        this.#happenings = this.#happenings.filter((one) => one !== happening);
      },
    };
  }

  event(name: string): EventHandle {
    let taken: { readonly value: unknown } | undefined;
    const handle: PendingEvent = {
      get done() {
        return taken !== undefined;
      },
      value: () => taken?.value,
      take: (value) => (taken = { value }),
    };
    const undelivered = this.#undelivered.get(name) ?? [];
    if (undelivered.length > 0) handle.take(undelivered.shift());
    else this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), handle]);
    return handle;
  }

  continueAsNew(input: unknown): void {
    this.#next = { input };
  }

  /** Goes on with a new history, if the code has asked for one; what nobody has waited for yet is kept. */
  beginNext(): boolean {
    if (this.#next === undefined) return false;
    this.input = this.#next.input;
    this.#next = undefined;
    this.#waiting.clear();
    return true;
  }

  /** Lets one thing after another happen until a handle is done. False when nothing is left that could happen. */
  advance(waits: Waits): boolean {
    while (!isAnyDone(waits)) {
      const next = this.#happenings.reduce<Happening | undefined>(
        (first, one) => (first === undefined || one.at < first.at ? one : first),
        undefined,
      );
      if (next === undefined) return false;
      this.#happenings = this.#happenings.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.happen();
    }
    return true;
  }

  #deliver(event: string, payload: unknown): void {
    const handle = this.#waiting.get(event)?.shift();
    if (handle !== undefined) handle.take(payload);
    else this.#undelivered.set(event, [...(this.#undelivered.get(event) ?? []), payload]);
  }

  #fromScript({ activity }: ScriptedCall): Reply {
    const number = this.#answered.get(activity) ?? 0;
    this.#answered.set(activity, number + 1);
    const answers = this.#script[activity] ?? [];
    const value = answers[Math.min(number, answers.length - 1)];
    return isStepFailure(value) ? { ok: false, failure: failureFromThrown(value) } : { ok: true, value };
  }
}

/** Milliseconds since the epoch; any time does, as long as it is always the same. */
const START = Date.UTC(2026, 0, 1);
