import { OutsideError } from '../../src/adapters/outside-error';
import type { Carrier, ShipmentRequest } from '../../src/ports';

interface InMemoryShipment extends ShipmentRequest {
  readonly shipmentId: string;
  readonly tracking: string;
}

/** A carrier without a network: the same contract. */
export interface InMemoryCarrier extends Carrier {
  readonly shipments: readonly InMemoryShipment[];
  /** The next calls fail, before or after their effect. */
  failNext(when: 'before' | 'after', times?: number): void;
}

export function createInMemoryCarrier(): InMemoryCarrier {
  const shipments: InMemoryShipment[] = [];
  const byKey = new Map<string, { readonly request: string; readonly shipment: InMemoryShipment }>();
  const failures: ('before' | 'after')[] = [];
  const add = (request: ShipmentRequest): InMemoryShipment => {
    const number = shipments.length + 1;
    const shipment = { ...request, shipmentId: `shp_${number}`, tracking: `DEV${number}` };
    shipments.push(shipment);
    return shipment;
  };
  return {
    shipments,
    failNext: (when, times = 1) => void failures.push(...Array.from({ length: times }, () => when)),
    async book(key, request) {
      const failure = failures.shift();
      if (failure === 'before') throw new OutsideError('carrierFailed', 'failed on purpose, before the effect');
      const asked = JSON.stringify(request);
      const known = byKey.get(key) ?? { request: asked, shipment: add(request) };
      if (known.request !== asked) {
        throw new OutsideError('carrierRejected', `the key ${key} belongs to another request`);
      }
      byKey.set(key, known);
      if (failure === 'after') throw new OutsideError('carrierFailed', 'failed on purpose, after the effect');
      return { shipmentId: known.shipment.shipmentId, tracking: known.shipment.tracking };
    },
  };
}
