/**
 * Told of all that a host has under way by itself: what has begun, and when it has ended. A host in a test asks it whether
 * anything would still happen without time going on; nobody listens in a host that runs for real.
 */
export interface InFlight {
  /**
   * Notes that something has begun. The answer ends it; calling that again does nothing.
   * @param what for a message that says what keeps running, e.g. "timer 'nightly' keeping its status".
   */
  begin(what: string): () => void;
}

const nothing = (): void => undefined;

/** Takes no notes. */
export const unwatched: InFlight = { begin: () => nothing };
