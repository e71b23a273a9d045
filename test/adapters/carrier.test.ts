import { createHttpCarrier } from '../../src/adapters/http-carrier';
import type { Carrier, ShipmentRequest } from '../../src/ports';
import { createInMemoryCarrier } from '../support/in-memory-carrier';
import { startStandIns } from '../support/start-stand-ins';

interface Bench {
  readonly carrier: Carrier;
  whileFailing<Result>(when: 'before' | 'after', action: () => Promise<Result>): Promise<Result>;
  countShipments(): Promise<number>;
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
});
