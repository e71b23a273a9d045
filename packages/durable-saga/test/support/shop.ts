import { z } from 'zod';
import { activity, saga, settlementSchema, StepFailure } from '../../src';
import type { Registration, Settlement } from '../../src';

/** Where in a call something goes wrong: the effect does not happen, or happens and the reply is lost. */
export type Fault = 'before' | 'after' | 'refused';

/**
 * A small business with books: each effect is kept by its key, once; what is undone first can't be done after.
 * `fault` is asked at every call, before it has its effect and after.
 */
export class Shop {
  stock: number;
  readonly reserved = new Map<string, number>();
  readonly authorised = new Map<string, number>();
  readonly captured = new Map<string, number>();
  readonly shipped = new Set<string>();
  readonly mails = new Set<string>();
  readonly tombstones = new Set<string>();
  readonly settlements: Settlement[] = [];
  fault: (call: string, attempt: number) => Fault | undefined = () => undefined;

  constructor(stock = 100) {
    this.stock = stock;
  }

  /** Has the effect of a call, or the fault that the test wants. */
  effect(call: string, step: { readonly key: string; readonly attempt: number }, apply: () => void): void {
    const fault = this.fault(call, step.attempt);
    if (fault === 'refused') {
      throw new StepFailure({ code: 'refused', message: `${call} is refused`, effect: 'none' });
    }
    if (fault === 'before') throw Object.assign(new Error(`${call} could not be reached`), { code: 'ECONNREFUSED' });
    if (call.endsWith('Undo')) this.tombstones.add(step.key);
    if (call.endsWith('Undo') || !this.tombstones.has(step.key)) apply();
    if (fault === 'after') throw Object.assign(new Error(`the reply of ${call} is lost`), { code: 'ECONNRESET' });
  }

  /** What must hold at any end: stock is where the reservations say, and money only where it was shipped for. */
  get books(): {
    stock: number;
    reserved: number;
    authorised: number;
    captured: number;
    shipped: number;
    mails: number;
  } {
    return {
      stock: this.stock,
      reserved: sum(this.reserved),
      authorised: sum(this.authorised),
      captured: sum(this.captured),
      shipped: this.shipped.size,
      mails: this.mails.size,
    };
  }
}

function sum(amounts: ReadonlyMap<string, number>): number {
  return [...amounts.values()].reduce((total, amount) => total + amount, 0);
}

export interface Ports {
  readonly shop: Shop;
}

const retry = { attempts: 3, first: '1 second', factor: 2, cap: '1 minute' } as const;

export const reserve = activity({
  name: 'reserve',
  input: z.object({ sku: z.string(), quantity: z.int().positive() }),
  output: z.object({ sku: z.string(), left: z.int() }),
  retry,
  timeout: '30 seconds',
  run:
    ({ shop }: Ports) =>
    async ({ sku, quantity }, step) => {
      shop.effect('reserve', step, () => {
        if (shop.reserved.has(step.key)) return;
        if (shop.stock < quantity) {
          throw new StepFailure({ code: 'outOfStock', message: `only ${shop.stock} of ${sku} left`, effect: 'none' });
        }
        shop.stock -= quantity;
        shop.reserved.set(step.key, quantity);
      });
      return { sku, left: shop.stock };
    },
  undo:
    ({ shop }: Ports) =>
    async (_done, step) => {
      shop.effect('reserveUndo', step, () => {
        shop.stock += shop.reserved.get(step.key) ?? 0;
        shop.reserved.delete(step.key);
      });
    },
});

export const authorise = activity({
  name: 'authorise',
  input: z.object({ amount: z.int() }),
  output: z.object({ intent: z.string() }),
  retry,
  timeout: '30 seconds',
  run:
    ({ shop }: Ports) =>
    async ({ amount }, step) => {
      shop.effect('authorise', step, () => shop.authorised.set(step.key, amount));
      return { intent: `intent of ${step.key}` };
    },
  undo:
    ({ shop }: Ports) =>
    async (_done, step) => {
      shop.effect('authoriseUndo', step, () => shop.authorised.delete(step.key));
    },
});

export const capture = activity({
  name: 'capture',
  input: z.object({ intent: z.string(), amount: z.int() }),
  output: z.object({ captured: z.int() }),
  retry,
  timeout: '30 seconds',
  run:
    ({ shop }: Ports) =>
    async ({ amount }, step) => {
      shop.effect('capture', step, () => shop.captured.set(step.key, amount));
      return { captured: amount };
    },
});

export const ship = activity({
  name: 'ship',
  input: z.object({ skus: z.array(z.string()) }),
  output: z.object({ tracking: z.string() }),
  retry,
  timeout: '30 seconds',
  run:
    ({ shop }: Ports) =>
    async (_input, step) => {
      shop.effect('ship', step, () => shop.shipped.add(step.key));
      return { tracking: `T-${step.key}` };
    },
});

export const confirm = activity({
  name: 'confirm',
  input: z.object({ to: z.string() }),
  retry,
  run:
    ({ shop }: Ports) =>
    async (_input, step) => {
      shop.effect('confirm', step, () => shop.mails.add(step.key));
    },
});

export const settleSale = activity({
  name: 'settleSale',
  input: settlementSchema,
  run:
    ({ shop }: Ports) =>
    async (settlement, step) => {
      shop.effect('settleSale', step, () => shop.settlements.push(settlement));
    },
});

export const saleSchema = z.object({
  lines: z.array(z.object({ sku: z.string(), quantity: z.int().positive() })).min(1),
  amount: z.int().positive(),
  needsApproval: z.boolean().default(false),
  concurrency: z.int().optional(),
});

export const sell = saga(
  {
    name: 'sell',
    version: '7',
    input: saleSchema,
    output: z.object({ tracking: z.string() }),
    events: { approval: z.object({ approved: z.boolean() }) },
    settled: settleSale,
  },
  function* (saga, sale) {
    yield* saga.all(
      sale.lines.map((line) => saga.step(reserve, line, { key: line.sku })),
      { concurrency: sale.concurrency ?? 20 },
    );
    if (sale.needsApproval) {
      const approval = yield* saga.waitFor('approval', { timeout: '12 hours' });
      if (approval === undefined) return yield* saga.fail({ code: 'approvalTimedOut', message: 'nobody approved' });
      if (!approval.approved) return yield* saga.fail({ code: 'approvalRefused', message: 'somebody refused' });
    }
    const { intent } = yield* saga.step(authorise, { amount: sale.amount });
    yield* saga.pivot(capture, { intent, amount: sale.amount });
    const { tracking } = yield* saga.step(ship, { skus: sale.lines.map(({ sku }) => sku) });
    yield* saga.call(confirm, { to: 'buyer@example.com' });
    return { tracking };
  },
);

/** What a host is to run of the shop. */
export const shopOf = (shop: Shop): Registration<Ports> => ({
  ports: { shop },
  sagas: [sell],
  activities: [reserve, authorise, capture, ship, confirm, settleSale],
});

export const threeLines = {
  lines: [
    { sku: 'apple', quantity: 1 },
    { sku: 'pear', quantity: 2 },
    { sku: 'plum', quantity: 3 },
  ],
  amount: 600,
};
