import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { createStripePayments } from '../../src/adapters/stripe-payments';
import type { AuthoriseRequest } from '../../src/ports';
import { freePorts, until } from '../support/running-app';
import { startStandIns, type StandIns } from '../support/start-stand-ins';

const order = (change: Partial<AuthoriseRequest> = {}): AuthoriseRequest => ({
  orderId: 'o-1',
  amount: 1999,
  currency: 'usd',
  paymentMethod: 'pm_card_visa',
  ...change,
});

describe('the stripe adapter when the provider is in trouble', () => {
  let standIns: StandIns;
  let url: string;

  beforeEach(async () => {
    standIns = await startStandIns();
    url = standIns.settings.PAYMENT_PROVIDER_URL;
  });
  afterEach(async () => standIns.close());

  it('says after its patience that no answer came; the undo then waits for the late effect and takes it back', async () => {
    const request = order({ paymentMethod: 'pm_stall_700' });
    const payments = createStripePayments({ key: 'sk_test_x', url, timeoutMs: 100 });
    await expect(payments.authorise('k', request)).rejects.toMatchObject({
      name: 'OutsideError',
      code: 'paymentTimeout',
    });
    await expect(payments.cancel('k', request, undefined)).rejects.toMatchObject({ code: 'paymentBusy' });
    expect(await standIns.readPayments()).toMatchObject({ intents: { total: 0 } });
    await until('the undo got through', 10_000, async () =>
      payments.cancel('k', request, undefined).then(
        () => true,
        () => undefined,
      ),
    );
    expect(await standIns.readPayments()).toMatchObject({
      intents: { total: 1, canceled: 1 },
      amounts: { usd: { held: 0, cancelled: 1999 } },
    });
  });

  it('learns of a capture whose answer came too late', async () => {
    const payments = createStripePayments({ key: 'sk_test_x', url, timeoutMs: 100 });
    const held = await payments.authorise('k', order({ paymentMethod: 'pm_capture_stall_500' }));
    if (held.kind !== 'authorised') throw new Error('expected money to be held');
    const capture = { intentId: held.intentId, amount: 1999 };
    await expect(payments.capture('c', capture)).rejects.toMatchObject({ code: 'paymentTimeout' });
    await expect(payments.capture('c', capture)).rejects.toMatchObject({ code: 'paymentBusy' });
    const outcome = await until('the capture is known', 10_000, async () =>
      payments.capture('c', capture).catch(() => undefined),
    );
    expect(outcome).toEqual({ kind: 'captured', amount: 1999 });
    expect(await standIns.readPayments()).toMatchObject({ amounts: { usd: { captured: 1999 } } });
  });

  it('says that nothing listens there, and where', async () => {
    const [port] = await freePorts(1);
    const payments = createStripePayments({ key: 'sk_test_x', url: `http://127.0.0.1:${port}` });
    await expect(payments.authorise('k', order())).rejects.toMatchObject({
      code: 'paymentUnreachable',
      message: expect.stringContaining(`ECONNREFUSED 127.0.0.1:${port}`),
    });
  });

  it('says that its key is refused', async () => {
    const payments = createStripePayments({ key: 'nonsense', url });
    await expect(payments.authorise('k', order())).rejects.toMatchObject({ code: 'paymentRejected' });
  });

  it('takes an amount out of bounds as a decline: no money was held', async () => {
    const payments = createStripePayments({ key: 'sk_test_x', url });
    expect(await payments.authorise('k', order({ amount: 100_000_000 }))).toMatchObject({
      kind: 'declined',
      code: 'amount_too_large',
    });
    await payments.cancel('k', order({ amount: 100_000_000 }), undefined);
  });

  it('uses keys that fit no header, and keeps them apart', async () => {
    const payments = createStripePayments({ key: 'sk_test_x', url });
    const keys = ['Bestellung/größe#1', 'Bestellung/größe#2', `o/${'x'.repeat(300)}`, 'with a blank'];
    for (const key of keys) {
      await payments.authorise(key, order());
      await payments.cancel(key, order(), undefined);
    }
    expect(await standIns.readPayments()).toMatchObject({ intents: { total: keys.length, canceled: keys.length } });
  });

  it('accepts an intent that somebody else has cancelled as cancelled', async () => {
    const payments = createStripePayments({ key: 'sk_test_x', url });
    const held = await payments.authorise('k', order());
    if (held.kind !== 'authorised') throw new Error('expected money to be held');
    const { hostname, port } = new URL(url);
    const dashboard = new Stripe('sk_test_x', { host: hostname, port, protocol: 'http', telemetry: false });
    await dashboard.paymentIntents.cancel(held.intentId);
    await payments.cancel('k', order(), held.intentId);
    expect(await standIns.readPayments()).toMatchObject({ intents: { canceled: 1 } });
  });
});

describe('the stripe adapter on the wire', () => {
  let server: Server;
  let answer: { status: number; body: string };
  const requests: { path: string; body: string; headers: Record<string, unknown> }[] = [];

  beforeEach(async () => {
    requests.length = 0;
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        requests.push({ path: request.url ?? '', body, headers: request.headers });
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  const connect = (): ReturnType<typeof createStripePayments> =>
    createStripePayments({ key: 'sk_test_x', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });

  it('asks for what holds money without anybody being there', async () => {
    answer = { status: 200, body: '{"id":"pi_1","status":"requires_capture"}' };
    await connect().authorise('o-1/authorise#1', order());
    const [{ path, body, headers } = { path: '', body: '', headers: {} }] = requests;
    expect(path).toBe('/v1/payment_intents');
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      amount: '1999',
      currency: 'usd',
      payment_method: 'pm_card_visa',
      confirm: 'true',
      capture_method: 'manual',
      'automatic_payment_methods[enabled]': 'true',
      'automatic_payment_methods[allow_redirects]': 'never',
      error_on_requires_action: 'true',
      'metadata[orderId]': 'o-1',
    });
    expect(headers).toMatchObject({ 'idempotency-key': 'o-1/authorise#1', authorization: 'Bearer sk_test_x' });
  });

  it('tells of an authorisation that is decided later', async () => {
    answer = { status: 200, body: '{"id":"pi_1","status":"processing"}' };
    expect(await connect().authorise('k', order())).toEqual({ kind: 'processing', intentId: 'pi_1' });
  });

  it.each([
    ['a success in another state', 200, '{"id":"pi_1","status":"requires_action"}', 'paymentUnexpected'],
    ['something that is not JSON', 200, '<html>', 'paymentUnexpected'],
    ['too many requests', 429, '{"error":{"type":"invalid_request_error","code":"rate_limit"}}', 'paymentBusy'],
    ['an overload', 503, '{"error":{"type":"api_error","message":"later"}}', 'paymentFailed'],
  ])('throws on %s', async (_what, status, body, code) => {
    answer = { status, body };
    await expect(connect().authorise('k', order())).rejects.toMatchObject({ name: 'OutsideError', code });
    expect(requests).toHaveLength(1);
  });
});
