import { saga } from 'durable-saga';
import { z } from 'zod';
import { charge, reserve } from './order';
import { hold } from './steps';

export const bookHotel = saga(
  { name: 'bookHotel', version: '1', input: z.object({ hotel: z.string(), card: z.string() }), output: z.string() },
  function* (saga, { hotel, card }) {
    yield* saga.step(reserve, { sku: hotel });
    const { holdId } = yield* saga.step(hold, { card, amount: 100 });
    return holdId;
  },
);

export const bookTrip = saga(
  { name: 'bookTrip', version: '1', input: z.object({ hotels: z.array(z.string()), card: z.string() }) },
  function* (saga, { hotels, card }) {
    const holds = yield* saga.map(hotels, (hotel) => saga.child(bookHotel, { hotel, card }, { key: hotel }));
    yield* saga.pivot(charge, { card, amount: 100 * holds.length });
  },
);
