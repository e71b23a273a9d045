/**
 * Idempotency keys: a changing request that comes again under its key gets the answer it was given the first time, and
 * its effect does not come about again.
 *
 * A record holds both the effect and the answer, and is one line of the journal, so that after a crash there is either
 * both or neither. Deciding, writing and applying happen in one go, without a wait in between: two requests with
 * different keys can't both see the state before the other.
 *
 * What is not kept: a request that could not be understood (its error is thrown), one that failed on purpose before its
 * effect, and one that is being worked on when the process dies. They leave the key as free as it was.
 */
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { Faults } from './faults';
import { openJournal, type JournalOptions, type Position } from './journal';

/** What every record carries about the request that made it. Without a key the request can't be repeated. */
export interface Keyed {
  readonly key?: string;
  readonly fingerprint?: string;
}

interface KeyedRequest {
  readonly key: string | undefined;
  /** Says what the request asks for; the same key with another fingerprint is a mistake of the caller. */
  readonly fingerprint: string;
}

type Outcome<Entry> =
  | { readonly kind: 'answered'; readonly entry: Entry; readonly isReplay: boolean }
  | { readonly kind: 'failed'; readonly when: 'before' | 'after' }
  /** A request with this key is being worked on. */
  | { readonly kind: 'inFlight' }
  /** The key belongs to a different request. */
  | { readonly kind: 'otherRequest' };

export interface KeyedRequests<Entry> {
  /**
   * Runs the request unless its key is known. A stall, of the request's own or of the faults, comes first; then
   * `decide` says what comes of it, and must not wait.
   */
  run(request: KeyedRequest, work: Work<Entry>): Promise<Outcome<Entry>>;
  /** Writes and applies a record of what came about without a request; no fault hits it. */
  note(entry: Entry): void;
  /** Ends all stalls, whose requests reject, and closes the journal. */
  close(): void;
}

interface Work<Entry> {
  readonly stallMs?: number;
  readonly decide: () => Entry;
}

export interface KeyedRequestsOptions<Entry> extends Omit<JournalOptions<Entry>, 'replay'> {
  readonly faults: Faults;
  /** Brings a record into memory: those of the journal at the start, each new one when it is written. */
  readonly apply: (entry: Entry) => void;
}

/** Opens the journal and replays it. Throws as `openJournal` does. */
export function openKeyedRequests<Entry extends Keyed>(options: KeyedRequestsOptions<Entry>): KeyedRequests<Entry> {
  const { faults, apply, file, format } = options;
  const known = new Map<string, { readonly fingerprint: string; readonly position: Position }>();
  const inFlight = new Set<string>();
  const closing = new AbortController();
  // One listener a stalled request, of which there may be any number.
  setMaxListeners(0, closing.signal);

  const take = (entry: Entry, position: Position): void => {
    if (entry.key !== undefined) known.set(entry.key, { fingerprint: entry.fingerprint ?? '', position });
    apply(entry);
  };
  const journal = openJournal<Entry>({ file, format, replay: take });

  const perform = async ({ key, fingerprint }: KeyedRequest, work: Work<Entry>): Promise<Outcome<Entry>> => {
    const stallMs = Math.max(work.stallMs ?? 0, faults.report().stallMs);
    if (stallMs > 0) await wait(stallMs, undefined, { signal: closing.signal });
    const entry = { ...work.decide(), ...(key === undefined ? {} : { key, fingerprint }) };
    take(entry, journal.append(entry));
    return { kind: 'answered', entry, isReplay: false };
  };
  const answer = async (request: KeyedRequest, work: Work<Entry>): Promise<Outcome<Entry>> => {
    const { key, fingerprint } = request;
    if (key === undefined) return perform(request, work);
    const earlier = known.get(key);
    if (earlier !== undefined) {
      if (earlier.fingerprint !== fingerprint) return { kind: 'otherRequest' };
      return { kind: 'answered', entry: journal.read(earlier.position), isReplay: true };
    }
    if (inFlight.has(key)) return { kind: 'inFlight' };
    inFlight.add(key);
    try {
      return await perform(request, work);
    } finally {
      inFlight.delete(key);
    }
  };
  return {
    async run(request, work) {
      const fault = faults.next();
      if (fault === 'before') return { kind: 'failed', when: 'before' };
      const outcome = await answer(request, work);
      return fault === 'after' ? { kind: 'failed', when: 'after' } : outcome;
    },
    note: (entry) => take(entry, journal.append(entry)),
    close() {
      closing.abort(new Error('the stand-in is closing'));
      journal.close();
    },
  };
}

/** A short digest of what a request asks for; the order of `parameters` does not matter. */
export function toFingerprint(method: string, path: string, parameters: Iterable<readonly [string, string]>): string {
  const sorted = [...parameters].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const digest = createHash('sha256')
    .update(JSON.stringify([method, path, sorted]))
    .digest();
  return digest.subarray(0, 12).toString('base64url');
}
