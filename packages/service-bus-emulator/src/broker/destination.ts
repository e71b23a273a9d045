import type { BrokerError } from './errors';
import type { KeptMessage } from './kept-message';
import type { IncomingMessage } from './message';

/** Where messages can be sent: a queue or a topic. */
export interface Destination {
  /** Why nobody may send to it now. */
  readonly closed: BrokerError | undefined;
  /**
   * Why it does not take a message of this size and session now; undefined: it does.
   * @param before bytes of other messages that are to go in before it.
   */
  refusal(message: Pick<IncomingMessage, 'sessionId' | 'content'>, before?: number): BrokerError | undefined;
  /** Takes a message that is nowhere. Returns its sequence number, 0 if it was a duplicate. */
  take(message: KeptMessage): number;
}
