import * as df from 'durable-functions';
import { seeded } from '../../functions-host/test/crash/random';
import { sagaClients } from '../src';
import { replayOnAzure } from '../src/testing/azure-replay';
import { createSagaHost } from '../src/testing';
import { SimulatedHost } from '../src/testing/simulated-host';
import { EventType, makeEvent } from '../src/testing/history';
import type { Attempt, Treatment } from '../src/testing';
import { MODES } from '../src/testing/turns';
import { captureFunctions, hostedFunctions } from './support/functions-core';
import { shopOf, sell, Shop, threeLines } from './support/shop';

/** Troubles drawn from a seed: some attempts are late, some are stopped by the platform. */
function troubles(seed: number) {
  const draw = seeded(seed);
  const drawn = new Map<string, Treatment>();
  return ({ name, key, attempt }: Attempt): Treatment => {
    const id = `${name} ${key} ${attempt}`;
    const known = drawn.get(id);
    if (known !== undefined) return known;
    const luck = draw();
    const treatment: Treatment = {
      delay: Math.floor(draw() * (luck < 0.15 ? 60_000 : 5_000)),
      ...(luck > 0.9 ? { hostFails: luck > 0.95 ? 'after' : 'before' } : {}),
    };
    drawn.set(id, treatment);
    return treatment;
  };
}

const lines = Array.from({ length: 8 }, (_, n) => ({ sku: `sku-${n}`, quantity: 1 }));

describe.each(Array.from({ length: 20 }, (_, n) => n + 1))('with the troubles of seed %d', (seed) => {
  it('a saga makes the same calls at the same times, and comes to the same end, on every kind of host', async () => {
    const runs = [];
    for (const mode of MODES) {
      const shop = new Shop();
      const host = createSagaHost({ ...shopOf(shop), mode, treat: troubles(seed) }).durable;
      const client = sagaClients({ sell })(host).sell;
      await client.start({ lines, amount: 800, concurrency: 3 }, { id: 'a' });
      if (seed % 3 === 0) await host.raiseAt(host.now + seed * 400, 'a', 'cancel', {});
      let status;
      for (let round = 0; round < 10; round += 1) {
        await host.run();
        status = await client.get('a').status();
        if (status?.state !== 'parked') break;
        await client.get('a').resolve({ action: 'retry' });
      }
      if (status === undefined) throw new Error('no status');
      const { state, steps } = status;
      runs.push({ state, steps, books: shop.books, attempts: host.attempts });
    }
    const [replay, azure, verified] = runs;
    expect(['completed', 'compensated']).toContain(replay?.state);
    expect(verified).toEqual(replay);
    expect(azure).toEqual(replay);
  });
});

describe('the model of the Azure host', () => {
  it('refuses what the library alone would do about a window that slides over activities', async () => {
    const functions = captureFunctions(() => {
      df.app.orchestration('slides', function* (context) {
        const pending = [1, 2].map((n) => context.df.callActivity('work', { $step: { key: `k${n}`, attempt: 1 } }));
        yield context.df.Task.any(pending);
        const rest = pending.filter(({ isCompleted }) => !isCompleted);
        yield context.df.Task.any([...rest, context.df.callActivity('work', { $step: { key: 'k3', attempt: 1 } })]);
        return 'done';
      });
      df.app.activity('work', { handler: () => 'worked' });
    });
    const host = new SimulatedHost({
      functions: hostedFunctions(functions),
      mode: 'azure',
      treat: ({ key }) => ({ delay: key === 'k1' ? 10 : 1_000 }),
    });
    await host.startNew('slides', { instanceId: 'a', input: null });
    await expect(host.run()).rejects.toThrow('the library asked for #2 activity work {"$step":{"key":"k3"');
  });

  it('finds a history that its replay does not lead to', () => {
    const history = [
      makeEvent(EventType.orchestratorStarted, 0),
      makeEvent(EventType.executionStarted, 0),
      makeEvent(EventType.taskScheduled, 0, { EventId: 0, Name: 'book' }),
    ];
    const answer = (functionName: string) => ({ isDone: false, actions: [[{ actionType: 0, functionName }]] });
    expect(replayOnAzure(history, answer('book'))).toMatchObject({ scheduled: [], isComplete: false });
    expect(() => replayOnAzure(history, answer('pay'))).toThrow('the history holds activity #0');
    expect(() => replayOnAzure(history, { isDone: false, actions: [[]] })).toThrow('nothing (yet) of that number');
  });

  it('keeps an instance open until the last of its attempts has answered', async () => {
    const late = ({ name }: Attempt): Treatment | undefined => (name === 'authorise' ? { delay: 600_000 } : undefined);
    const ends: Record<string, number> = {};
    for (const mode of MODES) {
      const host = createSagaHost({ ...shopOf(new Shop()), mode, treat: late }).durable;
      await sagaClients({ sell })(host).sell.start(threeLines, { id: 'a' });
      const startedAt = host.now;
      while (!host.instance('a').isCompleted) await host.run({ until: host.now + 1_000 });
      ends[mode] = host.now - startedAt;
    }
    expect(ends['replay']).toBe(ends['verify']);
    expect(ends['replay']).toBeLessThan(120_000);
    expect(ends['azure']).toBeGreaterThan(600_000);
  });
});
