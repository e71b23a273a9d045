import { noteCause } from '../definition/cause';
import type { Durable } from '../host/durable-port';
import { EventQueue } from './event-queue';
import type { Failure } from '../definition/failure';
import { listIssues } from '../definition/schema';
import type { Parsed } from '../definition/schema';
import type { Fiber } from './fiber';
import type { Halt } from './halt';
import { NEVER_HALT } from './halt';
import type { ParkNotice } from '../definition/park-notice';
import type { Parking, Progress } from './progress';
import { RETRY_EVENT } from '../definition/saga';
import type { Refusal } from './status';

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
  /** The trace in which the operator decided. */
  readonly trace?: string;
}

export interface ToPark {
  readonly what: Parking['what'];
  readonly name: string;
  readonly key: string;
  readonly failure: Failure;
  /** Reads the output that a skip brings. */
  readonly parseSkip: (output: unknown) => Parsed<unknown>;
  /** Nobody is told but by status and log, so that the history stays as it would be had nothing been parked. */
  readonly leavesNoTrace?: boolean;
}

/** For what gives nothing back. */
export const NO_OUTPUT: Parsed<undefined> = { ok: true, value: undefined };

interface Parked extends Parking {
  refusal?: Refusal;
  readonly parseSkip: ToPark['parseSkip'];
  readonly leavesNoTrace?: boolean;
  resolution: Resolution | undefined;
  /** In which it was decided. */
  trace?: string | undefined;
}

/** What another history must know. */
export interface ParkingData {
  /** How many parkings there were. */
  readonly count: number;
  /** Payloads of `retry` events that answered nothing yet. */
  readonly retries: readonly unknown[];
}

/** Keeps what has failed for good until an operator's `retry` event says how it goes on. */
export class ParkingLot {
  readonly #durable: Durable;
  readonly #progress: Progress;
  readonly #tell: (notice: ParkNotice) => Fiber<void>;
  #parked: Parked[] = [];
  #count: number;
  readonly #retries: EventQueue;
  /** Answers that named a step which was not parked when they came: kept until it is. */
  readonly #early: RetryEvent[] = [];

  /** `tell` is asked to say it to the outside when something parks, and when nothing is parked any more. */
  constructor(
    durable: Durable,
    progress: Progress,
    tell: (notice: ParkNotice) => Fiber<void>,
    { count = 0, retries = [] }: Partial<ParkingData> = {},
  ) {
    this.#durable = durable;
    this.#count = count;
    this.#retries = new EventQueue(durable, RETRY_EVENT, retries);
    this.#progress = progress;
    this.#tell = tell;
  }

  toData(): ParkingData {
    return { count: this.#count, retries: [...this.#early, ...this.#retries.gather()] };
  }

  /** Gives the operator's decision, or undefined when `halt` says that nobody waits for it any more. */
  park(what: ToPark): Fiber<Resolution>;
  park(what: ToPark, halt: Halt): Fiber<Resolution | undefined>;
  *park(what: ToPark, halt: Halt = NEVER_HALT): Fiber<Resolution | undefined> {
    this.#count += 1;
    const parked: Parked = { ...what, number: this.#count, since: this.#durable.now(), resolution: undefined };
    this.#show([...this.#parked, parked]);
    const early = this.#early.findIndex(({ step }) => step === parked.key);
    if (early >= 0) for (const event of this.#early.splice(early, 1)) this.#answer(parked, event);
    this.#durable.log(
      'error',
      `saga ${this.#durable.instanceId} is parked at ${what.what} '${what.key}' (parking ${parked.number}): ` +
        `${what.failure.kind} ${what.failure.code}: ${what.failure.message}. ` +
        `It waits for the event '${RETRY_EVENT}' with {"action": "retry" | "skip" | "fail"}`,
    );
    const { instanceId } = this.#durable;
    const { saga } = this.#progress;
    const isTold = what.leavesNoTrace !== true;
    if (isTold) yield* this.#tell({ saga, instanceId, state: 'parked', step: what.key, failure: what.failure });
    for (;;) {
      const came = this.#retries.next();
      if (came !== undefined) this.#distribute(came.payload);
      if (parked.resolution !== undefined || halt.halted()) {
        this.#show(this.#parked.filter((other) => other !== parked));
        const how =
          parked.resolution === undefined ? 'is not waited for any more' : `goes on by ${parked.resolution.action}`;
        this.#log('info', `'${what.key}' ${how}`);
        const othersAreTold = this.#parked.some(({ leavesNoTrace }) => leavesNoTrace !== true);
        if (isTold && !othersAreTold) yield* this.#tell({ saga, instanceId, state: 'resumed' });
        noteCause(this.#durable, parked.trace);
        return parked.resolution;
      }
      yield [this.#retries.handle(), ...halt.handles()];
    }
  }

  #distribute(payload: unknown): void {
    const event = readRetryEvent(payload);
    if (typeof event === 'string') {
      this.#log('warn', `event '${RETRY_EVENT}' ignored: ${event}`);
      return;
    }
    const meant = this.#parked.filter(
      ({ key, number, resolution }) =>
        resolution === undefined &&
        (event.step === undefined || event.step === key) &&
        (event.number === undefined || event.number === number),
    );
    for (const parked of meant) this.#answer(parked, event);
    if (meant.length > 0) return;
    if (event.step !== undefined && event.number === undefined) this.#early.push(event);
    else this.#log('warn', `event '${RETRY_EVENT}' ignored: what it answers is not parked (any more)`);
  }

  #answer(parked: Parked, event: RetryEvent): void {
    const { action = 'retry' } = event;
    const output = action === 'skip' ? parked.parseSkip(event.output) : NO_OUTPUT;
    if (output.ok) {
      parked.resolution = action === 'skip' ? { action, output: output.value } : { action };
      parked.trace = event.trace;
      return;
    }
    const message = `the skip's output is not valid: ${listIssues(output.issues)}`;
    parked.refusal = { count: (parked.refusal?.count ?? 0) + 1, message: message.slice(0, 500) };
    this.#log('warn', `'${parked.key}' stays parked, ${message}`);
  }

  #log(level: 'info' | 'warn', message: string): void {
    this.#durable.log(level, `saga ${this.#durable.instanceId}: ${message}`);
  }

  #show(parked: Parked[]): void {
    this.#parked = parked;
    this.#progress.parked = parked;
  }
}

/** The failure of what an operator counts as failed. */
export function giveUp(failure: Failure): Failure {
  return {
    ...failure,
    kind: 'givenUp',
    message: `an operator gave up: ${failure.message}`,
    retriable: false,
  };
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
