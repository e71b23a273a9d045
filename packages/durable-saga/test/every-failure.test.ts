import { sagaClients } from '../src';
import type { InstanceStatus } from '../src';
import { createSagaHost } from '../src/testing';
import type { Attempt, Mode, Treatment } from '../src/testing';
import type { SimulatedHost } from '../src/testing/simulated-host';
import { MODES } from '../src/testing/turns';
import type { Fault } from './support/shop';
import { shopOf, sell, Shop, threeLines } from './support/shop';

/*
 * Every step of a saga, in every way it can fail, with undos that work, stumble or fail for good: the books must be right
 * at the end, and nothing may be left waiting. An operator mends what parks and says retry.
 */

const STEPS = ['reserve', 'authorise', 'capture', 'ship', 'confirm', 'settleSale'] as const;

interface Trouble {
  readonly title: string;
  readonly fault?: (call: string, attempt: number) => Fault | undefined;
  readonly treat?: (attempt: Attempt) => Treatment | undefined;
}

function troublesOf(step: string): Trouble[] {
  const at = (wanted: Fault, until: number) => (call: string, attempt: number) =>
    call === step && attempt <= until ? wanted : undefined;
  const late = (until: number) => (attempt: Attempt) =>
    attempt.name === step && attempt.attempt <= until ? { delay: 45_000 } : undefined;
  const dies = (hostFails: 'before' | 'after', as: 'reason' | 'failureDetails') => (attempt: Attempt) =>
    attempt.name === step && attempt.attempt === 1 ? { hostFails, as } : undefined;
  return [
    { title: 'fails once before its effect', fault: at('before', 1) },
    { title: 'fails once after its effect', fault: at('after', 1) },
    { title: 'fails always before its effect', fault: at('before', 3) },
    { title: 'fails always after its effect', fault: at('after', 3) },
    { title: 'is refused', fault: at('refused', 3) },
    { title: 'answers late once', treat: late(1) },
    { title: 'answers late always', treat: late(3) },
    { title: 'is stopped by the platform before its effect', treat: dies('before', 'reason') },
    { title: 'is stopped by the platform after its effect', treat: dies('after', 'failureDetails') },
  ];
}

const UNDOS: readonly Trouble[] = [
  { title: 'undos work' },
  {
    title: 'each undo loses its first reply',
    fault: (call, attempt) => (call.endsWith('Undo') && attempt === 1 ? 'after' : undefined),
  },
  {
    title: 'each undo fails until an operator mends it',
    fault: (call, attempt) => (call.endsWith('Undo') && attempt <= 3 ? 'before' : undefined),
  },
];

/** Runs an instance to its end; whatever parks is tried again. */
async function runToEnd(host: SimulatedHost, id: string): Promise<InstanceStatus<unknown>> {
  const client = sagaClients({ sell })(host).sell;
  for (let parked = 0; parked < 20; parked += 1) {
    await host.run();
    const status = await client.get(id).status();
    if (status === undefined) throw new Error(`no instance ${id}`);
    if (status.state !== 'parked') return status;
    expect(await client.get(id).resolve({ action: 'retry' })).toEqual({ accepted: true, confirmed: true });
  }
  throw new Error('parked again and again');
}

function checkBooks(shop: Shop, host: SimulatedHost, status: InstanceStatus<unknown>): void {
  const completed = { stock: 94, reserved: 6, authorised: 600, captured: 600, shipped: 1, mails: 1 };
  const undone = { stock: 100, reserved: 0, authorised: 0, captured: 0, shipped: 0, mails: 0 };
  expect(status.runtimeStatus).toBe('Completed');
  expect(shop.books).toEqual(status.state === 'completed' ? completed : undone);
  expect(status.outcome?.outcome).toBe(status.state);
  expect(new Set(shop.settlements.map(({ outcome }) => outcome))).toEqual(new Set([status.state]));
  expect(host.instance(status.id).openTimers).toBe(0);
}

async function sellWith(mode: Mode, troubles: readonly Trouble[]): Promise<{ shop: Shop; host: SimulatedHost }> {
  const shop = new Shop();
  shop.fault = (call, attempt) =>
    troubles.map(({ fault }) => fault?.(call, attempt)).find((found) => found !== undefined);
  const treat = (attempt: Attempt) =>
    troubles.map((trouble) => trouble.treat?.(attempt)).find((found) => found !== undefined);
  const host = createSagaHost({ ...shopOf(shop), mode, treat }).durable;
  await sagaClients({ sell })(host).sell.start(threeLines, { id: 'order-1' });
  return { shop, host };
}

describe.each(MODES)('run by %s', (mode) => {
  describe.each(STEPS)('%s', (step) => {
    describe.each(troublesOf(step))('$title', (trouble) => {
      it.each(UNDOS)('$title', async (undo) => {
        const { shop, host } = await sellWith(mode, [trouble, undo]);
        const status = await runToEnd(host, 'order-1');
        checkBooks(shop, host, status);
        const gaveUp = ['fails always', 'is refused', 'answers late always'].some((start) =>
          trouble.title.startsWith(start),
        );
        const goesBack = gaveUp && (step === 'reserve' || step === 'authorise');
        const refusedPivot = step === 'capture' && trouble.title === 'is refused';
        expect(status.state).toBe(goesBack || refusedPivot ? 'compensated' : 'completed');
      });
    });
  });
});

describe.each(MODES)('cancelled at any moment, run by %s', (mode) => {
  const slow = (): Treatment => ({ delay: 1_000 });
  const moments = Array.from({ length: 24 }, (_, half) => half * 500);

  it.each(moments)('%d ms after the start: the books are right, and the answer is true', async (moment) => {
    const { shop, host } = await sellWith(mode, [{ title: 'slow', treat: slow }]);
    const client = sagaClients({ sell })(host).sell;
    const startedAt = host.now;
    await host.run({ until: startedAt + moment });
    const answer = await client.get('order-1').cancel({ reason: 'changed my mind' });
    const status = await runToEnd(host, 'order-1');
    checkBooks(shop, host, status);
    expect(status.state).toBe(answer.accepted ? 'compensated' : 'completed');
    if (answer.accepted) expect(answer.confirmed).toBe(true);
    else expect(answer.code).toBe(moment < 6_000 ? 'pastPivot' : 'finished');
  });
});
