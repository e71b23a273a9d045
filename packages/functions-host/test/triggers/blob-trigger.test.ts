import type { FunctionRuntime } from '../../src/app/function-runtime';
import type { InvocationCall, Invoker } from '../../src/app/invocation';
import { unwatched } from '../../src/in-flight';
import { parseBlobPattern } from '../../src/triggers/blob-path';
import { type BlobSource, type ListedBlob, receiptKey } from '../../src/triggers/blob-source';
import { createBlobTrigger } from '../../src/triggers/blob-trigger';
import { createCollectedLog } from '../support/collected-log';
import { createManualClock } from '../support/manual-clock';

/** A container in memory; `down` names what fails. */
function createContainer() {
  const blobs = new Map<string, { etag: string; text: string; at: number }>();
  const receipts = new Set<string>();
  const poison: string[] = [];
  const down = new Set<'list' | 'read' | 'receipts' | 'poison'>();
  const pageSize = 2;
  let versions = 0;
  const check = (what: 'list' | 'read' | 'receipts' | 'poison'): void => {
    if (down.has(what)) throw new Error(`${what} is down`);
  };
  const source: { -readonly [Key in keyof BlobSource]: BlobSource[Key] } = {
    async *list(prefix) {
      check('list');
      const all = [...blobs].filter(([name]) => name.startsWith(prefix)).sort();
      for (let from = 0; from < all.length; from += pageSize) {
        const page: ListedBlob[] = all
          .slice(from, from + pageSize)
          .map(([name, { etag, at }]) => ({ name, etag, lastModified: at }));
        yield await Promise.resolve(page);
      }
    },
    async read(blob) {
      await Promise.resolve();
      check('read');
      const found = blobs.get(blob.name);
      if (found?.etag !== blob.etag) return undefined;
      const times = { created: undefined, modified: undefined };
      return {
        content: Buffer.from(found.text),
        uri: `http://x/${blob.name}`,
        properties: { ETag: found.etag },
        metadata: {},
        ...times,
      };
    },
    receipts: () => Promise.resolve(new Set(receipts)),
    async writeReceipt(blob) {
      await Promise.resolve();
      check('receipts');
      receipts.add(receiptKey('inbox', blob));
    },
    async sendPoison(blob) {
      await Promise.resolve();
      check('poison');
      poison.push(blob.name);
    },
  };
  const put = (name: string, text = ''): void => {
    versions++;
    blobs.set(name, { etag: `v${versions}`, text, at: versions });
  };
  return { source, put, blobs, receipts, poison, down };
}

function createWatcher(
  container: ReturnType<typeof createContainer>,
  options: { run?: (path: string) => Promise<void>; parallelism?: number } = {},
) {
  const clock = createManualClock(0);
  const log = createCollectedLog();
  const calls: InvocationCall[] = [];
  const invoker: Pick<Invoker, 'invoke'> = {
    async invoke(_runtime, call) {
      calls.push(call);
      await options.run?.(call.triggerMetadata?.['BlobTrigger']?.string ?? '');
      return {};
    },
  };
  const trigger = createBlobTrigger({
    runtime: {
      fn: { name: 'onBlob' },
      displayName: 'Functions.onBlob',
    } as unknown as FunctionRuntime,
    pattern: parseBlobPattern('inbox/{name}.csv'),
    source: container.source,
    attempts: 5,
    parallelism: options.parallelism ?? 8,
    sourceName: 'storage (setting S)',
    invoker: invoker as Invoker,
    clock,
    inFlight: unwatched,
    log,
  });
  const paths = (): string[] => calls.map((call) => call.triggerMetadata?.['BlobTrigger']?.string ?? '');
  return { clock, log, calls, trigger, paths };
}

