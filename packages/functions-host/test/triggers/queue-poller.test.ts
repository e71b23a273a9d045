import { createQueuePoller, type MessageOutcome } from '../../src/triggers/queue-poller';
import type { QueueMessage, QueueSource } from '../../src/triggers/queue-source';
import { createCollectedLog } from '../support/collected-log';
import { createCountedWork } from '../support/counted-work';
import { createManualClock, type ManualClock } from '../support/manual-clock';

const minute = 60_000;

/** A queue in memory that hides, shows and counts as storage does; `down` names what fails. */
function createQueue(clock: ManualClock) {
  const messages = new Map<string, { text: string; visibleAt: number; dequeueCount: number; receipt: number }>();
  const poison: string[] = [];
  const looks: number[] = [];
  const down = new Set<'receive' | 'remove' | 'hide' | 'poison'>();
  const check = (what: 'receive' | 'remove' | 'hide' | 'poison'): void => {
    if (down.has(what)) throw new Error(`${what} is down`);
  };
  const find = (id: string, popReceipt: string) => {
    const message = messages.get(id);
    return message !== undefined && String(message.receipt) === popReceipt ? message : undefined;
  };
  const source: { -readonly [Key in keyof QueueSource]: QueueSource[Key] } = {
    async receive(count, hiddenMs) {
      await Promise.resolve();
      looks.push(clock.now());
      check('receive');
      const visible = [...messages].filter(([, { visibleAt }]) => visibleAt <= clock.now()).slice(0, count);
      return visible.map(([id, message]): QueueMessage => {
        message.visibleAt = clock.now() + hiddenMs;
        message.dequeueCount++;
        message.receipt++;
        const at = new Date(0);
        const popReceipt = String(message.receipt);
        const { text, dequeueCount } = message;
        return { id, popReceipt, text, dequeueCount, insertedOn: at, expiresOn: at, nextVisibleOn: at };
      });
    },
    async remove({ id, popReceipt }) {
      await Promise.resolve();
      check('remove');
      if (find(id, popReceipt) !== undefined) messages.delete(id);
    },
    async hide({ id, popReceipt }, hiddenMs) {
      await Promise.resolve();
      check('hide');
      const message = find(id, popReceipt);
      if (message === undefined) return undefined;
      message.visibleAt = clock.now() + hiddenMs;
      message.receipt++;
      return String(message.receipt);
    },
    async sendPoison(text) {
      await Promise.resolve();
      check('poison');
      poison.push(text);
    },
  };
  const put = (...texts: string[]): void => {
    for (const text of texts) messages.set(text, { text, visibleAt: 0, dequeueCount: 0, receipt: 0 });
  };
  return { source, put, messages, poison, looks, down };
}

function createWatched(
  handle: (text: string) => Promise<MessageOutcome>,
  options: { batchSize?: number; newBatchThreshold?: number; visibilityMs?: number; poison?: boolean } = {},
) {
  const clock = createManualClock(0);
  const log = createCollectedLog();
  const queue = createQueue(clock);
  const handled: string[] = [];
  const work = createCountedWork();
  const poller = createQueuePoller({
    source: queue.source,
    title: "queue trigger of 'f'",
    sourceName: 'storage',
    category: 'Host.Triggers.Queue',
    poisonQueueName: options.poison === false ? undefined : 'q-poison',
    batchSize: options.batchSize ?? 16,
    newBatchThreshold: options.newBatchThreshold ?? 8,
    maxPollingMs: 2000,
    visibilityMs: options.visibilityMs ?? 0,
    maxDequeueCount: 3,
    handle: (message) => {
      handled.push(message.text);
      return handle(message.text);
    },
    clock,
    inFlight: work,
    log,
  });
  return { clock, log, queue, poller, handled, running: work.list };
}

const done = (): Promise<MessageOutcome> => Promise.resolve('done');
const failed = (): Promise<MessageOutcome> => Promise.resolve('failed');

/** A handler that ends when told to. */
function createGate() {
  const waiting: ((outcome: MessageOutcome) => void)[] = [];
  return {
    handle: () => new Promise<MessageOutcome>((resolve) => waiting.push(resolve)),
    open: (outcome: MessageOutcome = 'done') => waiting.shift()?.(outcome),
  };
}

