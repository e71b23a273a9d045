/**
 * Everything that a broker refuses. The front says each of them in AMQP's words, the administration API in HTTP's.
 *
 * - `messageLockLost`        the lock token is not (or no longer) the lock of a message here
 * - `sessionLockLost`        the session is not (or no longer) locked by who asks
 * - `sessionCannotBeLocked`  the named session is locked by another receiver
 * - `noSessionAvailable`     no session became free for as long as the receiver was ready to wait
 * - `messageNotFound`        no such message, or not in the state that was asked for
 * - `entityNotFound`, `entityExists`, `entityDisabled` (its status, or the topic's, forbids it)
 * - `entityDeleted`          why a receiver is closed: its entity is gone
 * - `messageSizeExceeded`    a message, or a batch as a whole, is larger than the namespace takes
 * - `quotaExceeded`          the entity is full, or the namespace has as many entities as it may
 * - `invalidOperation`       the entity does not do that (sessions, forwarding, dead letters of dead letters)
 * - `invalidArgument`        a name, an option or a rule cannot be used
 */
export type BrokerErrorCode =
  | 'messageLockLost'
  | 'sessionLockLost'
  | 'sessionCannotBeLocked'
  | 'noSessionAvailable'
  | 'messageNotFound'
  | 'entityNotFound'
  | 'entityExists'
  | 'entityDisabled'
  | 'entityDeleted'
  | 'messageSizeExceeded'
  | 'quotaExceeded'
  | 'invalidOperation'
  | 'invalidArgument';

/** What a broker refuses, and why: the message is fit for whoever sent the request. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';
  readonly code: BrokerErrorCode;

  constructor(code: BrokerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
