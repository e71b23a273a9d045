/*
 * Start-once: a memory of starts beside the host's.
 *
 * A durable host alone can't say that an id was used before. It refuses a second start while the first instance lives;
 * after its end a start with its id replaces it, and after a purge the id is new. Two callers that both find nothing
 * may both start. So a store keeps a row an id, and a start is three steps: claim the row, start on the host, confirm.
 *
 * What can go wrong, and what happens then:
 *
 * - The caller dies between claim and start, or between start and confirmation. The claim stays unconfirmed, and whoever
 *   asked for the start got no answer. The next start with the id takes the claim over when its lease has passed, asks
 *   the host whether the instance is there, and starts it if not. So no start is lost that is asked for again.
 * - Two callers at once. One gets the claim; the other waits until the start is confirmed, or the lease has passed.
 * - The host refuses or does not answer. The claim is released, so that the next caller need not wait for the lease.
 *
 * A claim by itself promises nothing: only what is confirmed, or on the host, is the first start with its id.
 *
 * What is left: a caller that is held up for longer than its lease between its question and its start, while another
 * starts the same saga and that one ends. Its late start replaces what has ended. Steps keep their keys then, so that
 * effects guarded by a ledger still happen once.
 */

/** What is kept of a start. */
export interface StartNote {
  /** Name of the saga. */
  readonly saga: string;
  /** Version that it was started as. */
  readonly version: string;
  /** SHA-256 of the input's JSON with its keys in order, in hexadecimal. */
  readonly inputHash: string;
}

/**
 * What came of a claim, with the note that is kept: the caller's own, or that of an earlier caller.
 *
 * - `claimed`   the id is new: the caller is to start it, and to confirm or release
 * - `takenOver` an earlier claim was not confirmed within its lease: the caller is to ask the host, to start it if it is
 *               not there, and to confirm or release
 * - `starting`  somebody else has claimed it, and is at it
 * - `started`   it was confirmed
 */
export interface StartClaim {
  readonly state: 'claimed' | 'takenOver' | 'starting' | 'started';
  readonly note: StartNote;
}

/** Keeps which sagas were started. Each call is atomic, whoever else calls. */
export interface StartStore {
  /**
   * Claims an id that nobody has, with the caller's note, or takes over an unconfirmed claim that was made or taken over
   * `lease` milliseconds ago or more (by the store's clock); its note stays until the confirmation.
   */
  claim(id: string, note: StartNote, lease: number): Promise<StartClaim>;
  /** Notes for good that the host has the instance, as this note says. The first confirmation stands. */
  confirm(id: string, note: StartNote): Promise<void>;
  /** Forgets a claim: nothing was started. Does nothing to one that is confirmed. */
  release(id: string): Promise<void>;
}
