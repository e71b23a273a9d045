import { randomBytes } from 'node:crypto';
import { startOtlpReceiver } from '../../packages/functions-host/test/support/otlp-receiver';
import type { OtlpReceiver, ReceivedSpan } from '../../packages/functions-host/test/support/otlp-receiver';
import { createBank } from '../support/bank';
import { createOrderClient } from '../support/order-client';
import { startApp, until } from '../support/running-app';
import type { RunningApp } from '../support/running-app';

/*
 * The whole app with telemetry on, and a collector beside it: an order is one trace, from the request to the last reader of
 * the last message that tells of it.
 */

/** Longer than the waits in a test together, so that the one which is in vain says what for. */
const PATIENCE_MS = 120_000;

let receiver: OtlpReceiver;
let app: RunningApp;
let client: ReturnType<typeof createOrderClient>;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  app = await startApp({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_BSP_SCHEDULE_DELAY: '200',
      OTEL_METRIC_EXPORT_INTERVAL: '300',
      APPROVAL_THRESHOLD: '1000.00',
    },
  });
  client = createOrderClient(app);
}, 120_000);
afterAll(async () => {
  // Undefined when it didn't start, whatever its type says.
  expect(await (app as RunningApp | undefined)?.stop()).toBe(0);
  await (receiver as OtlpReceiver | undefined)?.stop();
}, 60_000);

/** Posts an order as part of a trace of the caller's, and gives the caller's place: a span that nobody exports. */
async function placeTraced(order: object): Promise<{ readonly traceId: string; readonly caller: string }> {
  const traceId = randomBytes(16).toString('hex');
  const caller = randomBytes(8).toString('hex');
  const reply = await fetch(`${app.url}/api/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-${caller}-01` },
    body: JSON.stringify({
      customerId: 'ALFKI',
      email: 'maria@example.com',
      lines: [{ sku: 'coffee', quantity: 1 }],
      ...order,
    }),
  });
  expect(reply.status).toBe(202);
  return { traceId, caller };
}

/** Waits for something of what has come. */
const waitFor = <T>(what: string, find: () => T | undefined): Promise<T> => until(what, 30_000, find);

/** The host has spans of its own in the trace. */
const ofApp = ({ scope }: ReceivedSpan): boolean => scope === 'order-sagas' || scope === 'durable-saga';
const spansOf = (traceId: string): ReceivedSpan[] => receiver.spans().filter((span) => span.traceId === traceId);

/** Waits until each of `names` has come in the trace, as often as it is named. */
async function traceWith(traceId: string, names: readonly string[]): Promise<ReceivedSpan[]> {
  return waitFor(`the trace has ${names.join(', ')}`, () => {
    const left = spansOf(traceId)
      .filter(ofApp)
      .map(({ name }) => name);
    for (const name of names) {
      const at = left.indexOf(name);
      if (at < 0) return undefined;
      left.splice(at, 1);
    }
    return spansOf(traceId).filter(ofApp);
  });
}

/** Spans of the trace, the app's and the host's, whose parent is none of it. */
function topNow(traceId: string): ReceivedSpan[] {
  const spans = spansOf(traceId);
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans.filter(({ parentSpanId }) => !ids.has(parentSpanId));
}

/** Those of them that are not the caller's: what they stand below has not come, or doesn't exist. */
const orphansOf = (traceId: string, caller: string): ReceivedSpan[] =>
  topNow(traceId).filter(({ parentSpanId }) => parentSpanId !== caller);

/** The trace's top when there is no orphan left. What is above a span ends after it, and so comes later. */
async function topOf(traceId: string, caller: string): Promise<ReceivedSpan[]> {
  const whole = () => (orphansOf(traceId, caller).length === 0 ? topNow(traceId) : undefined);
  try {
    return await waitFor('every parent has come', whole);
  } catch (error) {
    const orphans = orphansOf(traceId, caller).map(
      ({ scope, name, spanId, parentSpanId }) => `${scope} '${name}' ${spanId} below ${parentSpanId || 'nothing'}`,
    );
    throw new Error(`no parent came for ${orphans.join('; ')}`, { cause: error });
  }
}