describe('a blob trigger', () => {
  it('runs once for each version of each matching blob, oldest first, and says which blob it is', async () => {
    const container = createContainer();
    for (const name of ['c.csv', 'b.csv', 'note.txt', 'a.csv']) container.put(name, name);
    const { clock, trigger, paths, calls } = createWatcher(container);
    trigger.start();
    await clock.moveTo(5000);
    expect(paths()).toEqual(['inbox/c.csv', 'inbox/b.csv', 'inbox/a.csv']);
    expect(calls[0]).toMatchObject({
      reason: 'New blob detected(LogsAndContainerScan): inbox/c.csv',
      trigger: { bytes: Buffer.from('c.csv') },
      triggerMetadata: {
        Uri: { string: 'http://x/c.csv' },
        name: { string: 'c' },
        Properties: { json: '{"ETag":"v1"}' },
      },
    });
    container.put('b.csv', 'new');
    await clock.moveTo(8000);
    expect(paths().slice(3)).toEqual(['inbox/b.csv']);
  });

  it('knows after a restart, from the receipts, what it has handled', async () => {
    const container = createContainer();
    container.put('a.csv');
    const first = createWatcher(container);
    first.trigger.start();
    await first.clock.moveTo(1000);
    first.trigger.stop();
    container.put('b.csv');
    const second = createWatcher(container);
    second.trigger.start();
    await second.clock.moveTo(1000);
    expect([first.paths(), second.paths()]).toEqual([['inbox/a.csv'], ['inbox/b.csv']]);
  });

  it('tries a failing function five times, then sends a poison message and leaves the blob alone, also after a restart', async () => {
    const container = createContainer();
    container.put('bad.csv');
    const fail = () => Promise.reject(new Error('no luck'));
    const first = createWatcher(container, { run: fail });
    first.trigger.start();
    await first.clock.moveTo(10_000);
    expect(first.paths()).toHaveLength(5);
    expect(container.poison).toEqual(['bad.csv']);
    expect(first.log.messages()).toEqual([expect.stringContaining("queue 'webjobs-blobtrigger-poison'")]);
    const second = createWatcher(container, { run: fail });
    second.trigger.start();
    await second.clock.moveTo(10_000);
    expect(second.paths()).toEqual([]);
  });

  it('counts a death in the middle as no failed attempt', async () => {
    const container = createContainer();
    container.put('a.csv');
    for (let deaths = 0; deaths < 7; deaths++) {
      // A host that dies leaves its run hanging and writes nothing.
      const dying = createWatcher(container, { run: () => new Promise(() => undefined) });
      dying.trigger.start();
      await dying.clock.moveTo(10);
      expect(dying.paths()).toEqual(['inbox/a.csv']);
    }
    const last = createWatcher(container);
    last.trigger.start();
    await last.clock.moveTo(10);
    expect([last.paths(), container.poison, container.receipts.size]).toEqual([['inbox/a.csv'], [], 1]);
  });

  it('says once that storage is down, waits for it, and says that it is back', async () => {
    const container = createContainer();
    container.down.add('list');
    const { clock, trigger, paths, log } = createWatcher(container);
    trigger.start();
    await clock.moveTo(60_000);
    expect(log.lines).toEqual([
      {
        level: 'Warning',
        category: 'Host.Triggers.Blob',
        message: expect.stringContaining("can't work with storage (setting S): list is down") as string,
      },
    ]);
    container.put('a.csv');
    container.down.clear();
    await clock.moveTo(75_000);
    expect(paths()).toEqual(['inbox/a.csv']);
    expect(log.messages()[1]).toBe("The blob trigger of 'onBlob' works with storage (setting S) again.");
  });

  it('takes a blob that cannot be read for neither handled nor failed', async () => {
    const container = createContainer();
    container.put('a.csv');
    container.down.add('read');
    const { clock, trigger, paths } = createWatcher(container);
    trigger.start();
    await clock.moveTo(60_000);
    expect([paths(), container.poison]).toEqual([[], []]);
    container.down.clear();
    await clock.moveTo(75_000);
    expect(paths()).toEqual(['inbox/a.csv']);
  });

  it('does not run again for want of a receipt or of a poison message, and writes them when it can', async () => {
    const container = createContainer();
    container.put('bad.csv');
    container.put('good.csv');
    container.down.add('receipts').add('poison');
    const { clock, trigger, paths } = createWatcher(container, {
      run: (path) => (path.includes('bad') ? Promise.reject(new Error('no luck')) : Promise.resolve()),
    });
    trigger.start();
    await clock.moveTo(60_000);
    expect(paths()).toHaveLength(6);
    container.put('later.csv');
    await clock.moveTo(75_000);
    expect(paths().slice(6)).toEqual(['inbox/later.csv']);
    container.down.clear();
    await clock.moveTo(90_000);
    expect([container.poison, container.receipts.size, paths().length]).toEqual([['bad.csv'], 3, 7]);
  });

  it('loses no blob of a listing that broke off', async () => {
    const container = createContainer();
    for (const name of ['a.csv', 'b.csv', 'c.csv']) container.put(name);
    let isBroken = true;
    const { list } = container.source;
    const source: { -readonly [Key in keyof BlobSource]: BlobSource[Key] } = {
      ...container.source,
      async *list(prefix) {
        for await (const page of list(prefix)) {
          yield page;
          if (isBroken) throw new Error('connection reset');
        }
      },
    };
    const { clock, trigger, paths } = createWatcher({ ...container, source });
    trigger.start();
    await clock.moveTo(500);
    isBroken = false;
    await clock.moveTo(10_000);
    expect(paths()).toEqual(['inbox/a.csv', 'inbox/b.csv', 'inbox/c.csv']);
  });

  it('lists a container that says when a blob was written then, and not between', async () => {
    const container = createContainer();
    const wakers = new Set<() => void>();
    let listings = 0;
    const { list } = container.source;
    container.source.list = (prefix) => {
      listings++;
      return list(prefix);
    };
    container.source.watch = (wake) => {
      wakers.add(wake);
      return () => wakers.delete(wake);
    };
    const put = (name: string): void => {
      container.put(name);
      for (const wake of wakers) wake();
    };
    const { clock, trigger, paths } = createWatcher(container);
    const hour = 60 * 60_000;
    trigger.start();
    await clock.moveTo(72 * hour);
    expect(listings).toBe(1);
    put('a.csv');
    // Comes while the listing for the first is under way.
    put('b.csv');
    await clock.moveTo(80 * hour);
    expect(paths()).toEqual(['inbox/a.csv', 'inbox/b.csv']);
    expect(listings).toBe(3);
    // What is still to be written down is tried again by time.
    container.down.add('receipts');
    put('c.csv');
    await clock.moveTo(81 * hour);
    put('d.csv');
    container.down.clear();
    await clock.moveTo(82 * hour);
    expect(paths().slice(2)).toEqual(['inbox/c.csv', 'inbox/d.csv']);
    expect(container.receipts.size).toBe(4);
    const until = listings;
    await clock.moveTo(99 * hour);
    expect(listings).toBe(until);
    trigger.stop();
    expect(wakers.size).toBe(0);
    expect(clock.waiting).toBe(0);
  });

  it('handles no more blobs at once than it may', async () => {
    const container = createContainer();
    for (let n = 0; n < 9; n++) container.put(`${n}.csv`);
    let running = 0;
    let most = 0;
    const finish: (() => void)[] = [];
    const { clock, trigger, paths } = createWatcher(container, {
      parallelism: 3,
      run: () => {
        most = Math.max(most, ++running);
        return new Promise<void>((resolve) => finish.push(resolve)).then(() => {
          running--;
        });
      },
    });
    trigger.start();
    for (let at = 1; finish.length < 9 || running > 0; at++) {
      await clock.moveTo(at * 100);
      finish.splice(0).forEach((resolve) => resolve());
      if (paths().length === 9 && running <= 3) break;
    }
    expect([paths().length, most]).toEqual([9, 3]);
  });

  it('takes no new blob once it is stopped', async () => {
    const container = createContainer();
    const { clock, trigger, paths } = createWatcher(container);
    trigger.start();
    await clock.moveTo(1500);
    trigger.stop();
    container.put('a.csv');
    await clock.moveTo(60_000);
    expect(paths()).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  it('waits at its closing for the receipt of a run that has just ended', async () => {
    const container = createContainer();
    const { writeReceipt } = container.source;
    let write: () => void = () => undefined;
    container.source.writeReceipt = async (blob) => {
      await new Promise<void>((resolve) => (write = resolve));
      await writeReceipt(blob);
    };
    container.put('a.csv');
    const { clock, trigger } = createWatcher(container);
    trigger.start();
    await clock.moveTo(10);
    trigger.stop();
    let isClosed = false;
    const closing = trigger.close?.().then(() => (isClosed = true));
    await clock.moveTo(20);
    expect(isClosed).toBe(false);
    write();
    await closing;
    expect(container.receipts.size).toBe(1);
  });

  it('begins no run when it is stopped while it reads the blob', async () => {
    const container = createContainer();
    const { read } = container.source;
    let readOn: () => void = () => undefined;
    container.source.read = async (blob) => {
      await new Promise<void>((resolve) => (readOn = resolve));
      return read(blob);
    };
    container.put('a.csv');
    const { clock, trigger, paths } = createWatcher(container);
    trigger.start();
    await clock.moveTo(10);
    trigger.stop();
    readOn();
    await clock.moveTo(20);
    expect([paths(), container.receipts.size]).toEqual([[], 0]);
  });
});
