import { InvocationContext } from '@azure/functions';
import { handOver } from '../../../packages/functions-host/test/support/handed-message';
import { DatabaseUnavailable } from '../../../src/adapters/postgres-database';
import { keepDeadLetters } from '../../../src/triggers/service-bus/dead-letters';
import { takingWhole } from '../../../src/triggers/service-bus/settlement';
import { createInMemoryDeadLetters } from '../../support/in-memory-dead-letters';
import { createContext } from '../../support/invoke';
import { createTestClock } from '../../support/orders-database';

const enqueuedAt = new Date('2026-01-05T09:59:00.250Z');
const annotations = { 'x-opt-sequence-number': 12, 'x-opt-enqueued-time': enqueuedAt };

function createShop() {
  const deadLetters = createInMemoryDeadLetters(createTestClock());
  const { context, lines } = createContext();
  const take = async (entity: string, ...message: Parameters<typeof handOver>): Promise<void> => {
    const handler = takingWhole(keepDeadLetters({ deadLetters }, entity));
    await handler(handOver(...message), context);
  };
  return {
    deadLetters,
    lines,
    take,
    only: async () => {
      const [summary] = await deadLetters.list({}, { limit: 2 });
      return summary && deadLetters.find(summary.id);
    },
  };
}

describe('the function of a dead-letter queue', () => {
  it('keeps all that the sender had set, as it was', async () => {
    const { take, only, lines } = createShop();
    const applicationProperties = {
      DeadLetterReason: 'payment_failed',
      DeadLetterErrorDescription: 'the card is closed',
      Mixed: 'Case',
      count: 3,
      ratio: 0.5,
      isBig: false,
      at: enqueuedAt,
    };
    await take(
      'orders',
      {
        header: { timeToLive: 60_000 },
        properties: {
          ...{
            messageId: 'm-1',
            groupId: 's-1',
            correlationId: 'c-1',
            subject: 'placed',
            contentType: 'application/json',
          },
          ...{ contentEncoding: 'utf-8', to: 'somebody', replyTo: 'answers', replyToGroupId: 's-2' },
        },
        applicationProperties,
        messageAnnotations: { ...annotations, 'x-opt-partition-key': 's-1' },
      },
      Buffer.from('{ "orderId": "o-1" }\n'),
      2,
    );
    expect(await only()).toMatchObject({
      entity: 'orders',
      reason: 'payment_failed',
      team: 'payments',
      toldReason: 'payment_failed',
      description: 'the card is closed',
      sequenceNumber: '12',
      enqueuedAt,
      deliveryCount: 3,
      status: 'open',
    });
    expect((await only())?.message).toEqual({
      ...{
        messageId: 'm-1',
        sessionId: 's-1',
        correlationId: 'c-1',
        subject: 'placed',
        contentType: 'application/json',
      },
      ...{ contentEncoding: 'utf-8', to: 'somebody', replyTo: 'answers', replyToSessionId: 's-2', partitionKey: 's-1' },
      timeToLiveMs: 60_000,
      applicationProperties: { ...applicationProperties, at: { $date: enqueuedAt.toISOString() } },
      body: { kind: 'text', text: '{ "orderId": "o-1" }\n' },
    });
    expect(lines.map(({ level, args }) => `${level}: ${args.join(' ')}`)).toEqual([
      expect.stringMatching(
        /^warning: dead letter dl-[0-9a-f]{24} of orders is kept \(message m-1, payment_failed, for payments/,
      ),
    ]);
  });

  it('keeps bodies that are no text, and values of AMQP', async () => {
    const bytes = createShop();
    await bytes.take('orders', { messageAnnotations: annotations }, Buffer.from([0xff, 0x00]));
    expect((await bytes.only())?.message.body).toEqual({ kind: 'base64', base64: '/wA=' });
    expect(await bytes.only()).toMatchObject({ reason: 'not_json', team: 'senders' });
    const value = createShop();
    await value.take('somewhere', { messageAnnotations: annotations }, { value: 'only words' });
    expect((await value.only())?.message.body).toEqual({ kind: 'value', value: 'only words' });
    expect(await value.only()).toMatchObject({ reason: 'unknown', team: 'onCall' });
  });

  it('keeps a message once, however often it comes', async () => {
    const { take, deadLetters } = createShop();
    const raw = { properties: { messageId: 'm-1' }, messageAnnotations: annotations };
    await take('orders', raw, Buffer.from('{}'));
    await take('orders', raw, Buffer.from('{}'), 4);
    await take('order-events/Subscriptions/e-mail', raw, Buffer.from('{}'));
    expect(await deadLetters.list({}, { limit: 9 })).toHaveLength(2);
  });

  it('takes the delivery count of the metadata, which hosts of Azure have nowhere else', async () => {
    const { deadLetters, only } = createShop();
    const context = new InvocationContext({ triggerMetadata: { deliveryCount: 7 }, logHandler: () => undefined });
    const handler = takingWhole(keepDeadLetters({ deadLetters }, 'orders'));
    await handler(handOver({ messageAnnotations: annotations }, Buffer.from('{}')), context);
    expect(await only()).toMatchObject({ deliveryCount: 7 });
  });

  it('leaves the message where it is when it can not be kept', async () => {
    const { deadLetters } = createShop();
    const broken = { ...deadLetters, keep: async () => Promise.reject(new DatabaseUnavailable('gone')) };
    const handler = takingWhole(keepDeadLetters({ deadLetters: broken }, 'orders'));
    const message = handOver({ messageAnnotations: annotations }, Buffer.from('{}'));
    await expect(handler(message, createContext().context)).rejects.toThrow('gone');
    expect(await deadLetters.list({}, { limit: 9 })).toEqual([]);
  });
});
