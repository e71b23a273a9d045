import { measure } from '../../scripts/cost/measure';
import type { Measured, MeasuredOrder } from '../../scripts/cost/measured';

/** What `npm run cost -- --measure` counts, with one order of each kind on the running app. */

let measured: Measured;
beforeAll(async () => {
  measured = await measure({ each: 1, idleMinutes: 0, say: () => undefined });
}, 180_000);

const only = (orders: readonly MeasuredOrder[]): MeasuredOrder => {
  const [order] = orders;
  if (order === undefined || orders.length !== 1) throw new Error(`expected one order, got ${orders.length}`);
  return order;
};
const executions = ({ groups }: MeasuredOrder): Record<string, number> =>
  Object.fromEntries(Object.entries(groups).map(([group, { executions: count }]) => [group, count]));

describe('an order that completes', () => {
  it('takes six steps, each of which wakes the saga once, and is told twice', () => {
    const order = only(measured.orders.completed);
    // Stock, authorisation, capture, shipment, mail and the row: six activities, and a turn for the start and after each of them.
    expect(executions(order)).toEqual({ http: 1, durable: 6 + 7, countEvents: 2, recordMovements: 1 });
    expect(order).toMatchObject({ actions: 1 + 2 * 6, messages: { sent: 2, delivered: 3 } });
    expect(order.storage.writes).toBe(0);
    expect(order.commits.app).toBeGreaterThan(6);
  });

  it('is in the telemetry with a span for each request, step and message', () => {
    const order = only(measured.orders.completed);
    expect(order.spans).toBeGreaterThanOrEqual(1 + 6 + 3);
    expect(order.logLines).toBeGreaterThanOrEqual(2 * (1 + 6 + 3));
  });

  it('keeps its functions busy from the request on', () => {
    const { groups } = only(measured.orders.completed);
    const [first] = groups['http']?.busy ?? [];
    const last = groups['durable']?.busy.at(-1);
    expect(first?.[0]).toBeGreaterThanOrEqual(0);
    expect(last?.[1]).toBeGreaterThan(first?.[1] ?? Number.POSITIVE_INFINITY);
  });
});

describe('an order that waits for approval', () => {
  it('takes a second request, and steps for what is noted of it', () => {
    const order = only(measured.orders.approval);
    expect(executions(order)['http']).toBe(2);
    expect(order.actions).toBeGreaterThan(only(measured.orders.completed).actions);
    expect(order.messages).toEqual({ sent: 3, delivered: 4 });
  });
});

describe('an order that is declined', () => {
  it('takes the undo of what was reserved, and the mail about it', () => {
    const order = only(measured.orders.compensated);
    expect(executions(order)).toMatchObject({ mailAboutFailures: 1, countEvents: 2 });
    expect(executions(order)['recordMovements']).toBeUndefined();
    expect(order.actions).toBeLessThan(only(measured.orders.completed).actions);
  });
});
