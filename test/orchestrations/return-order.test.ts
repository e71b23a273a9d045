import { MODES } from '../../packages/durable-saga/src/testing/turns';
import type { Attempt, Treatment } from 'durable-saga/testing';
import { sagaClients } from 'durable-saga';
import { createSagaHost } from 'durable-saga/testing';
import { returnOrder } from '../../orchestrations/return-order';
import { orderIdSchema, returnIdSchema } from '../../src/domain/ids';
import type { Pieces } from '../../src/domain/return';
import type { Refund, RefundRequest } from '../../src/ports';
import { createReturnStarter } from '../../src/triggers/return-sagas';
import { createReturnPorts, openReturn, returnOrderOver } from '../support/return-order-business';
import { cup, sampleReturn, tea } from '../support/sample-orders';

const DAY = 86_400_000;
const orderId = orderIdSchema.parse('o1');
const returnId = returnIdSchema.parse('o1.r1');
const everything: readonly Pieces[] = [
  { sku: tea.sku, quantity: 2 },
  { sku: cup.sku, quantity: 1 },
];

interface Given {
  readonly pieces?: Parameters<typeof sampleReturn>[1];
  readonly treat?: (attempt: Attempt) => Treatment | undefined;
  /** Products whose refunds the provider refuses. */
  readonly unrefundable?: Set<string>;
}

/** A completed order of three teas and two cups (6,350), and a return of two teas and a cup (4,100) of it. */
async function createBusiness(mode: (typeof MODES)[number], given: Given = {}) {
  const ports = createReturnPorts();
  const { carrier, mailer, payments: provider } = ports;
  const payments = {
    ...provider,
    refund: async (key: string, request: RefundRequest): Promise<Refund> =>
      given.unrefundable?.has(request.sku)
        ? { kind: 'refused', code: 'disputed', message: 'the payment is disputed' }
        : provider.refund(key, request),
  };
  const both = [[tea, 2] as const, [cup, 1] as const];
  await openReturn(ports, returnId, given.pieces ?? both);
  const { treat } = given;
  const host = createSagaHost({ ...returnOrderOver({ ...ports, payments }), mode, ...(treat && { treat }) }).durable;
  const starter = createReturnStarter({
    returns: ports.returns,
    orders: ports.orders,
    currency: { decimals: 2 },
    pickUpTimeout: 14 * DAY,
  });
  await starter.start({ own: host }, returnId);
  const saga = sagaClients({ returnOrder })(host).returnOrder.get(returnId);
  const start = host.now;
  return {
    ...ports,
    host,
    saga,
    /** Runs for so many days after the start; to the end by default. */
    run: (days?: number) => host.run(days === undefined ? {} : { until: start + days * DAY }),
    async collect(lines: readonly Pieces[] = everything) {
      carrier.collect();
      return saga.raise('collected', { lines });
    },
    row: () => ports.returns.find(returnId),
    left: async () => Object.fromEntries(await ports.returnedItems.findLeft(orderId)),
    stock: async () => [...(await ports.catalogue.find([tea.sku, cup.sku])).values()].map(({ stock }) => stock),
    refunded: () => [...provider.intents.values()].map(({ refunded }) => refunded),
    pickUps: () => carrier.pickUps.map(({ state }) => state),
    ran: () => host.attempts.map(({ name }) => name),
    subjects: () => mailer.sent.map(({ subject }) => subject),
  };
}

type Business = Awaited<ReturnType<typeof createBusiness>>;

async function expectNothingChanged(business: Business): Promise<void> {
  expect(await business.left()).toEqual({ tea: 3, cup: 2 });
  expect(await business.stock()).toEqual([10, 100]);
  expect(business.refunded()).toEqual([0]);
}

