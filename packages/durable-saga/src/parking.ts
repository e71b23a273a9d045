import type { Durable, EventHandle } from './durable-port';
import type { Failure } from './failure';
import { listIssues } from './schema';
import type { Issue } from './failure';
import type { Fiber } from './fiber';
import type { ParkNotice } from './park-notice';
import type { Parking, Progress } from './progress';
import { RETRY_EVENT } from './saga';

/** What an operator decides about something parked. */
export type Resolution =
  | { readonly action: 'retry' }
  /** It counts as done: somebody did it by hand. A step that gives something back needs `output`. */
  | { readonly action: 'skip'; readonly output?: unknown }
  /** It counts as failed. */
  | { readonly action: 'fail' };

/** Payload of the `retry` event; nothing at all means: retry whatever is parked. */
export interface RetryEvent {
  readonly action?: Resolution['action'];
  readonly output?: unknown;
  /** Key of the step meant; all that are parked without it. */
  readonly step?: string;
  /** Number of the parking meant, so that an answer that comes late answers nothing else. */
  readonly number?: number;
}

export interface ToPark {
  readonly what: Parking['what'];
  readonly name: string;
  readonly key: string;
  readonly failure: Failure;
  /** Violations of the output that a skip brings; undefined when it is fine. */
  readonly checkSkip: (output: unknown) => readonly Issue[] | undefined;
}

interface Parked extends Parking {
  readonly checkSkip: ToPark['checkSkip'];
  resolution: Resolution | undefined;
}

/** Keeps what has failed for good until an operator's `retry` event says how it goes on. */
export class ParkingLot {
  readonly #durable: Durable;
  readonly #progress: Progress;
  readonly #tell: (notice: ParkNotice) => Fiber<void>;
  #parked: Parked[] = [];
  #count = 0;
  #event: EventHandle | undefined;

  /** `tell` is asked to say it to the outside when something parks, and when nothing is parked any more. */
  constructor(durable: Durable, progress: Progress, tell: (notice: ParkNotice) => Fiber<void>) {
    this.#durable = durable;
    this.#progress = progress;
    this.#tell = tell;
  }

  *park(what: ToPark): Fiber<Resolution> {
    this.#count += 1;
    const parked: Parked = { ...what, number: this.#count, since: this.#durable.now(), resolution: undefined };
    this.#show([...this.#parked, parked]);
    this.#durable.log(
      'error',
      `saga ${this.#durable.instanceId} is parked at ${what.what} '${what.key}' (parking ${parked.number}): ` +
        `${what.failure.kind} ${what.failure.code}: ${what.failure.message}. ` +
        `It waits for the event '${RETRY_EVENT}' with {"action": "retry" | "skip" | "fail"}`,
    );
    const { instanceId } = this.#durable;
    yield* this.#tell({ instanceId, state: 'parked', step: what.key, failure: what.failure });
    for (;;) {
      if (this.#event?.done) this.#distribute(this.#event.value());
      if (parked.resolution !== undefined) {
        this.#show(this.#parked.filter((other) => other !== parked));
        this.#durable.log(
          'info',
          `saga ${this.#durable.instanceId}: '${what.key}' goes on by ${parked.resolution.action}`,
        );
        if (this.#parked.length === 0) yield* this.#tell({ instanceId, state: 'resumed' });
        return parked.resolution;
      }
      this.#event ??= this.#durable.event(RETRY_EVENT);
      yield [this.#event];
    }
  }

  #distribute(payload: unknown): void {
    this.#event = undefined;
    const event = readRetryEvent(payload);
    if (typeof event === 'string') {
      this.#durable.log('warn', `saga ${this.#durable.instanceId}: event '${RETRY_EVENT}' ignored: ${event}`);
      return;
    }
    for (const parked of this.#parked) {
      if (event.step !== undefined && event.step !== parked.key) continue;
      if (event.number !== undefined && event.number !== parked.number) continue;
      const issues = event.action === 'skip' ? parked.checkSkip(event.output) : undefined;
      if (issues === undefined) parked.resolution = toResolution(event);
      else {
        this.#durable.log(
          'warn',
          `saga ${this.#durable.instanceId}: '${parked.key}' stays parked, the skip's output is not valid: ${listIssues(issues)}`,
        );
      }
    }
  }

  #show(parked: Parked[]): void {
    this.#parked = parked;
    this.#progress.parked = parked;
  }
}

function toResolution(event: RetryEvent): Resolution {
  const action = event.action ?? 'retry';
  return action === 'skip' ? { action, output: event.output } : { action };
}

/** The event, or what is wrong with it. */
function readRetryEvent(payload: unknown): RetryEvent | string {
  if (payload === undefined || payload === null || payload === '') return {};
  if (typeof payload !== 'object') return `expected an object, got ${typeof payload}`;
  const { action, step, number } = payload as Partial<Record<keyof RetryEvent, unknown>>;
  if (action !== undefined && action !== 'retry' && action !== 'skip' && action !== 'fail') {
    return `expected action 'retry', 'skip' or 'fail', got ${JSON.stringify(action)}`;
  }
  if (step !== undefined && typeof step !== 'string') return 'expected step to be the key of a step';
  if (number !== undefined && typeof number !== 'number') return 'expected number to be the number of a parking';
  return payload;
}
