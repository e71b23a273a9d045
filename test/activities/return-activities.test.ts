import { acceptReturn } from '../../activities/accept-return';
import { bookPickUp } from '../../activities/book-pick-up';
import { claimItems } from '../../activities/claim-items';
import { refundItem } from '../../activities/refund-item';
import { orderIdSchema, returnIdSchema } from '../../src/domain/ids';
import { createReturnPorts, openReturn } from '../support/return-order-business';
import type { ReturnPorts } from '../support/return-order-business';
import { runnerOf } from '../support/run-activity';
import { sampleReturn, tea } from '../support/sample-orders';

const returnId = returnIdSchema.parse('o1.r1');
const orderId = orderIdSchema.parse('o1');

let ports: ReturnPorts;
beforeEach(async () => {
  ports = createReturnPorts();
  await openReturn(ports, returnId, [[tea, 2]]);
});

const left = async () => (await ports.returnedItems.findLeft(orderId)).get(tea.sku);

describe('claiming items', () => {
  const key = 'o1.r1/claimItems#1';

  it('holds them, and gives exactly them back, however often each is repeated', async () => {
    const { run, undo } = runnerOf(claimItems, ports);
    for (let time = 0; time < 2; time += 1) expect(await run(key, { returnId })).toEqual({ ok: true });
    expect(await left()).toBe(1);
    for (let time = 0; time < 2; time += 1) expect(await undo(key, { returnId })).toEqual({ ok: true });
    expect(await left()).toBe(3);
  });

  it('is refused for good, without an effect, when others hold them or it was undone before', async () => {
    const { run, undo } = runnerOf(claimItems, ports);
    await ports.returns.accept(sampleReturn('o1.r2', [[tea, 2]]));
    await ports.returnedItems.claim('other', returnIdSchema.parse('o1.r2'));
    expect(await run(key, { returnId })).toMatchObject({
      ok: false,
      failure: { code: 'notLeft', effect: 'none', retriable: false, message: expect.stringContaining('1 of tea') },
    });
    await undo(key, { returnId });
    await ports.returnedItems.release('other');
    expect(await run(key, { returnId })).toMatchObject({ ok: false, failure: { code: 'undone', effect: 'none' } });
    expect(await left()).toBe(3);
  });
});

describe('booking a pick-up', () => {
  const key = 'o1.r1/bookPickUp#1';
  const input = { returnId, customerId: 'ALFKI' as never, lines: [{ sku: tea.sku, quantity: 2 }] };
  const states = () => ports.carrier.pickUps.map(({ state }) => state);

  it('books one, and calls it off with the id or without it', async () => {
    const { run, undo } = runnerOf(bookPickUp, ports);
    const booked = { ok: true, value: { pickUpId: 'pup_1', tracking: 'RET1' } };
    expect(await run(key, input)).toEqual(booked);
    expect(await run(key, input)).toEqual(booked);
    expect(states()).toEqual(['booked']);
    expect(await undo(key, input)).toEqual({ ok: true });
    expect(await undo(key, input, booked.value)).toEqual({ ok: true });
    expect(states()).toEqual(['cancelled']);
    expect(await ports.pickUpRows.find(returnId)).toMatchObject({ state: 'cancelled' });
  });

  it('leaves nothing booked when the undo comes first, or in the middle', async () => {
    const { run, undo } = runnerOf(bookPickUp, ports);
    expect(await undo(key, input)).toEqual({ ok: true });
    expect(await run(key, input)).toMatchObject({ ok: false, failure: { code: 'undone', effect: 'none' } });
    expect(states()).toEqual(['cancelled']);
    expect(await ports.pickUpRows.find(returnId)).toBeUndefined();
  });

  it('finds the pick-up of a booking whose answer was lost', async () => {
    const { run, undo } = runnerOf(bookPickUp, ports);
    ports.carrier.failNext('after');
    expect(await run(key, input)).toMatchObject({ ok: false, failure: { kind: 'error', effect: 'unknown' } });
    expect(await undo(key, input)).toEqual({ ok: true });
    expect(states()).toEqual(['cancelled']);
  });

  it('can not be called off once it is collected, and trying again would not help', async () => {
    const { run, undo } = runnerOf(bookPickUp, ports);
    await run(key, input);
    ports.carrier.collect();
    expect(await undo(key, input)).toMatchObject({
      ok: false,
      failure: { code: 'alreadyCollected', retriable: false },
    });
    expect(await ports.pickUpRows.find(returnId)).toMatchObject({ state: 'booked' });
  });
});

describe('accepting and refunding', () => {
  const accept = async () => {
    await ports.returnedItems.claim('claim', returnId);
    const lines = [{ sku: tea.sku, quantity: 3 }];
    return runnerOf(acceptReturn, ports).run('o1.r1/acceptReturn#1', { returnId, lines });
  };
  const refund = { returnId, orderId, sku: tea.sku, amount: 3_700 };
  const key = 'o1.r1/refundItem#tea';

  it('takes no more than was asked for, and pays it back once', async () => {
    const accepted = { ok: true, value: { accepted: [{ sku: 'tea', quantity: 2, refund: 3_700 }] } };
    expect(await accept()).toEqual(accepted);
    expect(await accept()).toEqual(accepted);
    const { run } = runnerOf(refundItem, ports);
    expect(await run(key, refund)).toEqual({ ok: true, value: { refundId: 're_1' } });
    expect(await run(key, refund)).toEqual({ ok: true, value: { refundId: 're_1' } });
    expect(await ports.paymentRows.find(orderId)).toMatchObject({ refunded: 3_700 });
    expect((await ports.returns.find(returnId))?.lines).toMatchObject([{ refundId: 're_1' }]);
  });

  it('learns of a refund whose answer was lost', async () => {
    await accept();
    const { run } = runnerOf(refundItem, ports);
    ports.payments.failNext('after');
    expect(await run(key, refund)).toMatchObject({ ok: false, failure: { kind: 'error', effect: 'unknown' } });
    expect(await run(key, refund)).toEqual({ ok: true, value: { refundId: 're_1' } });
    expect([...ports.payments.intents.values()].map(({ refunded }) => refunded)).toEqual([3_700]);
  });

  it('says that the provider refuses, which is final', async () => {
    await accept();
    const { run } = runnerOf(refundItem, ports);
    expect(await run(key, { ...refund, amount: 99_999 })).toMatchObject({
      ok: false,
      failure: { code: 'refundRefused', effect: 'none', retriable: false, details: { code: 'amount_too_large' } },
    });
  });
});
