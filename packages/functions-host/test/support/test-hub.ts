import { createMemoryStore } from '../../src/store/memory';
import { createPostgresStore } from '../../src/store/postgres';
import type { TaskHubStore } from '../../src/store/store';
import { startTestPostgres, type TestPostgres } from './postgres-server';

/**
 * For the tests of a `describe` on one kind of store, `memory` or `PostgreSQL`: makes task hubs. Of a hub stores are
 * made, one for each host that takes it over.
 */
export function useTestHubs(storeName: string): () => () => TaskHubStore {
  let server: TestPostgres | undefined;
  let hubs = 0;
  beforeAll(async () => {
    if (storeName === 'PostgreSQL') server = await startTestPostgres();
  });
  afterAll(() => server?.stop());
  return () => {
    if (server === undefined) {
      const kept = createMemoryStore();
      return () => kept;
    }
    const options = { url: server.url, schema: `hub_${hubs++}` };
    return () => createPostgresStore(options);
  };
}
