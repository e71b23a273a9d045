import type { Failure } from '../definition/failure';
import type { OutcomeKind } from '../definition/settlement';
import type {
  AlsoParked,
  ParkedStatus,
  Refusal,
  SagaState,
  SagaStatus,
  ShownFailure,
  StepState,
  StepStatus,
  StepSum,
} from './status';
import { fitStatus, isQuiet, showFailure, STATUS_LIMIT, StepSums } from './status';

/** Steps that a status lists, if their names and keys leave room for so many; others are summed up. */
const MOST_LISTED = 40;
const MOST_ALSO_PARKED = 9;

/** Characters that a step's JSON has at most beside its name, its key and its error: fields, state, attempts, times. */
const MOST_OF_STEP = 150;

/** Characters of JSON at most of what every status may have, beside the saga's name, its version and its steps. */
const MOST_OF_USUAL = 220;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Told of each change of a step's record, before and after it. */
interface StepWatcher {
  before(record: StepRecord): void;
  after(record: StepRecord): void;
}

/** How one step stands; the runner changes it, the status shows it. Times in milliseconds since the epoch. */
export class StepRecord {
  readonly name: string;
  readonly key: string;
  /** Of a child saga: its instance id. */
  child: string | undefined;
  readonly #watcher: StepWatcher;
  #state: StepState = 'running';
  #attempts = 0;
  #startedAt: number;
  #endedAt: number | undefined;
  #error: ShownFailure | undefined;
  /** Characters of JSON of what does not change; found when it is first shown, since a replay shows nothing. */
  #fixedSize: number | undefined;
  #shown: StepStatus | undefined;
  /** Whether it is among the steps that the status lists. */
  isListed = false;

  constructor(name: string, key: string, startedAt: number, watcher: StepWatcher) {
    this.name = name;
    this.key = key;
    this.#startedAt = startedAt;
    this.#watcher = watcher;
    watcher.after(this);
  }

  get state(): StepState {
    return this.#state;
  }

  /** Notes that another attempt starts, and gives its number. */
  attempt(): number {
    this.#attempts += 1;
    this.#shown = undefined;
    return this.#attempts;
  }

  fail(failure: Failure): void {
    this.#error = showFailure(failure);
    this.#shown = undefined;
  }

  become(state: StepState): void {
    this.#watcher.before(this);
    this.#state = state;
    this.#shown = undefined;
    this.#watcher.after(this);
  }

  end(state: StepState, at: number): void {
    this.#endedAt = at;
    if (state === 'done' || state === 'undone' || state === 'skipped') this.#error = undefined;
    this.become(state);
  }

  /** Begins another round of attempts, those of the undo. */
  restart(state: StepState, at: number): void {
    this.#attempts = 0;
    this.#startedAt = at;
    this.#endedAt = undefined;
    this.#error = undefined;
    this.become(state);
  }

