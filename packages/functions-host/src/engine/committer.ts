/**
 * Writes turns to the store: one commit at a time, each with all that is waiting when the previous one ends. Under load
 * commits grow by themselves and nobody waits for a timer (natural group commit).
 *
 * A commit that fails is made again with the same number until it is known to be applied, with growing pauses; turns
 * are never undone. When that takes too long, whoever waits for an acknowledgement is told that the store is away; the turns stay.
 * A commit that gets no answer for that time counts as such a failure while it lasts. What waits to be written is
 * bounded by refusing new requests beyond a size: what is under way already must be kept, and is bounded by itself.
 */
import type { Clock, Scheduled } from '../clock';
import { StoreFenced, StoreRejected, StoreUnavailable, type HubSession, type InstanceCommit } from '../store/store';

export interface Committable {
  readonly commit: InstanceCommit;
  /** Messages for the inboxes of other instances, applied together with the commit. */
  readonly also?: readonly InstanceCommit[];
  /** Called once the commit is applied. */
  committed(): void;
  /** Called when the store refused this content for good. */
  refused(error: StoreRejected): void;
  /**
   * Nobody should wait for this any more: the store has been away for too long (the row is still written once it is
   * back), or this host will not write again.
   */
  delayed(error: Error): void;
}

export interface CommitterEvents {
  /** The store can't be reached; called for each failed attempt. Without `retryInMs` it was asked and stays silent. */
  unavailable(error: StoreUnavailable, retryInMs?: number): void;
  /** The store is back after having been away. */
  available(): void;
  /** Another host owns the task hub: nothing will be written any more. */
  fenced(error: Error): void;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** How long senders wait for a store that is away before they are told. */
export const PATIENCE_MS = 5_000;

/** A commit takes at least one row, and no further ones beyond this many characters: a batch must not grow with a backlog. */
const ENOUGH_CHARACTERS = 16 * 1024 * 1024;

/** New requests are refused while more than this waits to be written: characters, and turns. */
const MOST_CHARACTERS = 64 * 1024 * 1024;
const MOST_ROWS = 20_000;

function sizeOf({ commit, also }: Committable): number {
  return also === undefined ? sizeOfOne(commit) : also.reduce((sum, each) => sum + sizeOfOne(each), sizeOfOne(commit));
}

function sizeOfOne({ turn, created, changed, held }: InstanceCommit): number {
  let own = (turn?.events.length ?? 0) + (created?.input.length ?? 0);
  if (changed !== undefined) own += (changed.output?.length ?? 0) + (changed.input?.length ?? 0);
  return held.reduce((sum, { body }) => sum + body.length, own);
}

function countForOneCommit(rows: readonly Committable[]): number {
  let characters = 0;
  let count = 0;
  for (const row of rows) {
    if (count > 0 && characters > ENOUGH_CHARACTERS) break;
    characters += sizeOf(row);
    count += 1;
  }
  return count;
}

function toCommits(rows: readonly Committable[]): InstanceCommit[] {
  const commits: InstanceCommit[] = [];
  for (const { commit, also } of rows) {
    commits.push(commit);
    if (also !== undefined) commits.push(...also);
  }
  return commits;
}

export interface Committer {
  /** Puts a row in line. It is written with the next `flush`. */
  add(row: Committable): void;
  /** Begins a commit of all that is in line, unless one is in flight; that one is followed by the next by itself. */
  flush(): void;
  /** Set while the store is away for longer than senders should wait, and while too much waits to be written. */
  readonly outage: StoreUnavailable | undefined;
  readonly isIdle: boolean;
  /** Makes no further attempts. */
  abandon(reason: Error): void;
}

export function createCommitter(session: HubSession, clock: Clock, events: CommitterEvents): Committer {
  let waiting: Committable[] = [];
  let inFlight: readonly Committable[] = [];
  let batch = 1;
  let failedSince: number | undefined;
  let pause = FIRST_PAUSE_MS;
  let retry: Scheduled | undefined;
  let outage: StoreUnavailable | undefined;
  let abandoned: Error | undefined;
  let silence: Scheduled | undefined;
  let backlog = 0;

  const flush = (): void => {
    if (inFlight.length > 0 || waiting.length === 0 || abandoned !== undefined) return;
    const taken = countForOneCommit(waiting);
    inFlight = waiting.slice(0, taken);
    waiting = waiting.slice(taken);
    attempt();
  };

  const attempt = (): void => {
    retry = undefined;
    silence = clock.schedule(clock.now() + PATIENCE_MS, hearNothing);
    session.commit(batch, toCommits(inFlight)).then(succeed, fail);
  };

  const hearNothing = (): void => {
    failedSince ??= clock.now() - PATIENCE_MS;
    outage = new StoreUnavailable(`it has not answered for ${PATIENCE_MS / 1000} seconds`);
    delayAll(outage);
    events.unavailable(outage);
  };

  const succeed = (): void => {
    silence?.cancel();
    const rows = inFlight;
    for (const row of rows) backlog -= sizeOf(row);
    inFlight = [];
    batch += 1;
    if (abandoned !== undefined) return;
    hearAgain();
    for (const row of rows) row.committed();
    flush();
  };

  /** The store has answered. */
  const hearAgain = (): void => {
    pause = FIRST_PAUSE_MS;
    if (failedSince === undefined) return;
    failedSince = undefined;
    outage = undefined;
    events.available();
  };

  const fail = (error: unknown): void => {
    silence?.cancel();
    if (abandoned !== undefined) return;
    if (error instanceof StoreFenced) {
      abandon(error);
      events.fenced(error);
    } else if (error instanceof StoreUnavailable) {
      waitForStore(error);
    } else {
      hearAgain();
      isolate(error instanceof StoreRejected ? error : new StoreRejected(String(error), { cause: error }));
    }
  };

  /** A refused batch is cut in halves until the row at fault stands alone: the others must not suffer for it. */
  const isolate = (error: StoreRejected): void => {
    if (inFlight.length > 1) {
      const half = Math.ceil(inFlight.length / 2);
      waiting = [...inFlight.slice(half), ...waiting];
      inFlight = inFlight.slice(0, half);
      attempt();
      return;
    }
    const [culprit] = inFlight;
    inFlight = [];
    if (culprit !== undefined) backlog -= sizeOf(culprit);
    culprit?.refused(error);
    flush();
  };

  const waitForStore = (error: StoreUnavailable): void => {
    failedSince ??= clock.now();
    if (clock.now() - failedSince >= PATIENCE_MS) {
      outage = error;
      delayAll(error);
    }
    events.unavailable(error, pause);
    retry = clock.schedule(clock.now() + pause, attempt);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  };

  const delayAll = (error: Error): void => {
    for (const row of [...inFlight, ...waiting]) row.delayed(error);
  };

  const abandon = (reason: Error): void => {
    abandoned = reason;
    retry?.cancel();
    silence?.cancel();
    delayAll(reason);
  };

  return {
    add(row) {
      waiting.push(row);
      backlog += sizeOf(row);
      if (abandoned !== undefined) row.delayed(abandoned);
    },
    flush,
    get outage() {
      if (outage !== undefined || (backlog <= MOST_CHARACTERS && waiting.length <= MOST_ROWS)) return outage;
      return new StoreUnavailable(`${waiting.length} turns wait to be written, which is too many to take more`);
    },
    get isIdle() {
      return inFlight.length === 0 && waiting.length === 0;
    },
    abandon,
  };
}
