import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { registerSagas, sagaClients, StepFailure } from 'durable-saga';
import { compose } from './readme/app';
import { authorise, bigOrder, failures, operate, reserveOnce, settleOrder, tellBuyer } from './readme/concepts';
import { charge, order, reserve, ship } from './readme/order';
import { captureFunctions } from './support/functions-core';
import { SagaHost } from './support/saga-host';

const folder = path.join(__dirname, 'readme');
const readme = readFileSync(path.join(__dirname, '..', 'README.md'), 'utf8');
const sources = readdirSync(folder).map((file) => readFileSync(path.join(folder, file), 'utf8'));
const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block = '']) => block);

describe('the README', () => {
  it('has its examples from files that compile', () => {
    expect(blocks.length).toBeGreaterThan(10);
    const parts = blocks.flatMap((block) => block.split('// ...\n'));
    expect(parts.filter((part) => !sources.some((source) => source.includes(part)))).toEqual([]);
  });

  it('begins with a saga of at most 25 lines', () => {
    expect(
      blocks[0]
        ?.trim()
        .split('\n')
        .filter((line) => line !== '// ...').length,
    ).toBeLessThanOrEqual(25);
  });
});

describe("the README's sagas", () => {
  const calls: string[] = [];
  let answer: 'charged' | 'declined' = 'charged';
  const note = <T>(call: string, result: T): Promise<T> => {
    calls.push(call);
    return Promise.resolve(result);
  };
  const ports = {
    stock: {
      take: (what: string, key: string) => note(`take ${what} ${key}`, { shelf: 'A7' }),
      putBack: (key: string) => note(`putBack ${key}`, undefined),
    },
    payments: { charge: (_card: string, amount: number, key: string) => note(`charge ${amount} ${key}`, answer) },
    carrier: { collect: (shelf: string, key: string) => note(`collect ${shelf} ${key}`, { tracking: 'T1' }) },
  };

  function open(): SagaHost {
    calls.length = 0;
    answer = 'charged';
    const activities = [reserve, charge, ship, authorise, tellBuyer, settleOrder];
    return new SagaHost({
      functions: captureFunctions(() => {
        registerSagas({ ports, sagas: [order, bigOrder], activities });
      }),
    });
  }

  it('complete', async () => {
    const host = open();
    const client = sagaClients({ order })(host).order;
    await client.start({ sku: 'apple', card: '4242', amount: 600 }, { id: 'o-1' });
    await host.run();
    expect((await client.get('o-1').status())?.outcome).toEqual({ outcome: 'completed', result: { tracking: 'T1' } });
    expect(calls).toEqual(['take apple o-1/reserve#1', 'charge 600 o-1/charge#1', 'collect A7 o-1/ship#1']);
  });

  it('give the stock back when the card is declined', async () => {
    const host = open();
    answer = 'declined';
    const client = sagaClients({ order })(host).order;
    await client.start({ sku: 'apple', card: '4242', amount: 600 }, { id: 'o-1' });
    await host.run();
    expect((await client.get('o-1').status())?.outcome).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'declared', code: 'declined' },
    });
    expect(calls).toEqual(['take apple o-1/reserve#1', 'charge 600 o-1/charge#1', 'putBack o-1/reserve#1']);
  });

  it('are registered and operated as it says', async () => {
    const registered = captureFunctions(() => compose(ports));
    const own = [...registered.keys()].filter((name) => !name.startsWith('durableSaga'));
    expect(own).toEqual(['reserve', 'reserve_undo', 'charge', 'ship', 'order', 'placeOrder']);
    jest.spyOn(console, 'log').mockImplementation(() => undefined);
    const host = open();
    await operate(host as never, 'o-1');
    expect((await sagaClients({ order })(host).order.get('o-1').status())?.state).toBe('completed');
  });

  it('say how they fail, and have their effects once', () => {
    expect(() => failures(-1)).toThrow(StepFailure);
    expect(() => failures(1)).toThrow('try later');
    expect(reserveOnce.undoName).toBeUndefined();
  });

  it('wait for an approval, and tell how they ended', async () => {
    const host = open();
    const client = sagaClients({ bigOrder })(host).bigOrder;
    await client.start({ skus: ['apple', 'pear'], card: '4242', amount: 600 }, { id: 'o-1' });
    await host.run({ until: host.now + 1_000 });
    expect((await client.get('o-1').status())?.waitingFor?.event).toBe('approval');
    await client.get('o-1').raise('approval', { approved: true, by: 'Ada' });
    await host.run();
    expect((await client.get('o-1').status())?.state).toBe('completed');
    expect(calls.at(-1)).toBe('take o-1 is completed  o-1/settleOrder#1');
  });
});
