import { orderEnded, orderProgressed, returnEnded } from '../../../src/domain/order-event';
import type { OrderEvent } from '../../../src/domain/order-event';
import type { EventReaders } from '../../../src/ports';
import { countEvents, mailAboutFailures, recordMovements } from '../../../src/triggers/service-bus/order-events';
import { createInMemoryMailer } from '../../support/in-memory-mailer';
import { createInMemoryShop } from '../../support/in-memory-shop';
import { createContext } from '../../support/invoke';
import { createTestClock } from '../../support/orders-database';
import { receivedMessage } from '../../support/received-message';
import { sampleOrder, sampleReturn, tea } from '../../support/sample-orders';

const at = new Date('2026-01-05T10:00:00.000Z');
const row = { createdAt: at, updatedAt: at, status: 'running' } as const;
const order = { ...sampleOrder('o1', [[tea, 2]]), ...row, statusReason: { code: 'paymentDeclined', message: 'no' } };
const completed = orderEnded(order, 'completed', at);
const compensated = orderEnded(order, 'compensated', at);
const givenUp = orderEnded(order, 'compensationFailed', at);

function createReaders() {
  const seen = new Set<string>();
  const taken: string[] = [];
  const once = (reader: string, { id }: OrderEvent): boolean => {
    if (seen.has(`${reader} ${id}`)) return false;
    seen.add(`${reader} ${id}`);
    taken.push(`${reader} ${id}`);
    return true;
  };
  const readers: EventReaders = {
    count: async (event) => once('count', event),
    recordMovements: async (event) => once('move', event),
    mail: async (event, send) => {
      const isNew = once('mail', event);
      if (isNew) await send();
      return isNew;
    },
  };
  return { readers, taken };
}

describe('readers of order events', () => {
  it('take each event once, whatever message brings it', async () => {
    const { readers, taken } = createReaders();
    const { context, lines } = createContext();
    for (const id of ['o1/completed', 'copy']) {
      expect(await countEvents({ readers })(receivedMessage(completed, { id }), context)).toEqual({ kind: 'complete' });
      expect(await recordMovements({ readers })(receivedMessage(completed, { id }), context)).toEqual({
        kind: 'complete',
      });
    }
    expect(taken).toEqual(['count o1/completed', 'move o1/completed']);
    expect(lines.map(({ args }) => args[0])).toContain('event o1/completed has been taken before');
  });

  it('count all types', async () => {
    const { readers, taken } = createReaders();
    const { context } = createContext();
    const returned = { ...sampleReturn('o1.r'), ...row, status: 'running' as const };
    const events = [
      orderProgressed(order, 'accepted', at),
      ...[completed, givenUp],
      ...[returnEnded(returned, 'completed', at), returnEnded(returned, 'compensated', at)],
    ];
    for (const event of events) await countEvents({ readers })(receivedMessage(event), context);
    expect(taken).toEqual(events.map(({ id }) => `count ${id}`));
  });

  it.each<readonly [string, unknown, string, RegExp]>([
    ['that is no JSON', 'event', 'not_json', /^expected JSON/],
    ['of an unknown type', { ...completed, type: 'order.eaten' }, 'unknown_event', /no event is called "order.eaten"/],
    ['that is not for it', orderProgressed(order, 'approved', at), 'unknown_event', /got order.approved$/],
    ['of a later schema', { ...completed, schemaVersion: 2 }, 'invalid_message', /^schemaVersion: expected 1, got 2$/],
    ['with violations', { ...completed, total: 'much', at: 'noon' }, 'invalid_message', /^at: .*\ntotal: /],
    ['that has no type', {}, 'invalid_message', /^type: /],
  ])('refuse one %s', async (_what, body, reason, description) => {
    const { readers, taken } = createReaders();
    expect(await recordMovements({ readers })(receivedMessage(body), createContext().context)).toEqual({
      kind: 'deadLetter',
      reason,
      description: expect.stringMatching(description) as string,
    });
    expect(taken).toEqual([]);
  });
});

describe('the reader that mails', () => {
  async function mailOf(event: OrderEvent, email?: string) {
    const { readers } = createReaders();
    const mailer = createInMemoryMailer();
    const { orders } = createInMemoryShop(createTestClock());
    await orders.accept({ ...sampleOrder('o1'), email });
    const handle = mailAboutFailures({ readers, mailer, orders, opsEmail: 'ops@example.com', decimals: 2 });
    await handle(receivedMessage(event), createContext().context);
    await handle(receivedMessage(event), createContext().context);
    return mailer.sent;
  }

  it('tells the customer of an order that came to nothing, once', async () => {
    const mails = await mailOf(compensated, 'maria@example.com');
    expect(mails).toHaveLength(1);
    expect(mails[0]).toMatchObject({ to: 'maria@example.com', subject: 'Your order o1 could not be carried out' });
  });

  it('tells the operators of an order that was given up, and why', async () => {
    const mails = await mailOf(givenUp);
    expect(mails).toHaveLength(1);
    expect(mails[0]).toMatchObject({ to: 'ops@example.com', subject: 'Order o1 was given up' });
    expect(mails[0]!.text).toContain('37.00 USD');
    expect(mails[0]!.text).toContain('paymentDeclined: no');
  });

  it('mails nobody where there is no address', async () => {
    expect(await mailOf(compensated)).toEqual([]);
  });
});
