import { toDeadLetterId } from '../../src/domain/dead-letter';
import type { DeadLetter } from '../../src/domain/dead-letter';
import { classify } from '../../src/domain/dead-letter-reason';
import type { KeptMessage } from '../../src/domain/kept-message';

/** A message as an order is sent through the queue. */
export function sampleMessage(
  id: string,
  body = `{"orderId":"${id}"}`,
  changes: Partial<KeptMessage> = {},
): KeptMessage {
  return {
    messageId: id,
    contentType: 'application/json',
    applicationProperties: {},
    body: { kind: 'text', text: body },
    ...changes,
  };
}

/** A dead letter, of the queue `orders` unless it says otherwise. */
export function sampleDeadLetter(
  id: string,
  changes: Partial<DeadLetter> & { readonly told?: string } = {},
): DeadLetter {
  const { told = 'invalid_message', ...others } = changes;
  const found = {
    entity: 'orders',
    sequenceNumber: String(id.length),
    toldReason: told,
    description: `what is wrong with ${id}`,
    enqueuedAt: new Date('2026-01-05T09:59:00.000Z'),
    deliveryCount: 1,
    message: sampleMessage(id),
    ...classify(told, undefined),
    ...others,
  };
  return { id: toDeadLetterId(found), ...found };
}