describe('a queue poller', () => {
  it('looks ever less often into an empty queue, up to the set pause, and at once when it is woken', async () => {
    const { clock, queue, poller } = createWatched(done);
    poller.start();
    await clock.moveTo(8000);
    expect(queue.looks).toEqual([0, 100, 300, 700, 1500, 3100, 5100, 7100]);
    queue.put('a');
    poller.wake();
    await clock.moveTo(8001);
    expect(queue.looks.slice(8)).toEqual([8000, 8000]);
    expect(queue.messages.size).toBe(0);
    await clock.moveTo(8350);
    expect(queue.looks.slice(10)).toEqual([8100, 8300]);
  });

  it('fetches the next batch when no more than the threshold are being handled', async () => {
    const gate = createGate();
    const { clock, queue, poller, handled } = createWatched(gate.handle, { batchSize: 4, newBatchThreshold: 2 });
    queue.put(...Array.from({ length: 10 }, (_, at) => `m${at}`));
    poller.start();
    await clock.moveTo(5000);
    expect(handled).toHaveLength(4);
    gate.open();
    await clock.moveTo(5001);
    expect(handled).toHaveLength(4);
    gate.open();
    await clock.moveTo(5002);
    expect(handled).toHaveLength(8);
  });

  it('handles one at a time with a batch of 1 and a threshold of 0', async () => {
    const gate = createGate();
    const { clock, queue, poller, handled } = createWatched(gate.handle, { batchSize: 1, newBatchThreshold: 0 });
    queue.put('a', 'b');
    poller.start();
    await clock.moveTo(60_000);
    expect(handled).toEqual(['a']);
    gate.open();
    await clock.moveTo(60_001);
    expect(handled).toEqual(['a', 'b']);
  });

  it('keeps a message hidden as long as its handler runs, and then removes it', async () => {
    const gate = createGate();
    const { clock, queue, poller, handled } = createWatched(gate.handle);
    queue.put('long');
    poller.start();
    await clock.moveTo(47 * minute);
    expect(handled).toEqual(['long']);
    expect(queue.messages.get('long')).toMatchObject({ visibleAt: 55 * minute, dequeueCount: 1 });
    gate.open();
    await clock.moveTo(48 * minute);
    expect(queue.messages.size).toBe(0);
  });

  it('shows a failed message again after the set time, and gives it up after the last attempt', async () => {
    const { clock, queue, poller, handled, log } = createWatched(failed, { visibilityMs: 30_000 });
    queue.put('bad');
    poller.start();
    await clock.moveTo(29_000);
    expect(handled).toHaveLength(1);
    await clock.moveTo(5 * minute);
    expect(handled).toHaveLength(3);
    expect(queue.poison).toEqual(['bad']);
    expect(queue.messages.size).toBe(0);
    expect(log.messages()).toEqual(["Message has reached MaxDequeueCount of 3. Moving message to queue 'q-poison'."]);
  });

  it('does not run a message that was fetched too often already, and gives up at once one that is of no use', async () => {
    const { clock, queue, poller, handled } = createWatched(() => Promise.resolve('useless'));
    queue.put('spent', 'useless');
    const spent = queue.messages.get('spent');
    if (spent !== undefined) spent.dequeueCount = 3;
    poller.start();
    await clock.moveTo(1000);
    expect(handled).toEqual(['useless']);
    expect(queue.poison.sort()).toEqual(['spent', 'useless']);
    expect(queue.messages.size).toBe(0);
  });

  it('leaves what fails for good hidden in a queue without a poison queue', async () => {
    const { clock, queue, poller, handled } = createWatched(failed, { poison: false });
    queue.put('bad');
    poller.start();
    await clock.moveTo(5 * minute);
    expect(handled).toHaveLength(3);
    expect(queue.messages.size).toBe(1);
  });

  it('remembers what was handled while storage is away, removes it later, and does not run it again', async () => {
    const { clock, queue, poller, handled, log } = createWatched(done);
    queue.put('a');
    queue.down.add('remove').add('receive');
    poller.start();
    await clock.moveTo(20_000);
    expect(handled).toEqual([]);
    queue.down.delete('receive');
    await clock.moveTo(40_000);
    expect(handled).toEqual(['a']);
    expect(queue.messages.size).toBe(1);
    queue.down.clear();
    await clock.moveTo(60_000);
    expect(handled).toEqual(['a']);
    expect(queue.messages.size).toBe(0);
    expect(log.messages()[0]).toBe(
      "The queue trigger of 'f' can't work with storage: receive is down. It keeps trying.",
    );
    expect(log.messages().at(-1)).toBe("The queue trigger of 'f' works with storage again.");
  });

  it('loses no message when storage goes away between the poison queue and the removal', async () => {
    const { clock, queue, poller } = createWatched(() => Promise.resolve('useless'));
    queue.put('bad');
    queue.down.add('poison');
    poller.start();
    await clock.moveTo(20_000);
    expect([queue.poison, queue.messages.size]).toEqual([[], 1]);
    queue.down.delete('poison');
    queue.down.add('remove');
    await clock.moveTo(40_000);
    expect([queue.poison, queue.messages.size]).toEqual([['bad'], 1]);
    queue.down.clear();
    await clock.moveTo(60_000);
    expect([queue.poison, queue.messages.size]).toEqual([['bad'], 0]);
  });

  it('fetches nothing after a stop, lets what runs end, and shows again at its closing what did not', async () => {
    const gate = createGate();
    const { clock, queue, poller, handled } = createWatched(gate.handle);
    queue.put('ends', 'runs on');
    poller.start();
    await clock.moveTo(1000);
    poller.stop();
    queue.put('new');
    gate.open();
    await clock.moveTo(2000);
    expect([...queue.messages.keys()]).toEqual(['runs on', 'new']);
    await poller.close();
    expect(queue.messages.get('runs on')).toMatchObject({ visibleAt: 2000 });
    await clock.moveTo(60 * minute);
    expect(handled).toEqual(['ends', 'runs on']);
    expect(clock.waiting).toBe(0);
  });

  it('looks into a queue that says when there is something to fetch then, and not between', async () => {
    const { clock, queue, poller, handled } = createWatched(done);
    const wakers = new Set<() => void>();
    queue.source.watch = (wake) => {
      wakers.add(wake);
      return () => wakers.delete(wake);
    };
    const ring = (): void => {
      for (const wake of wakers) wake();
    };
    poller.start();
    await clock.moveTo(3 * 24 * 60 * minute);
    expect(queue.looks).toEqual([0]);
    queue.put('a');
    ring();
    await clock.moveTo(clock.now() + 60 * minute);
    expect(handled).toEqual(['a']);
    expect(queue.looks).toHaveLength(3);
    // While it can't be reached it is tried by time, and what comes meanwhile is found then.
    queue.down.add('receive');
    ring();
    await clock.moveTo(clock.now() + 5 * minute);
    queue.put('b');
    ring();
    expect(queue.looks.length).toBeGreaterThan(10);
    queue.down.clear();
    await clock.moveTo(clock.now() + minute);
    expect(handled).toEqual(['a', 'b']);
    const looks = queue.looks.length;
    await clock.moveTo(clock.now() + 60 * minute);
    expect(queue.looks).toHaveLength(looks);
    poller.stop();
    expect(wakers.size).toBe(0);
    expect(clock.waiting).toBe(0);
  });

  it.each([0, 1, 2, 3, 4, 5, 6])(
    'misses no message of such a queue that comes %i promises after a look has begun',
    async (count) => {
      const { clock, queue, poller, handled } = createWatched(done);
      let ring = (): void => undefined;
      queue.source.watch = (wake) => {
        ring = wake;
        return () => undefined;
      };
      poller.start();
      for (let at = 0; at < count; at++) await Promise.resolve();
      queue.put('a');
      ring();
      await clock.moveTo(1);
      expect(handled).toEqual(['a']);
    },
  );

  it('tells of each look and each message as long as there is something to do about it', async () => {
    const gate = createGate();
    const { clock, queue, poller, running } = createWatched(gate.handle, { visibilityMs: minute });
    queue.put('a');
    poller.start();
    expect(running()).toEqual(["a look of the queue trigger of 'f'"]);
    await clock.moveTo(1);
    expect(running()).toEqual(["message a of the queue trigger of 'f'"]);
    queue.down.add('remove');
    gate.open();
    await clock.moveTo(2);
    // Storage is away, and only time brings it back.
    expect(running()).toEqual([]);
    queue.down.clear();
    await clock.moveTo(2 * minute);
    expect(queue.messages.size).toBe(0);
    expect(running()).toEqual([]);
  });

  it('looks into the queue only once it was started, however often it is woken', async () => {
    const { clock, queue, poller, handled } = createWatched(done);
    queue.put('a');
    poller.wake();
    await clock.moveTo(10_000);
    expect([queue.looks, handled]).toEqual([[], []]);
    poller.start();
    await clock.moveTo(10_001);
    expect(handled).toEqual(['a']);
  });

  it('keeps a message that the poison queue did not take by the time of the stop', async () => {
    const { clock, queue, poller } = createWatched(() => Promise.resolve('useless'));
    queue.put('bad');
    queue.down.add('poison');
    poller.start();
    await clock.moveTo(500);
    poller.stop();
    await clock.moveTo(20_000);
    await poller.close();
    expect([queue.poison, [...queue.messages.keys()]]).toEqual([[], ['bad']]);
  });

  it('shows again at its closing what it was just fetching', async () => {
    const gate = createGate();
    const { clock, queue, poller, handled } = createWatched(done);
    const { receive } = queue.source;
    queue.source.receive = async (count, hiddenMs) => {
      const found = await receive(count, hiddenMs);
      await gate.handle();
      return found;
    };
    queue.put('late');
    poller.start();
    await clock.moveTo(100);
    expect(queue.messages.get('late')?.visibleAt).toBe(10 * minute);
    poller.stop();
    const closed = poller.close();
    gate.open();
    await closed;
    expect(queue.messages.get('late')?.visibleAt).toBe(100);
    expect(handled).toEqual([]);
  });

  it('removes a message whose handler ends while it is being hidden anew', async () => {
    const [handling, hiding] = [createGate(), createGate()];
    const { clock, queue, poller } = createWatched(handling.handle);
    const { hide } = queue.source;
    queue.source.hide = async (message, hiddenMs) => {
      const receipt = await hide(message, hiddenMs);
      await hiding.handle();
      return receipt;
    };
    queue.put('long');
    poller.start();
    await clock.moveTo(5 * minute);
    handling.open();
    await clock.moveTo(5 * minute + 1);
    hiding.open();
    await clock.moveTo(6 * minute);
    expect(queue.messages.size).toBe(0);
  });
});
