/*
 * Timer triggers.
 *
 * A timer is a chain: run, note where the schedule stands, wait for the next occurrence. Runs never overlap, since the
 * next wait begins after a run; an occurrence that passed during a run is made up for once, at once. The note outlives
 * the host: when it starts and finds that an occurrence passed while it was down, the function runs at once with
 * `isPastDue`. The note is written after the run, so a host that dies during a run makes it again.
 *
 * While the note can't be read (storage is down) the schedule goes on all the same; the check for missed occurrences
 * waits until it can be, unless a run has made it pointless.
 */
import type { FunctionRuntime } from '../app/function-runtime';
import { httpReason } from '../app/http-invocation';
import type { Invoker } from '../app/invocation';
import type { Clock, Scheduled } from '../clock';
import type { HostLog } from '../log';
import { messageOf } from '../supervisor/failures';
import { runWithRetry } from './retry-policy';
import type { Schedule } from './schedule';
import type { ScheduleStatus, ScheduleStatusStore } from './schedule-status';
import type { TriggerListener } from './trigger-listener';

export interface TimerTriggerOptions {
  readonly runtime: FunctionRuntime;
  readonly schedule: Schedule;
  readonly runOnStartup: boolean;
  /** Undefined if the schedule is not kept over restarts. */
  readonly statuses: ScheduleStatusStore | undefined;
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly log: HostLog;
}

const category = 'Host.Triggers.Timer';
const never = '0001-01-01T00:00:00Z';
const firstReadRetryMs = 1000;
const longestReadRetryMs = 30_000;

/** Listens to the clock for one function. */
export function createTimerTrigger(options: TimerTriggerOptions): TriggerListener {
  const timer = new Timer(options);
  return {
    runtime: options.runtime,
    start: () => void timer.start(),
    stop: () => {
      timer.stop();
    },
    close: () => timer.close(),
    runOnce: () => timer.runOnce(),
  };
}

class Timer {
  readonly #options: TimerTriggerOptions;
  readonly #stopping = new AbortController();
  #status: ScheduleStatus | undefined;
  #waiting: Scheduled | undefined;
  #hasRun = false;
  #writing: Promise<void> | undefined;

  constructor(options: TimerTriggerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { runOnStartup, clock, schedule } = this.#options;
    if (!runOnStartup) this.#waitFor(schedule.next(clock.now()));
    const found = await this.#readStatus(runOnStartup ? 1 : Infinity);
    if (this.#hasRun || this.#stopping.signal.aborted) return;
    const due = found === undefined ? undefined : this.#dueTime(found);
    const isPastDue = due !== undefined && due <= clock.now();
    this.#status = due === undefined ? this.#toStatus(never, schedule.next(clock.now())) : found;
    if (isPastDue || runOnStartup) {
      this.#waiting?.cancel();
      await this.#run(clock.now(), isPastDue);
      return;
    }
    if (due === undefined) await this.#writeStatus();
    else {
      this.#waiting?.cancel();
      this.#waitFor(due);
    }
  }

  stop(): void {
    this.#stopping.abort();
    this.#waiting?.cancel();
  }

  /** Waits for the note of a run that has ended: without it the next start makes up for it once more. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async runOnce(): Promise<void> {
    await this.#invoke(false, httpReason, undefined);
  }

  /** The occurrence that a note waits for; undefined if the schedule is another than when it was made. */
  #dueTime(found: ScheduleStatus): number | undefined {
    const last = Date.parse(found.Last);
    const base = last > 0 ? last : Date.parse(found.LastUpdated);
    const due = Date.parse(found.Next);
    return this.#options.schedule.next(base) === due ? due : undefined;
  }

  #waitFor(occurrence: number): void {
    if (this.#stopping.signal.aborted) return;
    const { clock, runtime } = this.#options;
    const { name } = runtime.fn;
    const run = (): void => void this.#run(Math.max(occurrence, clock.now() - 1000), false);
    const about = { kind: 'schedule', what: `next run of timer '${name}'`, functionName: name } as const;
    this.#waiting = clock.schedule(occurrence, run, about);
  }

  /** One run and the wait for the next. `occurrence` is the time that the run stands for. */
  async #run(occurrence: number, isPastDue: boolean): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const { schedule, clock } = this.#options;
    this.#hasRun = true;
    const original = isPastDue ? this.#status?.Next : undefined;
    try {
      await this.#invoke(isPastDue, `Timer fired at ${toIso(clock.now())}`, original);
    } catch {
      // The invoker has logged it; the schedule goes on.
    }
    const next = schedule.next(occurrence);
    this.#status = this.#toStatus(toIso(occurrence), next);
    await this.#writeStatus();
    this.#waitFor(Math.max(next, clock.now()));
  }

  #invoke(isPastDue: boolean, reason: string, original: string | undefined): Promise<unknown> {
    const { invoker, runtime, clock, schedule } = this.#options;
    const input = {
      Schedule: { AdjustForDST: !schedule.isInterval },
      ScheduleStatus: this.#options.statuses === undefined ? null : (this.#status ?? null),
      IsPastDue: isPastDue,
    };
    return runWithRetry(runtime.fn, clock, this.#stopping.signal, (retryContext) =>
      invoker.invoke(runtime, {
        reason,
        trigger: { json: JSON.stringify(input) },
        ...(original === undefined
          ? undefined
          : { triggerDetails: `UnscheduledInvocationReason: IsPastDue, OriginalSchedule: ${original}` }),
        ...(retryContext === undefined ? undefined : { retryContext }),
      }),
    );
  }

  #toStatus(last: string, next: number): ScheduleStatus {
    return { Last: last, Next: toIso(next), LastUpdated: toIso(this.#options.clock.now()) };
  }

  /** Tries again, ever more slowly, until it is read or the host stops; says so once. */
  async #readStatus(attempts: number): Promise<ScheduleStatus | undefined> {
    const { statuses, runtime, log, clock } = this.#options;
    if (statuses === undefined) return undefined;
    for (let failures = 0; !this.#stopping.signal.aborted;) {
      try {
        return await statuses.read(runtime.fn.name);
      } catch (error) {
        if (failures === 0) {
          log.log(
            'Warning',
            category,
            `The schedule status of '${runtime.fn.name}' can't be read: ${messageOf(error)}`,
          );
        }
        failures++;
        if (failures >= attempts) return undefined;
        const delay = Math.min(firstReadRetryMs * 2 ** (failures - 1), longestReadRetryMs);
        await new Promise<void>((resolve) => clock.schedule(clock.now() + delay, resolve));
      }
    }
    return undefined;
  }

  #writeStatus(): Promise<void> {
    return (this.#writing = this.#tryToWriteStatus());
  }

  async #tryToWriteStatus(): Promise<void> {
    const { statuses, runtime, log } = this.#options;
    if (statuses === undefined || this.#status === undefined) return;
    try {
      await statuses.write(runtime.fn.name, this.#status);
    } catch (error) {
      log.log('Warning', category, `The schedule status of '${runtime.fn.name}' can't be kept: ${messageOf(error)}`);
    }
  }
}

function toIso(at: number): string {
  return new Date(at).toISOString();
}
