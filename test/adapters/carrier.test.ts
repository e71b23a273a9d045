import { createHttpCarrier } from '../../src/adapters/http-carrier';
import type { Carrier, PickUpRequest, ShipmentRequest } from '../../src/ports';
import { createInMemoryCarrier } from '../support/in-memory-carrier';
import { readJson, startStandIns } from '../support/start-stand-ins';

interface Bench {
  readonly carrier: Carrier;
  whileFailing<Result>(when: 'before' | 'after', action: () => Promise<Result>): Promise<Result>;
  countShipments(): Promise<number>;
  /** The driver collects all that is booked. */
  collect(): Promise<void>;
  countPickUps(): Promise<{ readonly booked: number; readonly cancelled: number; readonly collected: number }>;
  close(): Promise<void>;
}

async function inMemory(): Promise<Bench> {
  const carrier = createInMemoryCarrier();
  return {
    carrier,
    async whileFailing(when, action) {
      carrier.failNext(when);
      return action();
    },
    countShipments: async () => carrier.shipments.length,
    collect: async () => carrier.collect(),
    async countPickUps() {
      const counts = { booked: 0, cancelled: 0, collected: 0 };
      for (const { state } of carrier.pickUps) counts[state] += 1;
      return counts;
    },
    close: async () => undefined,
  };
}

async function overHttp(): Promise<Bench> {
  const standIns = await startStandIns();
  return {
    carrier: createHttpCarrier({ url: standIns.settings.CARRIER_URL }),
    async whileFailing(when, action) {
      await standIns.setFaults('carrier', when === 'before' ? { failBefore: 1 } : { failAfter: 1 });
      try {
        return await action();
      } finally {
        await standIns.setFaults('carrier', { failBefore: 0, failAfter: 0 });
      }
    },
    countShipments: async () => (await standIns.readShipments()).shipments.booked,
    async collect() {
      const { CARRIER_URL: url } = standIns.settings;
      const { pickUps } = await readJson<{ pickUps: { pickUpId: string; state: string }[] }>(`${url}/pick-ups`);
      for (const { pickUpId } of pickUps.filter(({ state }) => state === 'booked')) {
        await fetch(`${url}/pick-ups/${pickUpId}/collect`, { method: 'POST' });
      }
    },
    async countPickUps() {
      const { booked, cancelled, collected } = (await standIns.readShipments()).pickUps;
      return { booked, cancelled, collected };
    },
    close: async () => standIns.close(),
  };
}

describe.each([
  ['in memory', inMemory],
  ['over HTTP', overHttp],
])('the carrier %s', (_name, open) => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await open();
  });
  afterEach(async () => bench.close());

  const parcel = (change: Partial<ShipmentRequest> = {}): ShipmentRequest => ({
    orderId: 'o-1',
    customerId: 'ALFKI',
    lines: [{ sku: '17', quantity: 2 }],
    ...change,
  });

  it('books one parcel a key, with the same answer each time', async () => {
    const first = await bench.carrier.book('k', parcel());
    expect(first).toEqual({ shipmentId: expect.stringMatching(/./), tracking: expect.stringMatching(/./) });
    expect(await bench.carrier.book('k', parcel())).toEqual(first);
    expect(await bench.countShipments()).toBe(1);
  });

  it('books another parcel under another key', async () => {
    const first = await bench.carrier.book('k', parcel());
    const second = await bench.carrier.book('l', parcel({ orderId: 'o-2' }));
    expect(second.shipmentId).not.toBe(first.shipmentId);
    expect(second.tracking).not.toBe(first.tracking);
    expect(await bench.countShipments()).toBe(2);
  });

  it('throws when the key belongs to another parcel', async () => {
    await bench.carrier.book('k', parcel());
    await expect(bench.carrier.book('k', parcel({ orderId: 'o-2' }))).rejects.toMatchObject({
      code: 'carrierRejected',
    });
    expect(await bench.countShipments()).toBe(1);
  });

  it('throws when nobody knows the outcome, and knows it when asked again', async () => {
    const book = async (): ReturnType<Carrier['book']> => bench.carrier.book('k', parcel());
    await expect(bench.whileFailing('before', book)).rejects.toMatchObject({ code: 'carrierFailed' });
    expect(await bench.countShipments()).toBe(0);
    await expect(bench.whileFailing('after', book)).rejects.toMatchObject({ code: 'carrierFailed' });
    expect(await bench.countShipments()).toBe(1);
    const first = await book();
    expect(await book()).toEqual(first);
    expect(await bench.countShipments()).toBe(1);
  });

  describe('pick-ups', () => {
    const pickUp: PickUpRequest = { returnId: 'o-1.r', customerId: 'ALFKI', lines: [{ sku: '17', quantity: 2 }] };
    const none = { booked: 0, cancelled: 0, collected: 0 };

    it('are booked once a key', async () => {
      const first = await bench.carrier.bookPickUp('k', pickUp);
      expect(first).toEqual({ pickUpId: expect.stringMatching(/./), tracking: expect.stringMatching(/./) });
      expect(await bench.carrier.bookPickUp('k', pickUp)).toEqual(first);
      expect(await bench.countPickUps()).toEqual({ ...none, booked: 1 });
    });

    it('are called off, however often', async () => {
      const { pickUpId } = await bench.carrier.bookPickUp('k', pickUp);
      expect(await bench.carrier.cancelPickUp('k', pickUp, pickUpId)).toBe('cancelled');
      expect(await bench.carrier.cancelPickUp('k', pickUp, pickUpId)).toBe('cancelled');
      expect(await bench.countPickUps()).toEqual({ ...none, cancelled: 1 });
    });

    it('are called off without their id, whether they were booked or not, and stay so', async () => {
      await bench.carrier.bookPickUp('k', pickUp);
      expect(await bench.carrier.cancelPickUp('k', pickUp, undefined)).toBe('cancelled');
      expect(await bench.carrier.cancelPickUp('l', pickUp, undefined)).toBe('cancelled');
      await bench.carrier.bookPickUp('l', pickUp);
      expect(await bench.countPickUps()).toEqual({ ...none, cancelled: 2 });
    });

    it('can not be called off once they are collected', async () => {
      const { pickUpId } = await bench.carrier.bookPickUp('k', pickUp);
      await bench.collect();
      expect(await bench.carrier.cancelPickUp('k', pickUp, pickUpId)).toBe('collected');
      expect(await bench.carrier.cancelPickUp('k', pickUp, undefined)).toBe('collected');
      expect(await bench.countPickUps()).toEqual({ ...none, collected: 1 });
    });

    it('throw when nobody knows the outcome, and know it when asked again', async () => {
      const book = async () => bench.carrier.bookPickUp('k', pickUp);
      await expect(bench.whileFailing('before', book)).rejects.toMatchObject({ code: 'carrierFailed' });
      await expect(bench.whileFailing('after', book)).rejects.toMatchObject({ code: 'carrierFailed' });
      const { pickUpId } = await book();
      const cancel = async () => bench.carrier.cancelPickUp('k', pickUp, pickUpId);
      await expect(bench.whileFailing('before', cancel)).rejects.toMatchObject({ code: 'carrierFailed' });
      expect(await bench.countPickUps()).toEqual({ ...none, booked: 1 });
      await expect(bench.whileFailing('after', cancel)).rejects.toMatchObject({ code: 'carrierFailed' });
      expect(await cancel()).toBe('cancelled');
      expect(await bench.countPickUps()).toEqual({ ...none, cancelled: 1 });
    });
  });
});
