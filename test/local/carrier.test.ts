import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../support/running-app';
import type { Shipment } from '../../local/carrier/shipment';
import { readJson, startStandIns, type StandIns } from '../support/start-stand-ins';

describe('the development carrier', () => {
  let standIns: StandIns;
  let url: string;

  beforeAll(async () => {
    standIns = await startStandIns({ now: () => Date.UTC(2025, 0, 15, 12) });
    url = standIns.settings.CARRIER_URL;
  });
  afterAll(async () => standIns.close());
  afterEach(async () => standIns.setFaults('carrier', { failBefore: 0, failAfter: 0, stallMs: 0 }));

  const owned: StandIns[] = [];
  afterEach(async () => {
    await Promise.all(owned.splice(0).map(async (own) => own.close()));
  });
  const openOwn = async (): Promise<StandIns> => {
    const own = await startStandIns();
    owned.push(own);
    return own;
  };

  const booking = (orderId: string, quantity = 2): object => ({
    orderId,
    customerId: 'ALFKI',
    lines: [{ sku: '17', quantity }],
  });
  const send = async (
    method: string,
    path: string,
    options: { readonly body?: unknown; readonly key?: string } = {},
  ): Promise<{ status: number; headers: Headers; body: Shipment & { code: string; detail: string } }> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: options.key === undefined ? {} : { 'idempotency-key': options.key },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Shipment & { code: string; detail: string },
    };
  };
  const book = async (orderId: string, key?: string): ReturnType<typeof send> =>
    send('POST', '/shipments', { body: booking(orderId), ...(key === undefined ? {} : { key }) });

  it('books a parcel and tells where it is', async () => {
    const { status, body } = await book('o-1');
    expect(status).toBe(201);
    expect(body).toEqual({
      shipmentId: expect.stringMatching(/^shp_\w+$/),
      tracking: expect.stringMatching(/^DEV\w{12}$/),
      orderId: 'o-1',
      customerId: 'ALFKI',
      lines: [{ sku: '17', quantity: 2 }],
      state: 'booked',
      bookedAt: '2025-01-15T12:00:00.000Z',
    });
    expect((await send('GET', `/shipments/${body.shipmentId}`)).body).toEqual(body);
    expect(await readJson(`${url}/shipments?orderId=o-1`)).toMatchObject({ shipments: [body] });
  });

  it('cancels a parcel, as often as it is asked to', async () => {
    const { shipmentId } = (await book('o-2')).body;
    expect(await send('DELETE', `/shipments/${shipmentId}`)).toMatchObject({
      status: 200,
      body: { state: 'cancelled' },
    });
    expect(await send('POST', `/shipments/${shipmentId}/cancel`)).toMatchObject({
      status: 200,
      body: { state: 'cancelled' },
    });
  });

  it('books one parcel a key and gives the same answer each time', async () => {
    const first = await book('o-3', 'k-3');
    const second = await book('o-3', 'k-3');
    expect(second).toMatchObject({ status: 201, body: first.body });
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(await shipmentsOf('o-3')).toHaveLength(1);
  });

  it('refuses a key that belongs to another request', async () => {
    await book('o-4', 'k-4');
    expect(await book('o-5', 'k-4')).toMatchObject({ status: 422, body: { code: 'keyOfOtherRequest' } });
    expect(await shipmentsOf('o-5')).toHaveLength(0);
  });

  it('refuses a second request while the first of its key is being worked on', async () => {
    await standIns.setFaults('carrier', { stallMs: 300 });
    const answers = await Promise.all([book('o-6', 'k-6'), book('o-6', 'k-6')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(await shipmentsOf('o-6')).toHaveLength(1);
  });

  it('fails before or after the effect as it is told to', async () => {
    await standIns.setFaults('carrier', { failBefore: 1 });
    expect((await book('o-7', 'k-7')).status).toBe(500);
    expect(await shipmentsOf('o-7')).toHaveLength(0);
    await standIns.setFaults('carrier', { failBefore: 0, failAfter: 1 });
    expect((await book('o-7', 'k-7')).status).toBe(500);
    const [made] = await shipmentsOf('o-7');
    await standIns.setFaults('carrier', { failAfter: 0 });
    expect((await book('o-7', 'k-7')).body.shipmentId).toBe(made!.shipmentId);
    expect(await shipmentsOf('o-7')).toHaveLength(1);
  });

  it('sums up shipments and names the orders with more than one', async () => {
    const own = await openOwn();
    const post = async (orderId: string): Promise<Shipment> => {
      const response = await fetch(`${own.settings.CARRIER_URL}/shipments`, {
        method: 'POST',
        body: JSON.stringify(booking(orderId)),
      });
      return (await response.json()) as Shipment;
    };
    await post('a');
    await post('b');
    await post('b');
    const { shipmentId } = await post('c');
    await fetch(`${own.settings.CARRIER_URL}/shipments/${shipmentId}`, { method: 'DELETE' });
    expect(await own.readShipments()).toMatchObject({
      shipments: { total: 4, booked: 3, cancelled: 1 },
      orders: { shipped: 2, duplicates: 1, examples: [{ orderId: 'b', booked: 2 }] },
    });
  });

  describe('pick-ups', () => {
    const pickUp = { returnId: 'o-1.r', customerId: 'ALFKI', lines: [{ sku: '17', quantity: 2 }] };
    const send = async (method: string, path: string, body?: unknown) => {
      const answer = await fetch(`${url}${path}`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    const bookPickUp = async (change: object = {}): Promise<string> =>
      String((await send('POST', '/pick-ups', { ...pickUp, ...change })).body['pickUpId']);

    it('are booked, collected in part, and can not be called off then', async () => {
      const id = await bookPickUp();
      expect(await send('GET', `/pick-ups/${id}`)).toMatchObject({ body: { ...pickUp, state: 'booked' } });
      const lines = [{ sku: '17', quantity: 1 }];
      const collected = { status: 200, body: { state: 'collected', collected: lines } };
      expect(await send('POST', `/pick-ups/${id}/collect`, { lines })).toMatchObject(collected);
      expect(await send('POST', `/pick-ups/${id}/collect`)).toMatchObject(collected);
      expect(await send('DELETE', `/pick-ups/${id}`)).toMatchObject({
        status: 409,
        body: { code: 'alreadyCollected' },
      });
    });

    it('are not collected once they are called off', async () => {
      const id = await bookPickUp();
      expect(await send('DELETE', `/pick-ups/${id}`)).toMatchObject({ status: 200, body: { state: 'cancelled' } });
      expect(await send('POST', `/pick-ups/${id}/collect`)).toMatchObject({
        status: 409,
        body: { code: 'alreadyCancelled' },
      });
    });

    it('are told of until somebody takes it', async () => {
      const told: string[] = [];
      const server = createServer((request, response) => {
        let body = '';
        request.setEncoding('utf8').on('data', (text: string) => (body += text));
        request.on('end', () => {
          told.push(body);
          response.writeHead(told.length === 1 ? 503 : 202).end();
        });
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      try {
        const id = await bookPickUp({ callbackUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/told` });
        await send('POST', `/pick-ups/${id}/collect`);
        await until('it is told twice', 10_000, () => (told.length === 2 ? true : undefined));
        expect(told.map((body) => JSON.parse(body) as unknown)).toEqual(
          Array.from({ length: 2 }, () => ({ pickUpId: id, lines: pickUp.lines })),
        );
      } finally {
        server.closeAllConnections();
        await new Promise((closed) => server.close(closed));
      }
    });

    it('are refused when they make no sense', async () => {
      expect(await send('POST', '/pick-ups', { ...pickUp, lines: [] })).toMatchObject({ status: 400 });
      expect(await send('POST', '/pick-ups', { ...pickUp, callbackUrl: 'here' })).toMatchObject({
        status: 400,
        body: { detail: 'callbackUrl: expected a URL, got "here"' },
      });
      expect(await send('DELETE', '/pick-ups/pup_none')).toMatchObject({
        status: 404,
        body: { code: 'unknownPickUp' },
      });
    });
  });

  it('lists its state page by page', async () => {
    const own = await openOwn();
    const base = own.settings.CARRIER_URL;
    for (const orderId of ['a', 'b', 'c']) {
      await fetch(`${base}/shipments`, { method: 'POST', body: JSON.stringify(booking(orderId)) });
    }
    const first = await readJson<{ shipments: Shipment[]; next: number }>(`${base}/_state?limit=2`);
    const second = await readJson<{ shipments: Shipment[] }>(`${base}/_state?limit=2&after=${first.next}`);
    expect([first, second].map(({ shipments }) => shipments.map(({ orderId }) => orderId))).toEqual([
      ['a', 'b'],
      ['c'],
    ]);
    expect(second).not.toHaveProperty('next');
  });

  it.each([
    [{ customerId: 'x', lines: [] }, /^orderId: expected a text/],
    [{ orderId: 'o', customerId: 1, lines: [] }, /^customerId: expected a text, got 1/],
    [{ orderId: 'o', customerId: 'x', lines: [] }, /^lines: expected a list/],
    [{ orderId: 'o', customerId: 'x', lines: [{ sku: '1', quantity: 0 }] }, /^lines\[0\]: expected .* from 1/],
    [[], /^expected an object/],
  ])('refuses the booking %j and says what was expected', async (body, detail) => {
    expect(await send('POST', '/shipments', { body })).toMatchObject({
      status: 400,
      body: { code: 'badBooking', detail: expect.stringMatching(detail) },
    });
  });

  it('answers 404 to what is not here and 400 to a page that is none', async () => {
    expect(await send('GET', '/shipments/none')).toMatchObject({ status: 404, body: { code: 'unknownShipment' } });
    expect(await send('DELETE', '/shipments/none')).toMatchObject({ status: 404, body: { code: 'unknownShipment' } });
    expect(await send('PUT', '/shipments', { body: {} })).toMatchObject({
      status: 404,
      body: { code: 'unknownRequest' },
    });
    expect(await send('GET', '/_state?limit=0')).toMatchObject({ status: 400, body: { code: 'badPage' } });
  });

  async function shipmentsOf(orderId: string): Promise<readonly Shipment[]> {
    return (await readJson<{ shipments: Shipment[] }>(`${url}/_state?orderId=${orderId}`)).shipments;
  }
});
