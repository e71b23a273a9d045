/*
 * Start-once: a memory of starts beside the host's.
 *
 * A durable host alone can't say that an id was used before. It refuses a second start while the first instance lives;
 * after its end a start with its id replaces it, and after a purge the id is new. Two callers that both find nothing
 * may both start. So a store keeps a row an id, and a start is three steps: claim the row, start on the host, confirm.
 *
 * What can go wrong, and what happens then:
 *
 * - The caller dies between claim and start, or between start and confirmation. The row stays unconfirmed, and only the
 *   caller that died knew the input. The next start with the same id and input takes the claim over when its lease has
 *   passed, asks the host whether the instance is there, and starts it if not: no start is lost by a crash as long as
 *   whoever asked for it asks again, which who got no answer does.
 * - Two callers at once. One gets the claim; the other waits until the start is confirmed, or the lease has passed.
 * - The host refuses or does not answer. The claim is released, so that a repetition need not wait for the lease.
 *
 * What is left: a caller that is held up for longer than its lease between its question and its start, while another
 * starts the same saga and that one ends. Its late start replaces what has ended. Steps keep their keys then, so that
 * effects guarded by a ledger still happen once.
 */

/** What is kept of a start. */
export interface StartNote {
  /** Name of the saga. */
  readonly saga: string;
  /** Version that it is started as. */
  readonly version: string;
  /** SHA-256 of the input's JSON with its keys in order, in hexadecimal. */
  readonly inputHash: string;
}

/**
 * What came of a claim, with the note that is kept now: the caller's own, or that of the first start with the id.
 *
 * - `claimed`   the id is new: the caller is to start it, and to confirm or release
 * - `takenOver` the same start was claimed before and neither confirmed nor released within the lease, or was released:
 *               the caller is to ask the host, to start it if it is not there, and to confirm or release
 * - `starting`  it was claimed and is not confirmed: somebody else is at it, or died, or had another input
 * - `started`   it was confirmed
 */
export interface StartClaim {
  readonly state: 'claimed' | 'takenOver' | 'starting' | 'started';
  readonly note: StartNote;
}

/** Keeps which sagas were started. Each call is atomic, whoever else calls. */
export interface StartStore {
  /**
   * Notes a start with an id that has none. Takes over an unconfirmed claim that was made or taken over at least `lease`
   * milliseconds ago (by the store's clock), or was released, if saga and input are the same; the version becomes the
   * caller's then.
   */
  claim(id: string, note: StartNote, lease: number): Promise<StartClaim>;
  /** Notes that the host has the instance. Does nothing when that is noted, or there is no claim. */
  confirm(id: string): Promise<void>;
  /** Lets the next caller take an unconfirmed claim over at once. Does nothing when it is confirmed, or there is none. */
  release(id: string): Promise<void>;
}
