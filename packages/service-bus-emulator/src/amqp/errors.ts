import { BrokerError, type BrokerErrorCode } from '../broker/errors';
import { MessageFormatError } from '../message/decode';
import type { AmqpErrorFields } from './rhea-values';

/** How a refusal is said: the condition closes a link or rejects a delivery, the status answers a request. */
interface Wording {
  readonly condition: string;
  readonly status: number;
}

const WORDINGS: Readonly<Record<BrokerErrorCode, Wording>> = {
  messageLockLost: { condition: 'com.microsoft:message-lock-lost', status: 410 },
  sessionLockLost: { condition: 'com.microsoft:session-lock-lost', status: 410 },
  sessionCannotBeLocked: { condition: 'com.microsoft:session-cannot-be-locked', status: 410 },
  noSessionAvailable: { condition: 'com.microsoft:timeout', status: 408 },
  messageNotFound: { condition: 'com.microsoft:message-not-found', status: 404 },
  entityNotFound: { condition: 'amqp:not-found', status: 404 },
  entityExists: { condition: 'com.microsoft:entity-already-exists', status: 409 },
  entityDisabled: { condition: 'com.microsoft:entity-disabled', status: 400 },
  entityDeleted: { condition: 'amqp:not-found', status: 404 },
  messageSizeExceeded: { condition: 'amqp:link:message-size-exceeded', status: 400 },
  quotaExceeded: { condition: 'amqp:resource-limit-exceeded', status: 403 },
  invalidOperation: { condition: 'amqp:not-allowed', status: 400 },
  invalidArgument: { condition: 'com.microsoft:argument-error', status: 400 },
};

/** A request to the front itself that cannot be met: said like a broker's refusal. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly condition: string;
  readonly status: number;

  constructor(condition: string, status: number, message: string) {
    super(message);
    this.condition = condition;
    this.status = status;
  }
}

/** What to answer to whoever caused `error`. What is no refusal is a fault of the emulator, and says so. */
export function wordingOf(error: unknown): Wording & { readonly description: string; readonly isFault: boolean } {
  if (error instanceof BrokerError) return { ...WORDINGS[error.code], description: error.message, isFault: false };
  if (error instanceof RequestError) {
    return { condition: error.condition, status: error.status, description: error.message, isFault: false };
  }
  if (error instanceof MessageFormatError) {
    return { condition: 'amqp:decode-error', status: 400, description: error.message, isFault: false };
  }
  const text = error instanceof Error ? error.message : String(error);
  return { condition: 'amqp:internal-error', status: 500, description: `the emulator failed: ${text}`, isFault: true };
}

/** The same as the error of a link or a delivery. */
export function amqpError(error: unknown): AmqpErrorFields {
  const { condition, description } = wordingOf(error);
  return { condition, description };
}