describe.each(MODES)('a return (%s)', (mode) => {
  it('goes from the pick-up to the money and the shelf', async () => {
    const business = await createBusiness(mode);
    await business.run(1);
    expect(await business.row()).toMatchObject({ status: 'awaitingPickUp' });
    expect(business.pickUps()).toEqual(['booked']);
    expect(await business.left()).toEqual({ tea: 1, cup: 1 });
    expect(business.refunded()).toEqual([0]);
    expect(await business.collect()).toMatchObject({ accepted: true });
    await business.run();
    expect(await business.row()).toMatchObject({
      status: 'completed',
      lines: [
        { sku: 'cup', accepted: 1, refund: 400, refundId: expect.any(String), restockedAt: expect.any(Date) },
        { sku: 'tea', accepted: 2, refund: 3_700, refundId: expect.any(String), restockedAt: expect.any(Date) },
      ],
    });
    expect(business.refunded()).toEqual([4_100]);
    expect(await business.paymentRows.find(orderId)).toMatchObject({ state: 'captured', refunded: 4_100 });
    expect(await business.stock()).toEqual([12, 101]);
    expect(await business.pickUpRows.find(returnId)).toMatchObject({ state: 'collected' });
    expect(business.subjects()).toEqual(['Your return o1.r1 has arrived']);
    expect(business.mailer.sent[0]?.text).toContain('refunded 41.00 USD');
    expect(await business.saga.status()).toMatchObject({
      outcome: { outcome: 'completed', result: { refunded: 4_100 } },
    });
  });

  it('pays for what was collected, and leaves the rest to another return', async () => {
    const business = await createBusiness(mode);
    await business.run(1);
    await business.collect([{ sku: tea.sku, quantity: 1 }]);
    await business.run();
    expect(await business.row()).toMatchObject({ status: 'completed', lines: [{ accepted: 0 }, { accepted: 1 }] });
    expect(business.refunded()).toEqual([1_850]);
    expect(await business.stock()).toEqual([11, 100]);
    expect(await business.left()).toEqual({ tea: 2, cup: 2 });
  });

  it('is refused when another return holds the pieces', async () => {
    const business = await createBusiness(mode, { pieces: [[tea, 2]] });
    await business.returns.accept(sampleReturn('o1.r2', [[tea, 2]]));
    await business.returnedItems.claim('other', returnIdSchema.parse('o1.r2'));
    await business.run();
    expect(await business.row()).toMatchObject({ status: 'compensated', statusReason: { code: 'notLeft' } });
    expect(business.pickUps()).toEqual([]);
    expect(await business.left()).toEqual({ tea: 1, cup: 2 });
  });

  it('reminds the customer half way, and is undone when nobody collects it', async () => {
    const business = await createBusiness(mode);
    await business.run(6.9);
    expect(business.subjects()).toEqual([]);
    await business.run(7.1);
    expect(business.subjects()).toEqual(['Your return o1.r1 has not been collected yet']);
    await business.run(13.9);
    expect(await business.row()).toMatchObject({ status: 'awaitingPickUp' });
    await business.run();
    expect(await business.row()).toMatchObject({ status: 'compensated', statusReason: { code: 'notCollected' } });
    expect(business.pickUps()).toEqual(['cancelled']);
    expect(await business.pickUpRows.find(returnId)).toMatchObject({ state: 'cancelled' });
    await expectNothingChanged(business);
  });

  it('can be collected after the reminder', async () => {
    const business = await createBusiness(mode);
    await business.run(10);
    await business.collect();
    await business.run();
    expect(await business.row()).toMatchObject({ status: 'completed' });
  });

  it('is undone by a cancel while it waits', async () => {
    const business = await createBusiness(mode);
    await business.run(1);
    expect(await business.saga.cancel({ reason: 'I keep it' })).toMatchObject({ accepted: true });
    await business.run();
    expect(await business.row()).toMatchObject({ status: 'compensated', statusReason: { code: 'cancelled' } });
    expect(business.pickUps()).toEqual(['cancelled']);
    await expectNothingChanged(business);
  });

  it('waits for an operator when it is cancelled with the parcel on its way already', async () => {
    const business = await createBusiness(mode);
    await business.run(1);
    business.carrier.collect();
    await business.saga.cancel();
    await business.run();
    expect(await business.row()).toMatchObject({ status: 'parked', statusReason: { code: 'alreadyCollected' } });
    expect(business.ran().filter((name) => name === 'bookPickUp_undo')).toHaveLength(1);
    // The parcel goes back to the customer: as if it had never been collected.
    await business.saga.resolve({ action: 'skip' });
    await business.run();
    expect(await business.row()).toMatchObject({ status: 'compensated' });
    await expectNothingChanged(business);
  });

  it('can not be cancelled once it is collected', async () => {
    const business = await createBusiness(mode, {
      treat: ({ name }) => (name === 'refundItem' ? { delay: 1_000 } : undefined),
    });
    await business.run(1);
    await business.collect();
    await business.host.run({ until: business.host.now + 500 });
    expect(await business.saga.cancel()).toMatchObject({ accepted: false, code: 'pastPivot' });
    await business.run();
    expect(await business.row()).toMatchObject({ status: 'completed' });
  });

  it('parks a product that can not be refunded, while the others go on', async () => {
    const unrefundable = new Set<string>([tea.sku]);
    const business = await createBusiness(mode, { unrefundable });
    await business.run(1);
    await business.collect();
    await business.run();
    expect(await business.row()).toMatchObject({ status: 'parked', statusReason: { code: 'refundRefused' } });
    expect(business.refunded()).toEqual([400]);
    expect(await business.stock()).toEqual([10, 101]);
    unrefundable.clear();
    await business.saga.resolve({ action: 'retry' });
    await business.run();
    expect(await business.row()).toMatchObject({ status: 'completed' });
    expect(business.refunded()).toEqual([4_100]);
    expect(await business.stock()).toEqual([12, 101]);
  });

  it('loses and doubles nothing when every second attempt loses its reply', async () => {
    const treat = ({ attempt }: Attempt): Treatment | undefined =>
      attempt % 2 === 1 ? { hostFails: 'after' } : undefined;
    const business = await createBusiness(mode, { treat });
    await business.run(1);
    await business.collect();
    await business.run();
    expect(await business.row()).toMatchObject({ status: 'completed' });
    expect(business.pickUps()).toEqual(['collected']);
    expect(business.refunded()).toEqual([4_100]);
    expect(await business.stock()).toEqual([12, 101]);
    expect(new Set(business.mailer.sent.map(({ messageId }) => messageId)).size).toBe(1);
  });

  it('refunds nothing, and says so, when something else was in the parcel', async () => {
    const business = await createBusiness(mode, { pieces: [[tea, 1]] });
    await business.run(1);
    await business.collect([{ sku: cup.sku, quantity: 1 }]);
    await business.run();
    expect(await business.row()).toMatchObject({ status: 'completed', lines: [{ accepted: 0, refund: 0 }] });
    expect(business.mailer.sent[0]?.text).toContain('refunded 0.00 USD');
    await expectNothingChanged(business);
  });
});
