import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { askApp, describeAnswer, Unreachable } from './app-client';
import type { AppAnswer, AskApp } from './app-client';
import { SMOKE_SKU } from './smoke-product';
import { SMOKE_CUSTOMER } from './smoke-ids';
import { endSmokeOrders } from './smoke-orders';
import type { DeployStep, Environment } from './step';
import { readSeconds, requireUrl, StepFailed } from './step';

/*
 * A saga that goes through all of the app and hurts nobody. It orders a product that nobody else does, at a price that always
 * needs approval, for a customer without a mail address. While the order waits for approval it is cancelled, and the saga
 * takes back what it has done. So one order shows that HTTP, database, task hub, activities, waits, events and undos work, and that what it tells leaves the outbox;
 * no money is held, no parcel is sent, no mail is written, and no stock of a real product is touched. What stays is the
 * order's row, `compensated`, under the customer SMOKE-TEST, and the event that tells of it.
 *
 * Should it ever not wait for approval, its payment method declines, and it ends undone, too.
 */

const USAGE = `smoke --url <url> [--within <seconds>]
  --within   each part of it may take so long (default 60)
FUNCTION_KEY (a host key) is taken from the environment.
Smoke orders that an earlier run has left behind, a quarter of an hour ago or more, are cancelled first. With DATABASE_URL those that don't end by that are ended by
force, and so is this run's own when it fails; REPLAY_GATE_KEY (the system key durabletask_extension) terminates their instances.`;

/** Milliseconds that a cancelled order has before it is ended by force; the app's versions may differ from what it began in. */
const PATIENCE = 15_000;
/** Milliseconds: a smoke order that is younger may be another run's, which is under way. */
const LEFT_OVER_AFTER = 15 * 60_000;
/** Milliseconds. */
const PAUSE = 250;
const FINAL = ['completed', 'compensated', 'compensationFailed'];

const orderSchema = z.object({
  orderId: z.string(),
  status: z.string(),
  createdAt: z.string().optional(),
  reason: z.object({ code: z.string(), message: z.string() }).optional(),
  steps: z.array(z.object({ name: z.string(), state: z.string() })).optional(),
});
type Order = z.infer<typeof orderSchema>;
const unsentSchema = z.object({
  unsent: z.array(z.object({ event: z.string(), state: z.string(), attempts: z.int() })),
});

export const smoke: DeployStep = {
  summary: 'sends one order through the app and has it undone: nothing of it is left',
  usage: USAGE,
  async run(args, environment) {
    const { values } = parseArgs({
      args: [...args],
      options: { url: { type: 'string' }, within: { type: 'string' } },
    });
    const url = requireUrl('--url', values.url);
    const within = readSeconds('--within', values.within, 60);
    const ask = patient(askApp(url, environment['FUNCTION_KEY']), within);
    const ending = { url, within: Math.min(PATIENCE, within), environment };
    const end = (ids: readonly string[]): Promise<void> => endAll(ids, ending);
    try {
      await end(await listLeftOver(ask)).catch((error: unknown) => {
        // It says nothing of this version, and must not keep traffic from coming back to it.
        if (!(error instanceof StepFailed)) throw error;
        console.log(`::warning::${error.message}`);
      });
      await sendOrder(ask, `smoke-${randomUUID()}`, within, end);
    } catch (error) {
      if (error instanceof Unreachable) throw new StepFailed(error.message);
      throw error;
    }
  },
};

/**
 * Asks again when an instance is not there yet, or goes: one such answer must not take a good version back. Whatever is asked
 * here may be asked twice; an order of the same id is the same order.
 */
function patient(ask: AskApp, within: number): AskApp {
  return async (...request) => {
    const startedAt = performance.now();
    for (;;) {
      const answer = await ask(...request).catch((error: unknown) => {
        if (error instanceof Unreachable) return error;
        throw error;
      });
      const isLate = performance.now() - startedAt > within;
      if (answer instanceof Unreachable) {
        if (isLate) throw answer;
      } else if (answer.status < 500 || isLate) return answer;
      await pause(PAUSE);
    }
  };
}

async function sendOrder(
  ask: AskApp,
  orderId: string,
  within: number,
  end: (ids: readonly string[]) => Promise<void>,
): Promise<void> {
  const order = {
    orderId,
    customerId: SMOKE_CUSTOMER,
    lines: [{ sku: SMOKE_SKU, quantity: 1 }],
    paymentMethod: 'pm_card_declined',
  };
  expectStatus(await ask('POST', '/api/orders', order), 202, 'the order');
  console.log(`${orderId} is accepted`);
  try {
    const waiting = await follow(ask, orderId, within, 'awaitingApproval');
    console.log(`${orderId} waits for approval: ${describeSteps(waiting)}`);
    expectStatus(await cancel(ask, orderId), 202, 'its cancellation');
    const ended = await follow(ask, orderId, within, 'compensated');
    const reserved = ended.steps?.find(({ name }) => name === 'reserveStock');
    if (reserved !== undefined && reserved.state !== 'undone') {
      throw new StepFailed(`${orderId} has ended with its stock still reserved: ${describeSteps(ended)}`);
    }
    console.log(`${orderId} is undone: ${describeSteps(ended)}`);
    await awaitSent(ask, orderId, within);
  } catch (error) {
    // It must not wait for ever; what went wrong before matters more than whether this works.
    await end([orderId]).catch((another: unknown) => {
      console.log(`${orderId} could not be ended: ${another instanceof Error ? another.message : String(another)}`);
    });
    throw error;
  }
}

