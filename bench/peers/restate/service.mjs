// The reference workload as a Restate service. Argument: the port to serve on. Says READY when it takes requests.
import { setTimeout as sleep } from 'node:timers/promises';
import * as restate from '@restatedev/restate-sdk';

/** For rounds that need sagas which take a while; without `pauseMs` the answer comes at once. */
const slowly = ({ pauseMs }, answer) => (pauseMs === undefined ? answer : sleep(pauseMs, answer));

const [port] = process.argv.slice(2);

const bench = restate.service({
  name: 'bench',
  handlers: {
    orderSaga: async (ctx, order) => {
      await ctx.run('validateOrder', () => slowly(order, { id: order.id, isValid: order.lines.length > 0 }));
      const reservations = await restate.RestatePromise.all(
        order.lines.map((line) => ctx.run('reserveInventory', () => ({ sku: line.sku, reserved: line.quantity }))),
      );
      try {
        await ctx.run('chargePayment', () => {
          if (order.isDeclined) throw new restate.TerminalError('declined');
          return slowly(order, { charged: order.total });
        });
      } catch (error) {
        if (!(error instanceof restate.TerminalError)) throw error;
        await restate.RestatePromise.all(
          reservations.map((reservation) =>
            ctx.run('releaseInventory', () => ({ sku: reservation.sku, released: reservation.reserved })),
          ),
        );
        return 'compensated';
      }
      await ctx.run('createShipment', () => slowly(order, { shipment: `shipment of ${order.id}` }));
      await ctx.run('sendConfirmation', () => slowly(order, { sent: order.id }));
      return 'completed';
    },
    sequence: async (ctx, { steps }) => {
      let last = 0;
      for (let i = 1; i <= steps; i++) last = await ctx.run('echo', () => i);
      return last;
    },
    fan: async (ctx, { steps }) => {
      const all = await restate.RestatePromise.all(
        Array.from({ length: steps }, (_, i) => ctx.run('echo', () => i + 1)),
      );
      return all.length;
    },
  },
});

await restate.serve({ services: [bench], port: Number(port), logger: () => undefined });
console.log('READY');
