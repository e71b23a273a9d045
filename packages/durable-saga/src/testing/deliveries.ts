import type { HistoryEvent, Task } from './history';
import { EventType, makeEvent } from './history';
import type { Attempt, Treatment } from './treatment';

export type ActivityTask = Extract<Task, { kind: 'activity' }>;

/**
 * One attempt under way: it runs when its time has come, more often when the platform delivers it again or the host that
 * ran it was killed before its answer was committed.
 */
export class Delivery {
  readonly attempt: Attempt;
  readonly treatment: Treatment;
  readonly #task: ActivityTask;
  readonly #run: () => Promise<unknown>;
  #answer: HistoryEvent | undefined;
  #hasRun = false;
  #lostRuns = 0;

  constructor(task: ActivityTask, attempt: Attempt, treatment: Treatment, run: (input: unknown) => Promise<unknown>) {
    this.attempt = attempt;
    this.treatment = treatment;
    this.#task = task;
    this.#run = () => run(task.json === undefined ? undefined : JSON.parse(task.json));
  }

  /** The host is killed: what has begun runs again, and nobody hears of its first time. */
  loseHost(): void {
    this.#lostRuns += 1;
  }

  /** Runs it, and keeps its answer for later. */
  async begin(now: () => number): Promise<undefined> {
    this.#answer = await this.#runNow(now);
    this.#hasRun = true;
  }

  /** Its answer; runs it, if it has not run since the last time the host was killed. */
  async answer(now: () => number): Promise<HistoryEvent> {
    if (this.#answer !== undefined && this.#lostRuns === 0) {
      return { ...this.#answer, Timestamp: new Date(now()) };
    }
    const hasRun = this.#hasRun;
    for (let lost = hasRun ? 1 : 0; lost < this.#lostRuns; lost += 1) await this.#runNow(now);
    return this.#runNow(now);
  }

  /** Runs once more, to nobody's knowledge. */
  async again(): Promise<undefined> {
    await this.#run().catch(() => undefined);
  }

  async #runNow(now: () => number): Promise<HistoryEvent> {
    const { hostFails, twice } = this.treatment;
    if (hostFails === 'before') return this.#failure(now);
    const first = this.#run();
    if (twice === 'together') await Promise.all([first, this.again()]);
    const result = await first;
    if (twice === 'after') await this.again();
    if (hostFails === 'after') return this.#failure(now);
    const json = (JSON.stringify(result) as string | undefined) ?? 'null';
    return makeEvent(EventType.taskCompleted, now(), { TaskScheduledId: this.#task.id, Result: json });
  }

  #failure(now: () => number): HistoryEvent {
    const { id, name } = this.#task;
    const message = 'the worker died';
    const words =
      (this.treatment.as ?? 'reason') === 'reason'
        ? { Reason: `Activity function '${name}' failed: ${message}`, Details: 'at worker' }
        : { FailureDetails: { ErrorType: 'System.Worker.DiedException', ErrorMessage: message, StackTrace: null } };
    return makeEvent(EventType.taskFailed, now(), { TaskScheduledId: id, ...words });
  }
}

/** Reads what a saga wrote into the call of an attempt. */
export function readAttempt(instanceId: string, { name, json }: ActivityTask, at: number): Attempt {
  const { $step, input } = JSON.parse(json ?? 'null') as {
    readonly $step: { readonly key: string; readonly attempt?: number; readonly timeout?: number };
    readonly input: unknown;
  };
  return { instanceId, name, key: $step.key, attempt: $step.attempt ?? 1, input, timeout: $step.timeout, at };
}
