import { realClock } from '../../src/clock';
import type { Held } from '../../src/triggers/service-bus-held';
import { createReceivedMessages } from '../../src/triggers/service-bus-received';
import { createSessions } from '../../src/triggers/service-bus-sessions';
import { LockLostError } from '../../src/triggers/service-bus-source';
import { createTrouble } from '../../src/triggers/service-bus-trouble';
import { createCollectedLog } from '../support/collected-log';
import { createCountedWork } from '../support/counted-work';
import { createManualClock } from '../support/manual-clock';
import { createMemorySessions } from '../support/memory-entity';
import { until } from '../support/until';

const second = 1000;

function createRunning(
  handle: (held: readonly Held[]) => Promise<boolean>,
  { atOnce = 2, renewalMs = 300 * second } = {},
) {
  const clock = createManualClock(0);
  const log = createCollectedLog();
  const work = createCountedWork();
  const memory = createMemorySessions(clock);
  const received = createReceivedMessages();
  const handled: string[] = [];
  const about = { title: "Service Bus trigger of 'f'", category: 'Host.Triggers.ServiceBus', log };
  const sessions = createSessions({
    ...about,
    source: memory.source,
    maxConcurrentSessions: atOnce,
    sessionIdleMs: 60 * second,
    maxLockRenewalMs: renewalMs,
    received,
    trouble: createTrouble({ ...about, entityTitle: "queue 'q'", namespaceTitle: 'namespace n' }),
    handle: (held) => {
      handled.push(String(held[0]?.message.messageId));
      return handle(held);
    },
    flow: { autoComplete: true, parallelism: 1, prefetch: 0, batch: undefined },
    clock,
    pauses: realClock,
    inFlight: work,
  });
  return { clock, log, memory, received, sessions, handled, running: work.list };
}

/** Holds functions back until it is opened. */
function createGate() {
  let resolve: (succeeded: boolean) => void = () => undefined;
  const promise = new Promise<boolean>((given) => (resolve = given));
  return {
    promise,
    resolve: (succeeded: boolean) => {
      resolve(succeeded);
    },
  };
}

const done = (): Promise<boolean> => Promise.resolve(true);

describe('sessions of Service Bus', () => {
  it('are handled several at once, each in order, and given back when nothing has come for a while', async () => {
    const { clock, memory, sessions, handled, running } = createRunning(done);
    memory.put('x', 'x1', 'x2');
    memory.put('y', 'y1');
    memory.put('z', 'z1');
    sessions.start();
    await until(() => handled.length === 3 && running().length === 0);
    expect(handled.filter((id) => id.startsWith('x'))).toEqual(['x1', 'x2']);
    expect(memory.accepted).toEqual(['x', 'y']);
    await clock.moveTo(59 * second);
    expect(memory.closed).toEqual([]);
    await clock.moveTo(60 * second);
    await until(() => handled.length === 4);
    expect(memory.closed.sort()).toEqual(['x', 'y']);
    expect(handled[3]).toBe('z1');
  });

  it('stay locked while they are kept, up to the set time', async () => {
    const gate = createGate();
    const { clock, memory, sessions, handled } = createRunning(() => gate.promise, { renewalMs: 120 * second });
    memory.put('x', 'x1');
    sessions.start();
    await until(() => handled.length === 1);
    await clock.moveTo(200 * second);
    expect(memory.renewals).toEqual(['x', 'x']);
    gate.resolve(true);
  });

  it('are at the function’s disposal while it runs, and given back early when it wants that', async () => {
    const states: (string | undefined)[] = [];
    const running = createRunning(async ([held]) => {
      const session = running.received.session(held?.sessionId ?? 'x');
      states.push((await session?.getState())?.toString());
      await session?.setState(Buffer.from('begun'));
      session?.release();
      return true;
    });
    const { memory, sessions, received } = running;
    memory.put('x', 'x1');
    sessions.start();
    await until(() => memory.closed.length === 1);
    memory.put('x', 'x2');
    await until(() => memory.closed.length === 2);
    expect(states).toEqual([undefined, 'begun']);
    expect(received.session('x')).toBeUndefined();
  });

  it('that are lost half way are said to be, and what their function still settles fails', async () => {
    const errors: unknown[] = [];
    const gate = createGate();
    const { log, memory, sessions, handled } = createRunning(async ([held]) => {
      await gate.promise;
      await held?.complete().catch((error: unknown) => errors.push(error));
      return true;
    });
    memory.put('x', 'x1');
    sessions.start();
    await until(() => handled.length === 1);
    const entity = memory.entity('x');
    entity.loseLocks();
    entity.fail(new LockLostError('the session lock has expired'));
    gate.resolve(true);
    await until(() => errors.length > 0);
    expect(errors[0]).toBeInstanceOf(LockLostError);
    expect(log.messages()[0]).toBe(
      "The Service Bus trigger of 'f' has lost session 'x' (the session lock has expired): its messages come again, and what a function still settles of it fails.",
    );
    await until(() => memory.accepted.length === 2);
  });

  it('are waited for again when the broker is back, with one line for its being away', async () => {
    const { log, memory, sessions, handled } = createRunning(done);
    memory.setDown(true);
    sessions.start();
    await until(() => log.lines.length === 1);
    memory.setDown(false);
    memory.put('x', 'x1');
    await until(() => handled.length === 1);
    expect(log.messages()).toEqual([
      "The Service Bus trigger of 'f' can't receive from namespace n: the broker is away. It keeps trying.",
      "The Service Bus trigger of 'f' receives from namespace n again.",
    ]);
  });

  it('are given back at a stop, and none is waited for any more', async () => {
    const { memory, sessions, handled, running } = createRunning(done);
    memory.put('x', 'x1');
    sessions.start();
    await until(() => handled.length === 1 && running().length === 0);
    await sessions.stop();
    await sessions.close();
    expect(memory.closed).toEqual(['x']);
    memory.put('y', 'y1');
    expect(memory.accepted).toEqual(['x']);
  });
});