describe("an order's trace", () => {
  it(
    'goes from the request over each step to the last reader of the last message',
    async () => {
      const { traceId, caller } = await placeTraced({ orderId: 'traced', paymentMethod: 'pm_card_visa' });
      await client.follow('traced');
      const steps = [
        'reserveStock',
        'authorisePayment',
        'capturePayment',
        'bookShipment',
        'confirmOrder',
        'settleOrder',
      ];
      const told = ['send order-events', 'send order-events'];
      const read = [
        'process order-events/analytics',
        'process order-events/analytics',
        'process order-events/inventory',
      ];
      const trace = await traceWith(traceId, ['placeOrderByHttp', ...steps, ...told, ...read]);

      expect(receiver.spans().filter(({ attributes }) => attributes['order.id'] === 'traced')).toEqual(
        expect.arrayContaining(trace),
      );
      for (const span of receiver.spans()) {
        // Who only looks at the order names no trace, and has one of its own.
        const isPartOfIt = span.attributes['order.id'] === 'traced' && span.name !== 'showOrder';
        if (isPartOfIt) expect(span.traceId).toBe(traceId);
      }
      const request = trace.find(({ name }) => name === 'placeOrderByHttp');
      expect(request).toMatchObject({
        attributes: { 'saga.name': 'placeOrder', 'saga.id': 'traced', 'http.response.status_code': 202 },
        error: undefined,
      });
      for (const name of steps) {
        expect(trace.find((span) => span.name === name)).toMatchObject({
          kind: 'internal',
          scope: 'durable-saga',
          error: undefined,
          attributes: {
            'saga.name': 'placeOrder',
            'saga.id': 'traced',
            'saga.version': '2',
            'saga.step': name === 'reserveStock' ? 'reserveStock#coffee' : `${name}#1`,
            'saga.attempt': 1,
            'saga.undo': false,
            'order.id': 'traced',
          },
        });
      }
      const ids = new Set(trace.map(({ spanId }) => spanId));
      const sends = trace.filter(({ name }) => name === 'send order-events');
      expect(sends.map(({ kind }) => kind)).toEqual(['producer', 'producer']);
      // What is published stands below who put it into the outbox: the request, and the step that ended the order.
      for (const { parentSpanId } of sends) expect(ids).toContain(parentSpanId);
      expect((await topOf(traceId, caller)).map(({ name }) => name)).toEqual(['POST api/orders']);
      for (const reader of trace.filter(({ name }) => name.startsWith('process '))) {
        expect(reader).toMatchObject({ kind: 'internal', attributes: { 'messaging.system': 'servicebus' }, links: [] });
      }
    },
    PATIENCE_MS,
  );

  it(
    'shows what was taken back, and the refusal, without what was refused',
    async () => {
      const { traceId, caller } = await placeTraced({ orderId: 'declined', paymentMethod: 'pm_card_declined' });
      expect(await client.follow('declined')).toMatchObject({ status: 'compensated' });
      const trace = await traceWith(traceId, ['authorisePayment', 'undo reserveStock', 'settleOrder']);
      expect((await topOf(traceId, caller)).map(({ name }) => name)).toEqual(['POST api/orders']);
      expect(trace.find(({ name }) => name === 'undo reserveStock')).toMatchObject({
        error: undefined,
        attributes: { 'saga.step': 'reserveStock#coffee', 'saga.undo': true, 'faas.name': 'reserveStock_undo' },
      });
      expect(trace.find(({ name }) => name === 'authorisePayment')).toMatchObject({
        error: undefined,
        attributes: { 'saga.failure.kind': 'declared', 'saga.failure.effect': 'none' },
      });
      expect(JSON.stringify(trace)).not.toMatch(/maria@example|pm_card/);
    },
    PATIENCE_MS,
  );

  it(
    'lacks the span of its orchestration while that waits for somebody, and nothing once it has ended',
    async () => {
      const lines = [{ sku: 'espresso-machine', quantity: 1 }];
      const { traceId, caller } = await placeTraced({ orderId: 'waited', paymentMethod: 'pm_card_visa', lines });
      expect(await client.follow('waited', 'awaitingApproval')).toMatchObject({ status: 'awaitingApproval' });
      await traceWith(traceId, [
        'placeOrderByHttp',
        'reserveStock',
        'requestApproval',
        'process order-events/analytics',
      ]);
      const isActivity = ({ name, kind }: ReceivedSpan) => name.startsWith('activity:') && kind === 'client';
      const orphans = await waitFor('only what the orchestration has asked for lacks its parent', () => {
        const found = orphansOf(traceId, caller);
        return found.length === 2 && found.every(isActivity) ? found : undefined;
      });

      await client.call('POST', 'orders/waited/approval', { approved: true, by: 'Ann' });
      expect(await client.follow('waited')).toMatchObject({ status: 'completed' });
      expect((await topOf(traceId, caller)).map(({ name }) => name)).toEqual(['POST api/orders']);
      const said = await waitFor('the approval is told', () =>
        receiver.spans().find(({ name }) => name === 'decideApproval'),
      );
      expect(said).toMatchObject({
        attributes: {
          'saga.name': 'placeOrder',
          'saga.id': 'waited',
          'saga.event': 'approval',
          'order.id': 'waited',
        },
        links: [{ traceId }],
      });
      expect(said.traceId).not.toBe(traceId);
      const [recorded] = (await traceWith(traceId, ['recordApproval'])).filter(({ name }) => name === 'recordApproval');
      expect(recorded!.links).toEqual([{ traceId: said.traceId, spanId: said.spanId }]);
      for (const { parentSpanId } of orphans) {
        expect(spansOf(traceId).find(({ spanId }) => spanId === parentSpanId)?.name).toBe('orchestration:placeOrder');
      }
    },
    PATIENCE_MS,
  );

  it(
    "is linked both ways with the message of the bank's decision, which comes in a trace of its own",
    async () => {
      const { traceId } = await placeTraced({ orderId: 'decided', paymentMethod: 'pm_processing' });
      await waitFor('the payment is left open', () => spansOf(traceId).find(({ name }) => name === 'authorisePayment'));
      await until('it waits for the bank', 30_000, async () =>
        (await client.show('decided')).waitingFor?.event === 'paymentDecided' ? true : undefined,
      );
      await createBank(app.settings['PAYMENT_PROVIDER_URL'] ?? '').decide('decided', { authorised: true });
      expect(await client.follow('decided')).toMatchObject({ status: 'completed' });
      const said = await waitFor('the decision is told', () =>
        receiver.spans().find(({ attributes }) => attributes['saga.event'] === 'paymentDecided'),
      );
      expect(said).toMatchObject({
        name: 'process payment-events/sagas',
        kind: 'internal',
        error: undefined,
        attributes: {
          'messaging.system': 'servicebus',
          'saga.name': 'placeOrder',
          'saga.id': 'decided',
          'order.id': 'decided',
        },
      });
      expect(said.traceId).not.toBe(traceId);
      const named = (name: string) => spansOf(traceId).find((span) => ofApp(span) && span.name === name);
      const start = named('placeOrderByHttp');
      expect(said.links).toEqual([{ traceId, spanId: start?.spanId }]);
      const captured = await waitFor('the capture is told', () => named('capturePayment'));
      expect(captured.links).toEqual([{ traceId: said.traceId, spanId: said.spanId }]);
      // What comes after that has no other cause than the step before it.
      expect((await waitFor('the end is told', () => named('settleOrder'))).links).toEqual([]);
      expect(named('authorisePayment')?.links).toEqual([]);
    },
    PATIENCE_MS,
  );

  it(
    'has beside it one span for whatever else comes in: operators and timers',
    async () => {
      for (const path of ['dead-letters/summary', 'sagas']) expect((await client.call('GET', path)).status).toBe(200);
      const isTimer = ({ attributes }: ReceivedSpan) => attributes['faas.trigger'] === 'timer';
      await waitFor('a timer and two operators are told', () => {
        const names = receiver.spans().filter(ofApp);
        return (
          names.some(isTimer) &&
          ['sumUpDeadLetters', 'listSagas'].every((one) => names.some(({ name }) => name === one))
        );
      });
      const own = receiver.spans().filter((span) => ofApp(span) && span.attributes['faas.invocation_id'] !== undefined);
      expect(new Set(own.map(({ attributes }) => attributes['faas.invocation_id'])).size).toBe(own.length);
      for (const { kind } of own) expect(kind).toBe('internal');
    },
    PATIENCE_MS,
  );

  it(
    'is counted: how it ended, how long it took, whether it turned back',
    async () => {
      const ended = (outcome: string) =>
        receiver.points('orders.processed').find(({ attributes }) => attributes['outcome'] === outcome);
      await waitFor('both kinds of ends are counted', () => ended('completed') && ended('compensated'));
      await waitFor('all completed orders are counted', () => ended('completed')?.value === 3 || undefined);
      expect(ended('compensated')).toMatchObject({ value: 1 });
      const durations = receiver.points('saga.duration');
      expect(durations.find(({ attributes }) => attributes['outcome'] === 'completed')).toMatchObject({
        count: 3,
        attributes: { 'saga.name': 'placeOrder' },
      });
      expect(receiver.points('saga.undone')[0]).toMatchObject({
        value: 1,
        attributes: { 'saga.name': 'placeOrder', outcome: 'compensated' },
      });
    },
    PATIENCE_MS,
  );
});
