import { z } from 'zod';
import { activity, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import type { ShopPorts } from './shop';
import { charge, createShop, order, orderSchema, policy } from './shop';

// An operator may skip the shipment, and the customer is told that the parcel is on its way without anybody having looked.

export const finds = 'who is told of a parcel gets one';

const send = activity({
  ...policy,
  name: 'send',
  input: z.object({}),
  run:
    ({ carrier }: ShopPorts) =>
    async (_input, step) => {
      await carrier.book(step.key);
    },
});

const makeConfirm = (look: (carrier: ShopPorts['carrier']) => Promise<boolean>) =>
  activity({
    ...policy,
    name: 'confirm',
    input: z.object({}),
    run:
      ({ carrier, mail }: ShopPorts) =>
      async (_input, step) => {
        if (await look(carrier)) await mail.send(step.key);
      },
  });

const explore = (confirm: ReturnType<typeof makeConfirm>, name: string) =>
  defineExploration(
    saga({ name: 'order', version: '1', input: orderSchema }, function* (saga, { amount }) {
      yield* saga.pivot(charge, { amount });
      yield* saga.step(send, {});
      yield* saga.step(confirm, {});
    }),
    {
      input: order,
      world: createShop,
      activities: [charge, send, confirm],
      invariants: {
        [finds]: ({ books }: Run) => books?.['mails'] === 0 || books?.['parcels'] === 1,
      },
      // An operator who skips what nobody has done by hand.
      operator: ['retry', 'skip', 'skipBlind', 'fail'],
      module: { file: __filename, name },
    },
  );

export const wrong = explore(
  makeConfirm(async () => true),
  'wrong',
);
export const right = explore(
  makeConfirm((carrier) => carrier.hasParcel()),
  'right',
);
