import { originalId } from '../../domain/message-retry';
import { acceptOrder } from '../accept-order';
import type { AcceptOrderDeps } from '../accept-order';
import { deadLetter, invalidMessage, readBody } from './read-message';
import { complete } from './settlement';
import type { MessageHandler } from './settlement';

/**
 * Queue `orders`: a message is what the body of `POST /api/orders` is, and is accepted the same way. An order that brings
 * no id has that of its message, or every delivery would make another order of it.
 */
export function placeOrderByMessage(deps: AcceptOrderDeps): MessageHandler {
  return async (message, context) => {
    const body = readBody(message);
    if (!body.ok) return body.settlement;
    const origin = { source: 'queue', idOtherwise: () => originalId(message) } as const;
    const answer = await acceptOrder(deps, body.value, origin, context);
    switch (answer.kind) {
      case 'invalid':
        return invalidMessage(answer.violations);
      case 'conflict':
        return deadLetter('order_conflict', `an order with different content has the id "${answer.orderId}" already`);
      case 'accepted':
      case 'repeated':
        context.info(`order ${answer.orderId} is ${answer.kind}`);
        return complete;
    }
  };
}
