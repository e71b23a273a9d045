import type { TimerHandler } from '@azure/functions';
import type { Clock, Orders } from '../../ports';
import type { OrderSagasOf } from '../order-sagas';

/** As many as are started in one go; the next minute takes the next ones. */
const AT_ONCE = 500;

interface Deps {
  readonly orders: Orders;
  readonly sagas: OrderSagasOf;
  readonly clock: Clock;
  /** Milliseconds: younger orders are just being started by whoever accepted them. */
  readonly startGrace: number;
}

/** Each minute: starts the sagas of orders that were accepted but, after a crash or an outage, never started. */
export function startLostOrders({ orders, sagas, clock, startGrace }: Deps): TimerHandler {
  return async (_timer, context) => {
    const acceptedBefore = new Date(clock.now().getTime() - startGrace);
    const lost = await orders.listUnstarted(acceptedBefore, AT_ONCE);
    if (lost.length === 0) return;
    let failed = 0;
    for (const id of lost) {
      try {
        await sagas(context).start(id);
      } catch (error) {
        failed += 1;
        context.warn(`order ${id} could not be started:`, error);
      }
    }
    context.log(`started ${lost.length - failed} orders whose start had been lost`);
    if (failed > 0)
      throw new Error(`${failed} of ${lost.length} lost orders could not be started; they stay for the next run`);
  };
}
