import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createHttpCarrier } from '../../src/adapters/http-carrier';
import type { ShipmentRequest } from '../../src/ports';
import { freePorts, until } from '../support/running-app';
import { startStandIns, type StandIns } from '../support/start-stand-ins';

const parcel: ShipmentRequest = { orderId: 'o-1', customerId: 'c', lines: [{ sku: 's', quantity: 1 }] };

describe('the HTTP carrier when the carrier is in trouble', () => {
  let standIns: StandIns;

  beforeEach(async () => {
    standIns = await startStandIns();
  });
  afterEach(async () => standIns.close());

  it('says after its patience that no answer came, and learns of the late effect', async () => {
    const carrier = createHttpCarrier({ url: standIns.settings.CARRIER_URL, timeoutMs: 100 });
    await standIns.setFaults('carrier', { stallMs: 500 });
    await expect(carrier.book('k', parcel)).rejects.toMatchObject({ name: 'OutsideError', code: 'carrierTimeout' });
    await expect(carrier.book('k', parcel)).rejects.toMatchObject({ code: 'carrierBusy' });
    await until('the booking is known', 10_000, async () => carrier.book('k', parcel).catch(() => undefined));
    expect(await standIns.readShipments()).toMatchObject({ shipments: { booked: 1 } });
  });

  it('says that nothing listens there, and where', async () => {
    const [port] = await freePorts(1);
    const carrier = createHttpCarrier({ url: `http://127.0.0.1:${port}` });
    await expect(carrier.book('k', parcel)).rejects.toMatchObject({
      code: 'carrierUnreachable',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });
});

describe('the HTTP carrier on the wire', () => {
  let server: Server;
  let answer: { status: number; body: string };
  const seen: { path: string | undefined; key: unknown; body: string }[] = [];

  beforeEach(async () => {
    seen.length = 0;
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        seen.push({ path: request.url, key: request.headers['idempotency-key'], body });
        response.writeHead(answer.status).end(answer.body);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`;

  it('keeps the path of its address and sends the key', async () => {
    answer = { status: 201, body: '{"shipmentId":"s","tracking":"t","more":1}' };
    expect(await createHttpCarrier({ url: url() }).book('o-1/book#1', parcel)).toEqual({
      shipmentId: 's',
      tracking: 't',
    });
    expect(seen).toEqual([{ path: '/v2/shipments', key: 'o-1/book#1', body: JSON.stringify(parcel) }]);
  });

  it.each([
    [200, '{"shipmentId":"s"}', 'carrierUnexpected', 'expected {shipmentId, tracking}'],
    [200, '<html>', 'carrierUnexpected', 'expected JSON, got <html>'],
    [401, 'who are you', 'carrierRejected', 'answered 401: who are you'],
    [409, '', 'carrierBusy', 'answered 409'],
    [429, '', 'carrierBusy', 'answered 429'],
    [503, 'later', 'carrierFailed', 'answered 503: later'],
  ])('throws on %i %s', async (status, body, code, message) => {
    answer = { status, body };
    await expect(createHttpCarrier({ url: url() }).book('k', parcel)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });
});
