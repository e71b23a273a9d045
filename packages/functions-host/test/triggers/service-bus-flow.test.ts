import { realClock } from '../../src/clock';
import { type BatchSize, createMessageFlow } from '../../src/triggers/service-bus-flow';
import type { Held } from '../../src/triggers/service-bus-held';
import { createCollectedLog } from '../support/collected-log';
import { createCountedWork } from '../support/counted-work';
import { createManualClock } from '../support/manual-clock';
import { createMemoryEntity } from '../support/memory-entity';
import { until } from '../support/until';

const minute = 60_000;

interface FlowSettings {
  readonly parallelism?: number;
  readonly prefetch?: number;
  readonly batch?: BatchSize;
  readonly autoComplete?: boolean;
  readonly maxLockRenewalMs?: number;
}

function createRunning(handle: (held: readonly Held[]) => Promise<boolean>, settings: FlowSettings = {}) {
  const clock = createManualClock(0);
  const log = createCollectedLog();
  const work = createCountedWork();
  const entity = createMemoryEntity(clock);
  const handled: string[][] = [];
  const flow = createMessageFlow({
    source: entity.source,
    title: "Service Bus trigger of 'f'",
    category: 'Host.Triggers.ServiceBus',
    parallelism: settings.parallelism ?? 16,
    prefetch: settings.prefetch ?? 0,
    batch: settings.batch,
    autoComplete: settings.autoComplete ?? true,
    maxLockRenewalMs: settings.maxLockRenewalMs ?? 5 * minute,
    handle: (held) => {
      handled.push(held.map(({ message }) => String(message.messageId)));
      return handle(held);
    },
    onOpen: () => undefined,
    onError: () => undefined,
    clock,
    pauses: realClock,
    inFlight: work,
    log,
  });
  return { clock, log, entity, flow, handled, running: work.list };
}

const done = (): Promise<boolean> => Promise.resolve(true);
const failed = (): Promise<boolean> => Promise.resolve(false);

/** A handler whose runs end when they are told to. */
function createGate() {
  const waiting: ((succeeded: boolean) => void)[] = [];
  return {
    handle: () => new Promise<boolean>((resolve) => waiting.push(resolve)),
    open: (succeeded = true) => waiting.shift()?.(succeeded),
    count: () => waiting.length,
  };
}

describe('messages of Service Bus, one by one', () => {
  it('are completed when their function has ended, and are not work any more then', async () => {
    const { entity, flow, handled, running } = createRunning(done);
    entity.put('a', 'b');
    flow.start();
    await until(() => entity.ids().length === 0 && running().length === 0);
    expect(handled).toEqual([['a'], ['b']]);
    expect(entity.settled).toEqual(['complete a', 'complete b']);
    entity.put('c');
    await until(() => entity.settled.length === 3);
  });

  it('go to as many functions at once as are allowed, and no more are locked than that', async () => {
    const gate = createGate();
    const { entity, flow, handled, running } = createRunning(gate.handle, { parallelism: 2 });
    entity.put('a', 'b', 'c');
    flow.start();
    await until(() => gate.count() === 2);
    expect(handled).toEqual([['a'], ['b']]);
    expect(running()).toEqual([
      "message a of the Service Bus trigger of 'f'",
      "message b of the Service Bus trigger of 'f'",
    ]);
    gate.open();
    await until(() => handled.length === 3);
    expect(handled[2]).toEqual(['c']);
  });

  it('are fetched ahead when that is asked for', async () => {
    const gate = createGate();
    const { entity, flow, running } = createRunning(gate.handle, { parallelism: 1, prefetch: 2 });
    entity.put('a', 'b', 'c', 'd');
    flow.start();
    await until(() => running().length === 3);
    expect(gate.count()).toBe(1);
  });

  it('are abandoned when their function fails, and come again', async () => {
    let tries = 0;
    const { entity, flow } = createRunning(() => Promise.resolve(++tries > 2));
    entity.put('a');
    flow.start();
    await until(() => entity.ids().length === 0);
    expect(entity.settled).toEqual(['abandon a', 'abandon a', 'complete a']);
  });

  it('are left alone when completing is the function’s affair, until their locks run out', async () => {
    const { clock, entity, flow, handled, running } = createRunning(done, { autoComplete: false });
    entity.put('a');
    flow.start();
    await until(() => handled.length === 1 && running().length === 0);
    expect(entity.settled).toEqual([]);
    await clock.moveTo(minute);
    entity.put('b');
    await until(() => handled.length === 3);
    expect(handled).toEqual([['a'], ['a'], ['b']]);
  });

  it('are not settled a second time when the function has done it, even without waiting for it', async () => {
    const { entity, flow, running, log } = createRunning(([held]) => {
      void held?.deadLetter({ reason: 'bad' });
      return Promise.resolve(false);
    });
    entity.put('a');
    flow.start();
    await until(() => entity.settled.length === 1 && running().length === 0);
    expect(entity.settled).toEqual(['deadLetter(bad) a']);
    expect(log.messages()).toEqual([]);
  });

  it('can be settled once', async () => {
    const errors: string[] = [];
    const { entity, flow, running } = createRunning(async ([held]) => {
      await held?.complete();
      await held?.abandon().catch((error: unknown) => errors.push((error as Error).message));
      return true;
    });
    entity.put('a');
    flow.start();
    await until(() => errors.length === 1 && running().length === 0);
    expect(errors).toEqual(["message 'a' is settled already: it can't be settled again (abandon)."]);
    expect(entity.settled).toEqual(['complete a']);
  });

  it('stay locked while their function runs, up to the set time', async () => {
    const gate = createGate();
    const { clock, entity, flow } = createRunning(gate.handle, { maxLockRenewalMs: 2 * minute });
    entity.put('a');
    flow.start();
    await until(() => gate.count() === 1);
    await clock.moveTo(5 * minute);
    expect(entity.renewals).toEqual([50_000, 100_000]);
  });

  it('say that they come again when their lock was lost while they were handled', async () => {
    const gate = createGate();
    const { entity, flow, log } = createRunning(gate.handle);
    entity.put('a');
    flow.start();
    await until(() => gate.count() === 1);
    entity.loseLocks();
    gate.open();
    await until(() => log.lines.length > 0);
    expect(log.messages()).toEqual([
      "The Service Bus trigger of 'f' has handled message 'a', but it comes again: its lock was lost.",
    ]);
  });

  it('are completed when the broker is back, with one line about its being away', async () => {
    const gate = createGate();
    const { entity, flow, log } = createRunning(gate.handle);
    entity.put('a');
    flow.start();
    await until(() => gate.count() === 1);
    entity.setDown(true);
    gate.open();
    await until(() => log.lines.length === 1);
    entity.setDown(false);
    await until(() => entity.settled.length === 1);
    expect(entity.settled).toEqual(['complete a']);
    expect(log.messages()).toEqual([
      "The Service Bus trigger of 'f' could not complete message 'a' yet: the broker is away",
    ]);
  });

  it('go back at a stop when they have not begun, and in the end when they have not ended', async () => {
    const gate = createGate();
    const { entity, flow, running } = createRunning(gate.handle, { parallelism: 1, prefetch: 1 });
    entity.put('a', 'b');
    flow.start();
    await until(() => running().length === 2);
    await flow.stop();
    expect(entity.settled).toEqual(['abandon b']);
    await flow.close();
    expect(entity.settled).toEqual(['abandon b', 'abandon a']);
    gate.open();
    await flow.settled();
    expect(entity.settled).toEqual(['abandon b', 'abandon a']);
    expect(running()).toEqual([]);
  });
});

