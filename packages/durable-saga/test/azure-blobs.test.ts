import { BlobServiceClient } from '@azure/storage-blob';
import type { ContainerClient } from '@azure/storage-blob';
import { startStorage } from '../../functions-host/test/support/storage';
import type { TestStorage } from '../../functions-host/test/support/storage';
import { createBlobPayloads } from '../src/azure-blobs';
import { payloadsContract } from '../src/contracts';
import { createMemoryPayloads } from '../src/memory';
import { SimulatedHost } from '../src/testing/simulated-host';
import { composeReports } from './docs/large-values';
import { captureFunctions, hostedFunctions } from './support/functions-core';

let storage: TestStorage;
let container: ContainerClient;

beforeAll(async () => {
  storage = await startStorage();
  const service = BlobServiceClient.fromConnectionString(storage.connectionString);
  container = service.getContainerClient('payloads');
  await container.create();
}, 60_000);

afterAll(() => storage.stop());

describe('payloads as blobs', () => {
  let cases = 0;
  const open = async () => ({ store: createBlobPayloads(container, { prefix: `case-${(cases += 1)}/` }) });
  for (const { title, run } of payloadsContract(open)) it(title, run);

  it('deletes what was last put before a time, at most so many', async () => {
    const store = createBlobPayloads(container, { prefix: 'old/' });
    for (const key of ['a', 'b', 'c']) await store.put(key, key);
    const { lastModified } = await container.getBlobClient('old/c').getProperties();
    expect(await store.expire(new Date(lastModified!.getTime() - 60_000), 10)).toBe(0);
    const later = new Date(lastModified!.getTime() + 60_000);
    expect(await store.expire(later, 2)).toBe(2);
    expect(await store.expire(later, 2)).toBe(1);
    expect(await store.get('a')).toBeUndefined();
  });

  it('tells a container that is not there from a payload that is not there', async () => {
    const service = BlobServiceClient.fromConnectionString(storage.connectionString);
    const nowhere = createBlobPayloads(service.getContainerClient('nowhere'));
    await expect(nowhere.get('key')).rejects.toMatchObject({ code: 'ContainerNotFound' });
    await expect(nowhere.put('key', 'text')).rejects.toMatchObject({ code: 'ContainerNotFound' });
  });
});

describe('a saga whose large values are blobs', () => {
  it('runs as the documentation has it', async () => {
    const paper: string[] = [];
    let clients: ReturnType<typeof composeReports> | undefined;
    const functions = captureFunctions(() => {
      clients = composeReports({ paper }, container);
    });
    const host = new SimulatedHost({ functions: hostedFunctions(functions) });
    const document = 'long '.repeat(20_000);
    const handle = await clients!(host).report.start({ title: 'T', document }, { id: 'r-1' });
    await host.run();
    expect((await handle.status())?.outcome).toEqual({ outcome: 'completed', result: { pages: 50 } });
    expect(paper).toEqual([`T\n${document}`]);
    const names: string[] = [];
    for await (const { name } of container.listBlobsFlat({ prefix: 'claims/' })) names.push(name);
    expect(names).toHaveLength(2);
  });
});

describe('payloads in memory', () => {
  for (const { title, run } of payloadsContract(async () => ({ store: createMemoryPayloads() }))) it(title, run);
});
