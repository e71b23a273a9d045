import type { KeptMessage } from './kept-message';
import type { PropertyChanges } from './message';

/** Why a message is dead. */
export interface DeadLetterReason {
  readonly reason?: string | undefined;
  readonly description?: string | undefined;
  readonly properties?: PropertyChanges | undefined;
}

export const EXPIRED: DeadLetterReason = {
  reason: 'TTLExpiredException',
  description: 'The message was not completed within its time to live.',
};

export const deliveredTooOften = (count: number): DeadLetterReason => ({
  reason: 'MaxDeliveryCountExceeded',
  description: `The message was delivered ${count} times without being settled for good, which is the maximum here.`,
});

interface QueueRules {
  readonly lockDurationMs: number;
  readonly maxDeliveryCount: number;
  readonly defaultTimeToLiveMs: number;
  readonly deadLetteringOnMessageExpiration: boolean;
}

/** What an entity makes of a place for messages. */
export interface QueueEnds {
  readonly rules: QueueRules;
  readonly requiresSession: boolean;
  /** Undefined for dead letters: they do not die again, nor expire. */
  readonly deadLetter: ((message: KeptMessage, why: DeadLetterReason) => void) | undefined;
  /** Where messages go instead of waiting here; undefined: they wait here. */
  readonly onward: ((message: KeptMessage) => void) | undefined;
}
