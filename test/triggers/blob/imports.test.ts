import { createBlobFiles } from '../../../src/adapters/azure-blobs';
import { startOrdersImport, startProductsImport } from '../../../src/triggers/blob/imports';
import type { Files } from '../../../src/ports';
import { startBlobStorage } from '../../support/blob-storage';
import type { BlobStorage } from '../../support/blob-storage';
import { createFakeTaskHub } from '../../support/fake-task-hub';
import { createContext } from '../../support/invoke';

let storage: BlobStorage;
let files: Files;

beforeAll(async () => {
  storage = await startBlobStorage();
  files = createBlobFiles(storage, 'imports');
});
afterAll(() => storage.stop());

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
    const start = startOrdersImport({ files, clientOf: () => hub.client });
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
    await startProductsImport({ files, clientOf: () => hub.client })('', contextOf('imports/products/all.csv').context);
    expect([...hub.instances.values()].map(({ name }) => name)).toEqual(['importProducts']);
  });

  it('that was deleted meanwhile starts nothing, which is said', async () => {
    const hub = createFakeTaskHub();
    const { context, lines } = contextOf('imports/orders/gone.csv');
    await startOrdersImport({ files, clientOf: () => hub.client })('', context);
    expect(hub.instances.size).toBe(0);
    expect(lines).toEqual([
      { level: 'warning', args: ['orders/gone.csv was deleted before its import could start: nothing is imported'] },
    ]);
  });

  it('fails when the trigger does not tell its path', async () => {
    const start = startOrdersImport({ files, clientOf: () => createFakeTaskHub().client });
    await expect(start('', contextOf(undefined).context)).rejects.toThrow('expected trigger metadata blobTrigger');
  });
});