describe('messages of Service Bus in batches', () => {
  const batch: BatchSize = { most: 3, least: 1, waitMs: 30_000, isSteady: false };

  it('are as many as have come, up to the largest number, and the next when these are done', async () => {
    const gate = createGate();
    const { entity, flow, handled } = createRunning(gate.handle, { batch });
    entity.put('a', 'b', 'c', 'd', 'e');
    flow.start();
    await until(() => gate.count() === 1);
    expect(handled).toEqual([['a', 'b', 'c']]);
    gate.open();
    await until(() => handled.length === 2);
    expect(handled[1]).toEqual(['d', 'e']);
    expect(entity.settled).toEqual(['complete a', 'complete b', 'complete c']);
    gate.open();
    await until(() => entity.ids().length === 0);
  });

  it('let nothing come while their function runs', async () => {
    const gate = createGate();
    const { entity, flow, running, handled } = createRunning(gate.handle, { batch });
    entity.put('a');
    flow.start();
    await until(() => gate.count() === 1);
    entity.put('b');
    expect(running()).toHaveLength(1);
    gate.open();
    await until(() => handled.length === 2);
    expect(entity.opened()).toBe(2);
  });

  it('wait for the smallest number, without that being work, and go with fewer after the set time', async () => {
    const { clock, entity, flow, handled, running } = createRunning(done, { batch: { ...batch, least: 2 } });
    entity.put('a');
    flow.start();
    await until(() => entity.opened() === 1 && clock.waiting > 0);
    expect(running()).toEqual([]);
    await clock.moveTo(29_999);
    expect(handled).toEqual([]);
    await clock.moveTo(30_000);
    await until(() => handled.length === 1);
    expect(handled).toEqual([['a']]);
    await until(() => entity.ids().length === 0);
    entity.put('b', 'c');
    await until(() => handled.length === 2);
    expect(handled[1]).toEqual(['b', 'c']);
  });

  it('are not kept locked: a batch whose function takes longer comes again', async () => {
    const gate = createGate();
    const { clock, entity, flow } = createRunning(gate.handle, { batch, maxLockRenewalMs: 0 });
    entity.put('a');
    flow.start();
    await until(() => gate.count() === 1);
    await clock.moveTo(50 * 1000);
    expect(entity.renewals).toEqual([]);
  });

  it('leave out of settling what the function has settled', async () => {
    const { entity, flow } = createRunning(
      async (held) => {
        await held[1]?.defer();
        return false;
      },
      { batch },
    );
    entity.put('a', 'b', 'c');
    flow.start();
    await until(() => entity.settled.length >= 3);
    expect(entity.settled.slice(0, 3)).toEqual(['defer b', 'abandon a', 'abandon c']);
    await flow.stop();
  });

  it('of a source that can’t be interrupted wait for the next one', async () => {
    const gate = createGate();
    const { entity, flow, handled } = createRunning(gate.handle, { batch: { ...batch, isSteady: true } });
    entity.put('a');
    flow.start();
    await until(() => gate.count() === 1);
    entity.put('b', 'c');
    gate.open();
    await until(() => handled.length === 2);
    expect(handled).toEqual([['a'], ['b', 'c']]);
    expect(entity.opened()).toBe(1);
  });
});

it('never completes what failed', async () => {
  const { entity, flow, handled } = createRunning(failed, { parallelism: 1 });
  entity.put('a');
  flow.start();
  await until(() => handled.length >= 5);
  await flow.stop();
  await flow.close();
  expect(new Set(entity.settled)).toEqual(new Set(['abandon a']));
  expect(entity.ids()).toEqual(['a']);
});
