import type { Failure } from './failure';
import type { OutcomeKind } from './settlement';
import type { ParkedStatus, SagaState, SagaStatus, ShownFailure, StepState, StepStatus } from './status';
import { fitStatus, showFailure } from './status';

/** How one step stands; the runner writes it, the status shows it. Times in milliseconds since the epoch. */
export class StepRecord {
  readonly name: string;
  readonly key: string;
  state: StepState = 'running';
  attempts = 0;
  startedAt: number;
  endedAt: number | undefined;
  error: ShownFailure | undefined;

  constructor(name: string, key: string, startedAt: number) {
    this.name = name;
    this.key = key;
    this.startedAt = startedAt;
  }

  /** Begins another round of attempts, those of the undo. */
  restart(state: StepState, at: number): void {
    this.state = state;
    this.attempts = 0;
    this.startedAt = at;
    this.endedAt = undefined;
    this.error = undefined;
  }

  end(state: StepState, at: number): void {
    this.state = state;
    this.endedAt = at;
    if (state === 'done' || state === 'undone' || state === 'skipped') this.error = undefined;
  }

  show(): StepStatus {
    return {
      name: this.name,
      key: this.key,
      state: this.state,
      attempts: this.attempts,
      startedAt: toIso(this.startedAt),
      ...(this.endedAt === undefined ? {} : { endedAt: toIso(this.endedAt) }),
      ...(this.error === undefined ? {} : { error: this.error }),
    };
  }
}

export interface WaitingFor {
  readonly event?: string;
  readonly since: number;
  readonly until?: number;
}

export interface Parking {
  readonly number: number;
  readonly what: ParkedStatus['what'];
  readonly name: string;
  readonly key: string;
  readonly since: number;
  readonly failure: Failure;
}

/** Where a saga stands, as its runner knows it. It is shown through `toJSON`, so that a turn pays for it once. */
export class Progress {
  readonly #saga: string;
  readonly #version: string;
  readonly #steps = new Map<string, StepRecord>();
  pivot: 'none' | 'started' | 'passed' = 'none';
  compensating = false;
  waitingFor: WaitingFor | undefined;
  failure: Failure | undefined;
  outcome: OutcomeKind | undefined;
  parked: readonly Parking[] = [];
  /** Asked when the status is shown: a cancel arrives while nobody looks. */
  cancel: () => SagaStatus['cancel'] = () => undefined;

  constructor(saga: string, version: string) {
    this.#saga = saga;
    this.#version = version;
  }

  begin(name: string, key: string, at: number): StepRecord {
    const record = new StepRecord(name, key, at);
    this.#steps.set(key, record);
    return record;
  }

  /** The record of a step that was begun. */
  step(key: string): StepRecord {
    const record = this.#steps.get(key);
    if (record === undefined) throw new Error(`no step with the key '${key}' was begun`);
    return record;
  }

  get state(): SagaState {
    if (this.outcome !== undefined) return this.outcome;
    if (this.parked.length > 0) return 'parked';
    if (this.compensating) return 'compensating';
    return this.waitingFor === undefined ? 'running' : 'waiting';
  }

  toJSON(): SagaStatus {
    const cancel = this.cancel();
    const [parked] = this.parked;
    return fitStatus({
      saga: this.#saga,
      version: this.#version,
      state: this.state,
      pivot: this.pivot,
      ...(this.waitingFor === undefined || this.state !== 'waiting' ? {} : { waitingFor: showWait(this.waitingFor) }),
      ...(cancel === undefined ? {} : { cancel }),
      steps: [...this.#steps.values()],
      ...(this.failure === undefined ? {} : { failure: showFailure(this.failure) }),
      ...(parked === undefined ? {} : { parked: showParking(parked, this.parked.length - 1) }),
    });
  }
}

function showWait({ event, since, until }: WaitingFor): NonNullable<SagaStatus['waitingFor']> {
  return {
    ...(event === undefined ? {} : { event }),
    since: toIso(since),
    ...(until === undefined ? {} : { until: toIso(until) }),
  };
}

function showParking({ number, what, name, key, since, failure }: Parking, others: number): ParkedStatus {
  return { number, what, name, key, since: toIso(since), failure: showFailure(failure), others };
}

function toIso(at: number): string {
  return new Date(at).toISOString();
}
