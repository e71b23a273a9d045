import type { Clock, Scheduled, WaitAbout } from '../clock';
import { isFinished } from '../store/store';
import type { Trace } from '../tracing/trace-context';
import type { Failure } from './history';
import type { Instance, OpenWork } from './instance';
import { taskTrace } from './instance-trace';
import type { Answer } from './messages';

/** Runs activities for the engine. */
export interface Activities {
  /** Never rejects: a failed activity is an outcome. */
  run(
    name: string,
    call: {
      readonly instanceId: string;
      readonly taskId: number;
      readonly input: string;
      /** Of the span of the task, if the orchestration is traced. */
      readonly trace: Trace | undefined;
    },
  ): Promise<ActivityOutcome>;
}

export type ActivityOutcome = { readonly result: string } | { readonly failure: Failure };

type Deliver = (instance: Instance, answer: Answer) => void;
type Work<K extends OpenWork['kind']> = Extract<OpenWork, { kind: K }>;

interface QueuedActivity {
  readonly instance: Instance;
  readonly executionId: string;
  readonly work: Work<'activity'>;
}

/**
 * Runs activities, at most so many at a time, first come first served. An activity whose orchestration ended
 * before its turn came is not run at all.
 */
export class ActivityRunner {
  readonly #activities: Activities;
  readonly #limit: number;
  readonly #deliver: Deliver;
  readonly #waiting: QueuedActivity[] = [];
  #next = 0;
  #running = 0;
  #isStopped = false;
  #onIdle: (() => void) | undefined;
  #ended: Promise<void> | undefined;

  constructor(activities: Activities, limit: number, deliver: Deliver) {
    this.#activities = activities;
    this.#limit = limit;
    this.#deliver = deliver;
  }

  get isIdle(): boolean {
    return this.#running === 0 && this.#next === this.#waiting.length;
  }

  start(instance: Instance, work: Work<'activity'>): void {
    const queued = { instance, executionId: instance.executionId, work };
    if (this.#isStopped) return;
    if (this.#running < this.#limit) this.#run(queued);
    else this.#waiting.push(queued);
  }

  /** Starts nothing more. Resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#waiting.length = 0;
    this.#next = 0;
    this.#ended ??= new Promise<void>((resolve) => {
      if (this.#running === 0) resolve();
      else this.#onIdle = resolve;
    });
    await this.#ended;
  }

  #run(queued: QueuedActivity): void {
    this.#running += 1;
    const { id, name, input } = queued.work;
    const call = { instanceId: queued.instance.id, taskId: id, input, trace: taskTrace(queued.instance, id) };
    void this.#activities.run(name, call).then((outcome) => this.#end(queued, outcome));
  }

  #end({ instance, executionId, work: { id } }: QueuedActivity, outcome: ActivityOutcome): void {
    this.#running -= 1;
    this.#deliver(
      instance,
      'result' in outcome
        ? { kind: 'activityCompleted', executionId, id, result: outcome.result }
        : { kind: 'activityFailed', executionId, id, failure: outcome.failure },
    );
    this.#startNext();
    if (this.#running === 0) this.#onIdle?.();
  }

  #startNext(): void {
    while (this.#running < this.#limit && this.#next < this.#waiting.length) {
      const queued = this.#waiting[this.#next++];
      if (queued === undefined) return;
      if (this.#next > 1024 && this.#next * 2 > this.#waiting.length) {
        this.#waiting.splice(0, this.#next);
        this.#next = 0;
      }
      const { instance, executionId, work } = queued;
      const isWanted = instance.executionId === executionId && instance.open.has(work.id);
      if (isWanted && !isFinished(instance.status)) this.#run(queued);
    }
  }
}

/** Durable timers while they wait. */
export class Timers {
  readonly #clock: Clock;
  readonly #deliver: Deliver;
  readonly #armed = new Map<Instance, Map<number, Scheduled>>();

  constructor(clock: Clock, deliver: Deliver) {
    this.#clock = clock;
    this.#deliver = deliver;
  }

  arm(instance: Instance, { id, fireAt }: Work<'timer'>): void {
    const { executionId } = instance;
    let timers = this.#armed.get(instance);
    if (timers === undefined) this.#armed.set(instance, (timers = new Map<number, Scheduled>()));
    const fire = (): void => {
      this.#forget(instance, id);
      this.#deliver(instance, { kind: 'timerFired', executionId, id });
    };
    timers.set(id, this.#clock.schedule(fireAt, fire, toWaitAbout(instance, id)));
  }

  cancel(instance: Instance, id: number): void {
    this.#armed.get(instance)?.get(id)?.cancel();
    this.#forget(instance, id);
  }

  cancelAll(): void {
    for (const timers of this.#armed.values()) for (const timer of timers.values()) timer.cancel();
    this.#armed.clear();
  }

  #forget(instance: Instance, id: number): void {
    const timers = this.#armed.get(instance);
    if (timers?.delete(id) === true && timers.size === 0) this.#armed.delete(instance);
  }
}

function toWaitAbout({ name, id: instanceId, retries }: Instance, id: number): WaitAbout {
  const [kind, noun] = retries.has(id) ? (['retry', 'retry'] as const) : (['durable', 'timer'] as const);
  return { kind, what: `${noun} #${id} of orchestration '${name}'`, functionName: name, instanceId };
}
