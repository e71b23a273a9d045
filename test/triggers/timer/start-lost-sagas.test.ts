import type { Timer } from '@azure/functions';
import { orderIdSchema } from '../../../src/domain/ids';
import type { OrderId } from '../../../src/domain/ids';
import { startLostSagas } from '../../../src/triggers/timer/start-lost-sagas';
import { createInMemoryShop } from '../../support/in-memory-shop';
import { createContext } from '../../support/invoke';
import { createTestClock } from '../../support/orders-database';
import { sampleOrder } from '../../support/sample-orders';

const timer = {} as Timer;

function createSweep(start: (id: OrderId) => Promise<void>) {
  const clock = createTestClock();
  const { orders } = createInMemoryShop(clock);
  const sagas = () => ({ taskHub: 'blue', start });
  const { context, lines } = createContext();
  const sweep = startLostSagas({ what: 'order', rows: orders, sagas, clock, startGrace: 60_000 });
  return { clock, orders, lines, run: async () => sweep(timer, context) };
}

describe('the sweep for lost starts', () => {
  it('starts what was accepted before the grace time and never started', async () => {
    const started: string[] = [];
    const sweep = createSweep(async (id) => {
      started.push(id);
    });
    await sweep.orders.acceptMany(['lost-1', 'running', 'finished'].map((id) => sampleOrder(id)));
    await sweep.orders.markStarted(orderIdSchema.parse('running'));
    await sweep.orders.settle(orderIdSchema.parse('finished'), 'completed', undefined);
    sweep.clock.advance(60_001);
    await sweep.orders.accept(sampleOrder('young'));
    await sweep.run();
    expect(started).toEqual(['lost-1']);
    expect(sweep.lines.map(({ args }) => args[0])).toEqual(['started 1 orders whose start had been lost']);
  });

  it('goes on after one that can not be started, and fails in the end so that it is seen', async () => {
    const tried: string[] = [];
    const sweep = createSweep(async (id) => {
      tried.push(id);
      if (id === 'a') throw new Error('the task hub is down');
    });
    await sweep.orders.acceptMany([sampleOrder('a'), sampleOrder('b')]);
    sweep.clock.advance(60_001);
    await expect(sweep.run()).rejects.toThrow('1 of 2 lost orders could not be started');
    expect(tried).toEqual(['a', 'b']);
  });

  it('says nothing when there is nothing to do', async () => {
    const sweep = createSweep(() => Promise.resolve());
    await sweep.run();
    expect(sweep.lines).toEqual([]);
  });
});
