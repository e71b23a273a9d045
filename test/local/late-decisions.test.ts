import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Stripe from 'stripe';
import type { ProviderEvent } from '../../local/payment-provider/events';
import { startPaymentProvider } from '../../local/payment-provider/payment-provider';
import type { Listening } from '../../local/stand-in/http-server';
import { paymentEventSchema, readPaymentNews } from '../../src/domain/payment-event';
import { createBank } from '../support/bank';
import { until } from '../support/running-app';
import { readJson } from '../support/start-stand-ins';

/** A provider whose events go into `sent`, unless the way to whoever takes them is closed. */
let dataDir: string;
let provider: Listening;
let stripe: Stripe;
let bank: ReturnType<typeof createBank>;
let sent: { readonly event: ProviderEvent; readonly orderId: string | undefined }[];
let way: 'open' | 'closed';

async function start(): Promise<void> {
  provider = await startPaymentProvider({
    url: new URL('http://127.0.0.1:0'),
    dataDir,
    now: () => Date.now(),
    publish: async (event, orderId) => {
      if (way === 'closed') throw new Error('nobody takes it');
      sent.push({ event, orderId });
    },
  });
  const { hostname, port } = new URL(provider.url);
  stripe = new Stripe('sk_test_x', { host: hostname, port, protocol: 'http', maxNetworkRetries: 0, telemetry: false });
  bank = createBank(provider.url);
}

beforeEach(async () => {
  [sent, way] = [[], 'open'];
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  dataDir = await mkdtemp(path.join(tmpdir(), 'late-decisions-'));
  await start();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await provider.close();
  await rm(dataDir, { recursive: true, force: true });
});

const authorise = (payment_method: string, more: Partial<Stripe.PaymentIntentCreateParams> = {}) =>
  stripe.paymentIntents.create({
    ...{ amount: 1999, currency: 'usd', confirm: true, capture_method: 'manual', metadata: { orderId: 'o-1' } },
    ...{ payment_method, ...more },
  });
const isSent = (count: number): Promise<true> =>
  until(`${count} events are sent`, 10_000, () => (sent.length === count ? true : undefined));
const types = (): string[] => sent.map(({ event }) => event.type);

