import { Buffer } from 'node:buffer';
import type { OwnReason } from '../../domain/dead-letter-reason';
import { keepBytes, keepValue } from '../../domain/kept-message';
import { REDRIVE_TO } from '../../domain/message-properties';
import { attemptsOf, firstEnqueuedAt, nextCopy } from '../../domain/message-retry';
import type { Clock, MessageSender } from '../../ports';
import { deadLetter } from './read-message';
import { complete } from './settlement';
import type { MessageHandler, ReceivedMessage } from './settlement';

interface Deps {
  readonly sender: MessageSender;
  readonly clock: Clock;
}

/** Where messages come from: a queue, or a topic's subscription. */
export interface MessageOrigin {
  readonly address: string;
  readonly subscription?: string;
}

/**
 * Lets a handler fail: what it throws is taken for something that passes. Left to the broker, the message would come back
 * at once, ten times in a second. So a copy is scheduled for later, and later each time, before the message is completed:
 * a crash in between leaves two of them, which is what handlers must stand anyway. A copy for a subscription is sent to
 * its topic and reaches that subscription alone.
 *
 * When the copy can't be sent either, the broker keeps the message: it is delivered again when its lock ends.
 */
export function retrying(deps: Deps, origin: MessageOrigin, handler: MessageHandler): MessageHandler {
  return async (message, context) => {
    try {
      return await handler(message, context);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const now = deps.clock.now();
      const copy = nextCopy(message, now);
      if (!copy) {
        const tries = attemptsOf(message) + 1;
        const since = firstEnqueuedAt(message) ?? 'an unknown time';
        context.error(`message ${message.id} failed for the last time:`, error);
        return deadLetter(reasonOf(error), `failed ${tries} times since ${since}, the last time with: ${why}`);
      }
      context.warn(`message ${message.id} failed and is tried again in ${copy.delay / 1_000} s: ${why}`);
      await deps.sender.send(origin.address, {
        ...toSent(message),
        messageId: copy.messageId,
        applicationProperties: { ...propertiesOf(message, origin.subscription), ...copy.properties },
        enqueueAt: new Date(now.getTime() + copy.delay),
      });
      return complete;
    }
  };
}

function toSent({ bytes, subject, correlationId, sessionId, contentType }: ReceivedMessage) {
  return { body: keepBytes(bytes ?? Buffer.alloc(0)), subject, correlationId, sessionId, contentType };
}

function propertiesOf({ properties }: ReceivedMessage, subscription: string | undefined) {
  const kept = Object.entries(properties).map(([name, value]) => [name, keepValue(value)] as const);
  return { ...Object.fromEntries(kept), ...(subscription !== undefined && { [REDRIVE_TO]: subscription }) };
}

function reasonOf(error: unknown): OwnReason {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'databaseUnavailable') return 'database_unavailable';
  return typeof code === 'string' && /timeout$/i.test(code) ? 'timeout' : 'retries_exhausted';
}
