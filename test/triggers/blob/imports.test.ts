import { createBlobFiles } from '../../../src/adapters/azure-blobs';
import { startOrdersImport, startProductsImport } from '../../../src/triggers/blob/imports';
import type { Files } from '../../../src/ports';
import { startBlobStorage } from '../../support/blob-storage';
import type { BlobStorage } from '../../support/blob-storage';
import { createFakeTaskHub } from '../../support/fake-task-hub';
import type { FakeTaskHub } from '../../support/fake-task-hub';
import { createContext } from '../../support/invoke';

let storage: BlobStorage;
let files: Files;

let paused: number[] = [];
const pause = async (duration: number): Promise<void> => {
  paused.push(duration);
};
beforeEach(() => {
  paused = [];
});

beforeAll(async () => {
  storage = await startBlobStorage();
  files = createBlobFiles(storage, 'imports');
});
afterAll(() => storage.stop());

/** One app alone claims nothing: it asks for no row. */
const imports = {
  claim: () => Promise.reject(new Error('nobody is to be asked')),
  adopt: () => Promise.reject(new Error('nobody is to be asked')),
};
const depsOf = (hub: FakeTaskHub) => ({ files, imports, hubsOf: () => ({ own: hub.client }), pause });

async function* only(content: string): AsyncGenerator<string> {
  yield content;
}

function contextOf(blobTrigger: unknown): ReturnType<typeof createContext> {
  const made = createContext();
  made.context.triggerMetadata = { blobTrigger };
  return made;
}

describe('an uploaded file', () => {
  it('starts one import, however often it is announced, and one more when other content is uploaded', async () => {
    const hub = createFakeTaskHub();
    const start = startOrdersImport(depsOf(hub));
    await files.write('orders/june.csv', only('a'), 'text/csv');
    const first = contextOf('imports/orders/june.csv');
    await start(Buffer.from('a'), first.context);
    await start(Buffer.from('a'), contextOf('imports/orders/june.csv').context);
    expect([...hub.instances.keys()]).toEqual([expect.stringMatching(/^import:orders-june:[0-9a-f]{24}$/)]);
    const [instance] = hub.instances.values();
    expect(instance).toMatchObject({ name: 'importOrders', output: { input: { path: 'orders/june.csv' } } });
    expect(first.lines.map(({ args }) => String(args[0]))).toEqual([
      expect.stringMatching(/^started import:orders-june:/),
    ]);

    await files.write('orders/june.csv', only('b'), 'text/csv');
    await start(Buffer.from('b'), contextOf('imports/orders/june.csv').context);
    expect(hub.instances.size).toBe(2);
  });

  it('starts the import of its own kind', async () => {
    const hub = createFakeTaskHub();
    await files.write('products/all.csv', only('a'), 'text/csv');
    await startProductsImport(depsOf(hub))('', contextOf('imports/products/all.csv').context);
    expect([...hub.instances.values()].map(({ name }) => name)).toEqual(['importProducts']);
  });

  it('is tried again while the task hub is away, as long as an invocation may take', async () => {
    const hub = createFakeTaskHub();
    await files.write('orders/july.csv', only('a'), 'text/csv');
    let isAway = 4;
    const hubsOf = () => {
      if ((isAway -= 1) >= 0) throw new Error('the task hub is away');
      return { own: hub.client };
    };
    const start = startOrdersImport({ ...depsOf(hub), hubsOf });
    const { context, lines } = contextOf('imports/orders/july.csv');
    await start('', context);
    expect(hub.instances.size).toBe(1);
    expect(paused).toEqual([500, 1_000, 2_000, 4_000]);
    expect(lines.map(({ level }) => level)).toEqual(['warning', 'warning', 'warning', 'warning', 'information']);

    isAway = Infinity;
    paused = [];
    await expect(start('', context)).rejects.toThrow('the task hub is away');
    const waited = paused.reduce((sum, duration) => sum + duration, 0);
    expect(waited).toBeGreaterThanOrEqual(300_000);
    expect(waited).toBeLessThan(330_000);
  });

  it('that was deleted meanwhile starts nothing, which is said', async () => {
    const hub = createFakeTaskHub();
    const { context, lines } = contextOf('imports/orders/gone.csv');
    await startOrdersImport(depsOf(hub))('', context);
    expect(hub.instances.size).toBe(0);
    expect(lines).toEqual([
      { level: 'warning', args: ['orders/gone.csv was deleted before its import could start: nothing is imported'] },
    ]);
  });

  it('fails when the trigger does not tell its path', async () => {
    const start = startOrdersImport(depsOf(createFakeTaskHub()));
    await expect(start('', contextOf(undefined).context)).rejects.toThrow('expected trigger metadata blobTrigger');
  });
});
