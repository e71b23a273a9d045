import { z } from 'zod';
import { hashBody } from './body-hash';
import type { Classified, DeadLetterReason, Team } from './dead-letter-reason';
import type { KeptMessage, PlainValue } from './kept-message';
import { ORIGINAL_MESSAGE_ID, REDRIVE_OF, REDRIVE_TO } from './message-properties';
import { ATTEMPT, FIRST_ENQUEUED_AT } from './message-retry';

const idForm = 'expected the id of a dead letter: "dl-" and 24 hexadecimal digits';
export const deadLetterIdSchema = z
  .string(idForm)
  .regex(/^dl-[0-9a-f]{24}$/, idForm)
  .brand<'DeadLetterId'>();
export type DeadLetterId = z.infer<typeof deadLetterIdSchema>;

/**
 * - `open`: it waits for somebody.
 * - `redriving`: it is being sent, or whoever was sending it died over that.
 * - `redriven`: it was sent to where it came from.
 * - `discarded`: somebody has decided that it is of no use.
 */
export const deadLetterStatuses = ['open', 'redriving', 'redriven', 'discarded'] as const;
export type DeadLetterStatus = (typeof deadLetterStatuses)[number];

/** A message as it was found in a dead-letter queue. */
export interface DeadLetter extends Classified {
  readonly id: DeadLetterId;
  /** Whose dead letter it is: a queue (`orders`) or a subscription (`order-events/Subscriptions/e-mail`). */
  readonly entity: string;
  readonly sequenceNumber: string;
  /** The reason in the words of whoever dead-lettered it. */
  readonly toldReason?: string | undefined;
  readonly description?: string | undefined;
  readonly enqueuedAt?: Date | undefined;
  readonly deliveryCount: number;
  readonly message: KeptMessage;
}

/** What has been done with a dead letter, by whom. */
export interface DeadLetterAction {
  readonly at: Date;
  readonly by: string;
  readonly action: 'edited' | 'redriving' | 'redriven' | 'redriveFailed' | 'discarded';
  /** What was said or changed. */
  readonly note?: string | undefined;
}

/** What lists show. */
export interface DeadLetterSummary extends Omit<DeadLetter, 'message'> {
  readonly status: DeadLetterStatus;
  readonly messageId?: string | undefined;
  readonly sessionId?: string | undefined;
  /** Service Bus doesn't say when it dead-lettered a message; this is when it was read, moments later. */
  readonly storedAt: Date;
  readonly updatedAt: Date;
  /** How often somebody tried to redrive it. */
  readonly attempts: number;
  /** How often it was edited. */
  readonly edits: number;
}

export interface StoredDeadLetter extends DeadLetterSummary {
  readonly message: KeptMessage;
  /** The message as it is redriven, when it was edited. */
  readonly edited?: KeptMessage | undefined;
  readonly history: readonly DeadLetterAction[];
}

/** Which dead letters. */
export interface DeadLetterFilter {
  readonly entity?: string | undefined;
  readonly reason?: DeadLetterReason | undefined;
  readonly team?: Team | undefined;
  readonly status?: DeadLetterStatus | undefined;
  /** Stored at or after. */
  readonly from?: Date | undefined;
  /** Stored before. */
  readonly to?: Date | undefined;
}

/** The same message read again has the same id; a message that comes back after a redrive has another one. */
export function toDeadLetterId(
  found: Pick<DeadLetter, 'entity' | 'sequenceNumber' | 'enqueuedAt' | 'message'>,
): DeadLetterId {
  const { entity, sequenceNumber, enqueuedAt, message } = found;
  const identity = [entity.toLowerCase(), sequenceNumber, message.messageId ?? null, enqueuedAt?.toISOString() ?? null];
  return deadLetterIdSchema.parse(`dl-${hashBody(identity).slice(0, 24)}`);
}

/** A subscription's topic and name; undefined for a queue. */
export function subscriptionOf(entity: string): { readonly topic: string; readonly subscription: string } | undefined {
  const match = /^(.+)\/subscriptions\/([^/]+)$/i.exec(entity);
  return match?.[1] !== undefined && match[2] !== undefined ? { topic: match[1], subscription: match[2] } : undefined;
}

/** Set by Service Bus when it dead-letters, and by our own attempts: a redriven message begins anew. */
const leftBehind = ['DeadLetterReason', 'DeadLetterErrorDescription', ATTEMPT, FIRST_ENQUEUED_AT, REDRIVE_TO];

/**
 * What is sent when the dead letter is redriven, and where to. Its message id is the same however often this very
 * content is sent, so that a copy sent by mistake is recognised; it is not the original's, which duplicate detection
 * would drop. The original's goes along as a property, by which consumers know what they have done already.
 */
export function toRedriven(letter: Pick<StoredDeadLetter, 'id' | 'entity' | 'message' | 'edited' | 'edits'>): {
  readonly address: string;
  readonly message: KeptMessage;
} {
  const { id, entity, edits, edited, message: found } = letter;
  const message = edited ?? found;
  const source = subscriptionOf(entity);
  const kept = Object.entries(message.applicationProperties).filter(([name]) => !leftBehind.includes(name));
  const properties: Record<string, PlainValue> = Object.fromEntries(kept);
  const original = found.applicationProperties[ORIGINAL_MESSAGE_ID] ?? found.messageId;
  if (original !== undefined) properties[ORIGINAL_MESSAGE_ID] = original;
  properties[REDRIVE_OF] = id;
  if (source) properties[REDRIVE_TO] = source.subscription;
  return {
    address: source?.topic ?? entity,
    message: { ...message, messageId: `${id}/${edits}`, applicationProperties: properties },
  };
}
