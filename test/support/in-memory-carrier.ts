import { OutsideError } from '../../src/adapters/outside-error';
import type { Carrier, PickUpRequest, ShipmentRequest } from '../../src/ports';

interface InMemoryShipment extends ShipmentRequest {
  readonly shipmentId: string;
  readonly tracking: string;
}

interface InMemoryPickUp extends PickUpRequest {
  readonly pickUpId: string;
  readonly tracking: string;
  readonly state: 'booked' | 'collected' | 'cancelled';
}

/** A carrier without a network: the same contract. */
export interface InMemoryCarrier extends Carrier {
  readonly shipments: readonly InMemoryShipment[];
  readonly pickUps: readonly InMemoryPickUp[];
  /** Collects all open pick-ups; they can't be called off any more. */
  collect(): void;
  /** The next calls fail, before or after their effect. */
  failNext(when: 'before' | 'after', times?: number): void;
}

export function createInMemoryCarrier(): InMemoryCarrier {
  const shipments: InMemoryShipment[] = [];
  const pickUps: InMemoryPickUp[] = [];
  const answers = new Map<string, { readonly request: string; readonly answer: unknown }>();
  const failures: ('before' | 'after')[] = [];

  /** The first answer under a key is the answer. */
  const once = <Answer>(key: string, request: unknown, effect: () => Answer): Answer => {
    const failure = failures.shift();
    if (failure === 'before') throw new OutsideError('carrierFailed', 'failed on purpose, before the effect');
    const asked = JSON.stringify(request);
    const known = answers.get(key);
    if (known !== undefined && known.request !== asked) {
      throw new OutsideError('carrierRejected', `the key ${key} belongs to another request`);
    }
    const answer = known === undefined ? effect() : (known.answer as Answer);
    answers.set(key, { request: asked, answer });
    if (failure === 'after') throw new OutsideError('carrierFailed', 'failed on purpose, after the effect');
    return answer;
  };

  const bookPickUp: Carrier['bookPickUp'] = async (key, request) =>
    once(key, request, () => {
      const number = pickUps.length + 1;
      const booked = { pickUpId: `pup_${number}`, tracking: `RET${number}` };
      pickUps.push({ ...request, ...booked, state: 'booked' });
      return booked;
    });

  return {
    shipments,
    pickUps,
    collect() {
      for (const [index, pickUp] of pickUps.entries()) {
        if (pickUp.state === 'booked') pickUps[index] = { ...pickUp, state: 'collected' };
      }
    },
    failNext: (when, times = 1) => void failures.push(...Array.from({ length: times }, () => when)),
    book: async (key, request) =>
      once(key, request, () => {
        const number = shipments.length + 1;
        const booked = { shipmentId: `shp_${number}`, tracking: `DEV${number}` };
        shipments.push({ ...request, ...booked });
        return booked;
      }),
    bookPickUp,
    async cancelPickUp(key, request, pickUpId) {
      const id = pickUpId ?? (await bookPickUp(key, request)).pickUpId;
      const index = pickUps.findIndex((pickUp) => pickUp.pickUpId === id);
      const pickUp = pickUps[index];
      if (pickUp === undefined) throw new OutsideError('carrierRejected', `there is no pick-up ${id}`);
      return once(`${key}/cancel`, id, () => {
        if (pickUp.state === 'collected') return 'collected';
        pickUps[index] = { ...pickUp, state: 'cancelled' };
        return 'cancelled';
      });
    },
  };
}