describe('a payment that the bank decides later', () => {
  it('is processing, holds no money, and can be neither taken nor decided twice', async () => {
    const { id, status, amount_capturable } = await authorise('pm_processing');
    expect({ status, amount_capturable }).toEqual({ status: 'processing', amount_capturable: 0 });
    await expect(stripe.paymentIntents.capture(id)).rejects.toMatchObject({ code: 'payment_intent_unexpected_state' });
    const before = await readJson(`${provider.url}/_state/summary`);
    expect(before).toMatchObject({ intents: { processing: 1 }, amounts: { usd: { authorised: 0, held: 0 } } });
    await bank.decide('o-1', { authorised: true });
    await expect(bank.decide('o-1', { authorised: true })).rejects.toThrow(/409.*requires_capture can't be decided/);
    expect(await readJson(`${provider.url}/_state/summary`)).toMatchObject({ amounts: { usd: { held: 1999 } } });
    expect(await stripe.paymentIntents.capture(id)).toMatchObject({ status: 'succeeded', amount_received: 1999 });
  });

  it('tells what was decided as the app understands it', async () => {
    const { id } = await authorise('pm_processing');
    await isSent(1);
    await bank.decide('o-1', { authorised: false, code: 'insufficient_funds' });
    await isSent(2);
    expect(types()).toEqual(['payment_intent.processing', 'payment_intent.payment_failed']);
    const [asked, failed] = sent.map(({ event, orderId }) => {
      expect(orderId).toBe('o-1');
      expect(event).toMatchObject({ object: 'event', data: { object: { id, metadata: { orderId: 'o-1' } } } });
      return readPaymentNews(paymentEventSchema.parse(JSON.parse(JSON.stringify(event))));
    });
    expect(asked).toEqual({ kind: 'known' });
    const message = 'The bank declined.';
    expect(failed).toEqual({ kind: 'decided', authorised: false, code: 'insufficient_funds', message });
  });

  it.each([
    ['pm_processing_20', 'requires_capture', 'payment_intent.amount_capturable_updated'],
    ['pm_processing_declined_20', 'requires_payment_method', 'payment_intent.payment_failed'],
  ])('%s ends by itself as %s', async (method, status, type) => {
    const { id } = await authorise(method);
    await isSent(2);
    expect(types()).toEqual(['payment_intent.processing', type]);
    expect(await stripe.paymentIntents.retrieve(id)).toMatchObject({ status });
  });

  it('takes the money with the decision when capture is automatic', async () => {
    await authorise('pm_processing_20', { capture_method: 'automatic' });
    await isSent(2);
    expect(types()).toEqual(['payment_intent.processing', 'payment_intent.succeeded']);
  });

  it('can be cancelled before, and is decided by nobody then', async () => {
    const { id } = await authorise('pm_processing_2000');
    expect(await stripe.paymentIntents.cancel(id)).toMatchObject({ status: 'canceled' });
    await expect(bank.decide('o-1', { authorised: true })).rejects.toThrow(/409.*canceled can't be decided/);
    await authorise('pm_processing_2100', { metadata: { orderId: 'o-2' } });
    await isSent(3);
    expect(sent.map(({ orderId }) => orderId)).toEqual(['o-1', 'o-2', 'o-2']);
    expect(await readJson(`${provider.url}/_state/summary`)).toMatchObject({ amounts: { usd: { cancelled: 0 } } });
  });

  it('is decided, and told, by the provider that is started again', async () => {
    way = 'closed';
    await authorise('pm_processing_300');
    await bank.decide((await authorise('pm_processing', { metadata: { orderId: 'o-2' } })).metadata['orderId']!, {
      authorised: true,
    });
    await provider.close();
    way = 'open';
    await start();
    await isSent(4);
    expect(types().sort()).toEqual([
      'payment_intent.amount_capturable_updated',
      'payment_intent.amount_capturable_updated',
      'payment_intent.processing',
      'payment_intent.processing',
    ]);
    await until('all are noted as told', 10_000, async () =>
      [...(await bank.eventsOf('o-1')), ...(await bank.eventsOf('o-2'))].every(({ isTold }) => isTold)
        ? true
        : undefined,
    );
    await provider.close();
    await start();
    const { id } = (await bank.eventsOf('o-2'))[1]!;
    await bank.resend(id);
    await isSent(5);
    expect(sent[4]?.event).toMatchObject({ id, type: 'payment_intent.amount_capturable_updated' });
  });

  it('is sent until it is taken', async () => {
    way = 'closed';
    await authorise('pm_processing');
    await until('it was tried', 10_000, () => (jest.mocked(console.warn).mock.calls.length > 1 ? true : undefined));
    way = 'open';
    await isSent(1);
    expect(await bank.eventsOf('nobody')).toEqual([]);
  });
});

describe('a bank that is asked for what makes no sense', () => {
  it.each([
    ['POST', '/_payments/pi_none/decide', '{"authorised": true}', 404, 'unknownPayment'],
    ['POST', '/_payments/pi_none/decide', '{"authorised": "yes"}', 400, 'badDecision'],
    ['POST', '/_payments/pi_none/decide', 'yes', 400, 'badDecision'],
    ['POST', '/_events/evt_none/resend', '', 404, 'unknownEvent'],
    ['GET', '/_events/evt_none/resend', undefined, 405, 'methodNotAllowed'],
    ['POST', '/_events', '', 405, 'methodNotAllowed'],
    ['GET', '/_events?limit=0', undefined, 400, 'badPage'],
  ])('%s %s %s is answered with %i %s', async (method, asked, body, status, code) => {
    const answer = await fetch(`${provider.url}${asked}`, { method, body: body ?? null });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ code });
  });
});