/**
 * Waits until all that the order's saga has told has left the outbox: an app whose Service Bus is away, or whose relay fails, takes
 * orders all the same. Throws `StepFailed` when that takes too long.
 */
async function awaitSent(ask: AskApp, orderId: string, within: number): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    const answer = await ask('GET', `/api/orders/${orderId}/unsent-events`);
    if (answer.status === 404) {
      // The order is known: it is the question that isn't, to a version from before there was one.
      console.log(`${orderId}: this version does not say whether its events reach Service Bus`);
      return;
    }
    expectStatus(answer, 200, "what of the order's events is unsent");
    const { unsent } = read(unsentSchema, answer, "what of the order's events is unsent");
    if (unsent.length === 0) {
      console.log(`${orderId}: its events have reached Service Bus`);
      return;
    }
    const given = unsent.some(({ state }) => state === 'givenUp');
    if (given || performance.now() - startedAt > within) {
      const which = unsent.map(({ event, attempts, state }) => `${event} (${state}, ${attempts} attempts)`).join(', ');
      throw new StepFailed(
        `after ${within / 1_000} s events of ${orderId} have not reached Service Bus: ${which}. Its outbox is not relayed; the app's log says why`,
      );
    }
    await pause(PAUSE);
  }
}

/** Waits until the order is in this status. Throws `StepFailed` when it ends otherwise, or not in time. */
async function follow(ask: AskApp, orderId: string, within: number, status: string): Promise<Order> {
  const startedAt = performance.now();
  for (;;) {
    const answer = await ask('GET', `/api/orders/${orderId}`);
    expectStatus(answer, 200, 'the state of the order');
    const order = read(orderSchema, answer, 'the state of the order');
    if (order.status === status) return order;
    const reason = order.reason === undefined ? '' : ` (${order.reason.code}: ${order.reason.message})`;
    const seen = `${orderId} is ${order.status}${reason}, expected ${status}: ${describeSteps(order)}`;
    if (FINAL.includes(order.status) || order.status === 'parked') throw new StepFailed(seen);
    if (performance.now() - startedAt > within) throw new StepFailed(`after ${within / 1_000} s ${seen}`);
    await pause(PAUSE);
  }
}

async function listLeftOver(ask: AskApp): Promise<string[]> {
  const answer = await ask('GET', `/api/orders?customer=${SMOKE_CUSTOMER}&limit=50`);
  expectStatus(answer, 200, 'the list of smoke orders');
  const { orders } = read(z.object({ orders: z.array(orderSchema) }), answer, 'the list of smoke orders');
  const youngest = Date.now() - LEFT_OVER_AFTER;
  return orders
    .filter(({ status, createdAt }) => !FINAL.includes(status) && !(Date.parse(createdAt ?? '') > youngest))
    .map(({ orderId }) => orderId);
}

interface Ending {
  readonly url: string;
  /** Milliseconds. */
  readonly within: number;
  readonly environment: Environment;
}

/** Cancels these orders, and where there is a database to end rows in, waits for it and ends by force what does not end by that. */
async function endAll(ids: readonly string[], { url, within, environment }: Ending): Promise<void> {
  const ask = askApp(url, environment['FUNCTION_KEY']);
  for (const id of ids) {
    const answer = await cancel(patient(ask, within), id).catch((error: unknown) => {
      if (error instanceof Unreachable) return undefined;
      throw error;
    });
    console.log(`${id} is cancelled: ${answer === undefined ? 'no answer' : describeAnswer(answer)}`);
  }
  if (ids.length === 0 || !environment['DATABASE_URL']) return;
  const startedAt = performance.now();
  const stays = await Promise.all(
    ids.map(async (id) => {
      while (performance.now() - startedAt < within) {
        const answer = await ask('GET', `/api/orders/${id}`).catch(() => undefined);
        const { status = '' } = orderSchema.safeParse(answer?.body).data ?? {};
        if (FINAL.includes(status)) return false;
        // Somebody's decision alone would end it.
        if (status === 'parked') return true;
        await pause(PAUSE);
      }
      return true;
    }),
  );
  const left = ids.filter((_, index) => stays[index]);
  if (left.length > 0) await endSmokeOrders(url, left, environment);
}

const cancel = (ask: AskApp, orderId: string): Promise<AppAnswer> =>
  ask('POST', `/api/orders/${orderId}/cancel`, { reason: 'a smoke test ends' });

function expectStatus(answer: AppAnswer, status: number, what: string): void {
  if (answer.status === status) return;
  throw new StepFailed(`${what} was answered ${describeAnswer(answer)}, expected ${status}`);
}

function read<T>(schema: z.ZodType<T>, { body }: AppAnswer, what: string): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const got = typeof body === 'string' ? body : JSON.stringify(body);
  throw new StepFailed(`${what} can't be read (${z.prettifyError(parsed.error)}): got ${got.slice(0, 200)}`);
}

function describeSteps({ steps = [] }: Order): string {
  return steps.length === 0 ? 'no step has begun' : steps.map(({ name, state }) => `${name} ${state}`).join(', ');
}
