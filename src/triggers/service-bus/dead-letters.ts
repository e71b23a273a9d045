import type { InvocationContext } from '@azure/functions';
import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { toDeadLetterId } from '../../domain/dead-letter';
import { classify } from '../../domain/dead-letter-reason';
import { findFault } from '../../domain/message-faults';
import type { DeadLetters } from '../../ports';
import { toKeptMessage, toText, readAnnotation } from './keep-message';
import type { WholeMessageHandler } from './settlement';

/**
 * The function of a dead-letter queue: keeps each message with why it is there and whose business that is. Only when it
 * is kept the host completes the message; whatever fails before leaves it where it is, and it comes again. It is not
 * mailed about from here: a timer does that for many at once.
 */
export function keepDeadLetters(deps: { readonly deadLetters: DeadLetters }, entity: string): WholeMessageHandler {
  return async (received: ServiceBusReceivedMessage, context: InvocationContext) => {
    const message = toKeptMessage(received);
    const { DeadLetterReason: told, DeadLetterErrorDescription: description } = received.applicationProperties ?? {};
    const toldReason = toText(told);
    const found = {
      entity,
      sequenceNumber: toText(readAnnotation(received, 'x-opt-sequence-number')) ?? '',
      enqueuedAt: toDate(readAnnotation(received, 'x-opt-enqueued-time')),
      message,
    };
    const letter = {
      ...found,
      id: toDeadLetterId(found),
      toldReason,
      description: toText(description),
      deliveryCount: readDeliveryCount(received, context),
      ...classify(toldReason, findFault(entity, message.body)),
    };
    const outcome = await deps.deadLetters.keep(letter);
    const why = `${letter.reason}, for ${letter.team}${toldReason === undefined ? '' : `: ${toldReason}`}`;
    context.warn(`dead letter ${letter.id} of ${entity} is ${outcome} (message ${message.messageId ?? '-'}, ${why})`);
  };
}

/** Azure's hosts cut the message's header off, in which the count is, but have it in the metadata. */
function readDeliveryCount(
  { deliveryCount }: ServiceBusReceivedMessage,
  { triggerMetadata }: InvocationContext,
): number {
  const told = triggerMetadata?.['deliveryCount'];
  return typeof told === 'number' ? told : (deliveryCount ?? 0);
}

function toDate(value: unknown): Date | undefined {
  if (value instanceof Date) return value;
  return typeof value === 'number' ? new Date(value) : undefined;
}