  show(): StepStatus {
    if (this.#shown !== undefined) return this.#shown;
    const shown: Writable<StepStatus> = {
      name: this.name,
      key: this.key,
      state: this.#state,
      attempts: this.#attempts,
      startedAt: toIso(this.#startedAt),
    };
    if (this.child !== undefined) shown.child = this.child;
    if (this.#endedAt !== undefined) shown.endedAt = toIso(this.#endedAt);
    if (this.#error !== undefined) shown.error = this.#error;
    this.#shown = shown;
    return shown;
  }

  /** Characters that it takes at most in a status. */
  get size(): number {
    const child = this.child === undefined ? 0 : this.child.length + '"child":"",'.length;
    this.#fixedSize ??= MOST_OF_STEP + this.name.length + JSON.stringify(this.key).length;
    return this.#fixedSize + child + (this.#error === undefined ? 0 : JSON.stringify(this.#error).length);
  }
}

const NONE: readonly never[] = [];

/**
 * The steps of a saga as its status lists them: a bounded number, so that a turn costs the same in a saga of any length.
 * Where there is no more room, those that have ended well make it, the oldest first; what is not listed is summed up.
 */
class StepList implements StepWatcher {
  readonly #all = new Map<string, StepRecord>();
  readonly #listed: StepRecord[] = [];
  #sums: StepSums | undefined;

  /** `sums`: of steps of earlier histories. */
  constructor(sums: readonly StepSum[]) {
    if (sums.length > 0) this.#sums = new StepSums(sums);
  }

  begin(name: string, key: string, at: number): StepRecord {
    const record = new StepRecord(name, key, at, this);
    this.#all.set(key, record);
    return record;
  }

  find(key: string): StepRecord | undefined {
    return this.#all.get(key);
  }

  /** A step of the sums is to have a record of its own. */
  unsum(step: Pick<StepSum, 'name' | 'state'>): void {
    this.#sums?.remove(step);
  }

  sum(): StepSum[] {
    const all = new StepSums(this.summary());
    for (const record of this.#listed) all.add(record);
    return all.list();
  }

  before(record: StepRecord): void {
    if (!record.isListed) this.#sums?.remove(record);
  }

  after(record: StepRecord): void {
    if (record.isListed) return;
    if (isQuiet(record) || !this.#makeRoom()) {
      this.#sum(record);
      return;
    }
    record.isListed = true;
    this.#listed.push(record);
  }

  show(): StepStatus[] {
    return this.#listed.map((record) => record.show());
  }

  summary(): readonly StepSum[] {
    return this.#sums?.list() ?? NONE;
  }

  /** Characters that what `show` gives takes at most in a status. */
  size(): number {
    let size = 0;
    for (const record of this.#listed) size += record.size;
    return size;
  }

  #makeRoom(): boolean {
    if (this.#listed.length < MOST_LISTED) return true;
    const oldest = this.#listed.findIndex(isQuiet);
    for (const record of oldest < 0 ? NONE : this.#listed.splice(oldest, 1)) {
      record.isListed = false;
      this.#sum(record);
    }
    return oldest >= 0;
  }

  #sum(record: StepRecord): void {
    this.#sums ??= new StepSums();
    this.#sums.add(record);
  }
}

export interface WaitingFor {
  readonly event?: string;
  /** Instance id of a child saga. */
  readonly child?: string;
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
  readonly refusal?: Refusal;
}

/** What is known of the steps of earlier histories. */
export interface CarriedSteps {
  /** Of the first history; milliseconds since the epoch. */
  readonly startedAt?: number;
  readonly generation: number;
  readonly sums: readonly StepSum[];
  /** By key: what the steps are summed up as whose undo may still run. */
  readonly owed: ReadonlyMap<string, StepState>;
}

const NOTHING_CARRIED: CarriedSteps = { generation: 1, sums: [], owed: new Map() };

/** Where a saga stands, as its runner knows it. It is shown through `toJSON`, so that a turn pays for it once. */
export class Progress {
  /** Name of the saga. */
  readonly saga: string;
  readonly #version: string;
  readonly #usualSize: number;
  readonly #steps: StepList;
  readonly #carried: CarriedSteps;
  pivot: 'none' | 'started' | 'passed' = 'none';
  compensating = false;
  #waits: readonly WaitingFor[] = NONE;
  failure: Failure | undefined;
  outcome: OutcomeKind | undefined;
  parked: readonly Parking[] = [];
  /** Asked when the status is shown: a cancel arrives while nobody looks. */
  cancel: () => SagaStatus['cancel'] = () => undefined;
  /** Asked when the status is shown: how many undos are owed. */
  owes: () => number = () => 0;
  readonly #startedAt: number | undefined;

  constructor(saga: string, version: string, carried: CarriedSteps = NOTHING_CARRIED) {
    this.saga = saga;
    this.#version = version;
    this.#usualSize = MOST_OF_USUAL + JSON.stringify([saga, version]).length;
    this.#carried = carried;
    this.#startedAt = carried.startedAt;
    this.#steps = new StepList(carried.sums);
  }

  begin(name: string, key: string, at: number): StepRecord {
    return this.#steps.begin(name, key, at);
  }

  hasBegun(key: string): boolean {
    return this.#steps.find(key) !== undefined;
  }

  /** The record of a step; a new one where it was begun in another history. */
  resume(name: string, key: string, at: number): StepRecord {
    const found = this.#steps.find(key);
    if (found !== undefined) return found;
    const state = this.#carried.owed.get(key);
    if (state !== undefined) this.#steps.unsum({ name, state });
    return this.#steps.begin(name, key, at);
  }

  /** All steps, those of earlier histories too. */
  sumSteps(): StepSum[] {
    return this.#steps.sum();
  }

  get state(): SagaState {
    if (this.outcome !== undefined) return this.outcome;
    if (this.parked.length > 0) return 'parked';
    if (this.compensating) return 'compensating';
    return this.#waits.length === 0 ? 'running' : 'waiting';
  }

  beginWait(wait: WaitingFor): WaitingFor {
    this.#waits = [...this.#waits, wait];
    return wait;
  }

  endWait(wait: WaitingFor): void {
    this.#waits = this.#waits.filter((other) => other !== wait);
  }

  /** The oldest wait for an event, since somebody may be able to raise it; else the oldest. */
  #shownWait(): WaitingFor | undefined {
    return this.#waits.find(({ event }) => event !== undefined) ?? this.#waits[0];
  }

  toJSON(): SagaStatus {
    const status: Writable<SagaStatus> = {
      saga: this.saga,
      version: this.#version,
      state: this.state,
      pivot: this.pivot,
      steps: NONE,
    };
    if (this.#carried.generation > 1) status.generation = this.#carried.generation;
    if (this.#startedAt !== undefined) status.startedAt = toIso(this.#startedAt);
    const owes = this.pivot === 'passed' ? 0 : this.owes();
    if (owes > 0) status.owes = owes;
    // Most statuses are far from being too long: finding that out must not cost as much as writing them.
    const rest = this.#addUnusual(status) ? JSON.stringify(status).length : this.#usualSize;
    status.steps = this.#steps.show();
    return this.#steps.size() + rest <= STATUS_LIMIT ? status : fitStatus(status);
  }

  /** Gives whether there was anything to add. */
  #addUnusual(status: Writable<SagaStatus>): boolean {
    const cancel = this.cancel();
    const summary = this.#steps.summary();
    const [parked] = this.parked;
    const others = this.parked.length - 1;
    const wait = this.#shownWait();
    if (wait !== undefined && status.state === 'waiting') status.waitingFor = showWait(wait, this.#waits.length - 1);
    if (cancel !== undefined) status.cancel = cancel;
    if (summary.length > 0) status.summary = summary;
    if (this.failure !== undefined) status.failure = showFailure(this.failure);
    if (parked !== undefined) status.parked = showParked(parked, others);
    if (others > 0) status.alsoParked = this.parked.slice(1, 1 + MOST_ALSO_PARKED).map(showParking);
    return cancel !== undefined || summary.length > 0 || (this.failure ?? parked ?? status.waitingFor) !== undefined;
  }
}

function showWait({ event, child, since, until }: WaitingFor, others: number): NonNullable<SagaStatus['waitingFor']> {
  return {
    ...(event === undefined ? {} : { event }),
    ...(child === undefined ? {} : { child }),
    since: toIso(since),
    ...(until === undefined ? {} : { until: toIso(until) }),
    ...(others === 0 ? {} : { others }),
  };
}

function showParked(parking: Parking, others: number): ParkedStatus {
  return { ...showParking(parking), failure: showFailure(parking.failure), others };
}

function showParking({ number, what, name, key, since, refusal }: Parking): AlsoParked {
  return { number, what, name, key, since: toIso(since), ...(refusal === undefined ? {} : { refusal }) };
}

let latest = { at: NaN, second: NaN, upToSecond: '', text: '' };

/** Sagas tell many times of one turn, and turns of one second: the last text is kept, and that up to its second. `at` in whole milliseconds. */
function toIso(at: number): string {
  if (at === latest.at) return latest.text;
  const second = Math.floor(at / 1_000);
  const upToSecond = second === latest.second ? latest.upToSecond : new Date(second * 1_000).toISOString().slice(0, -4);
  const text = `${upToSecond}${String(at - second * 1_000).padStart(3, '0')}Z`;
  latest = { at, second, upToSecond, text };
  return text;
}
