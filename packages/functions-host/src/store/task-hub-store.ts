import { createMemoryStore } from './memory';
import type { TaskHubStore } from './store';

/**
 * The store of a task hub: `memory`, or a `postgres://` URL. Hubs of different names in one database are apart, each in
 * a schema of its own. Rejects when `taskHub` is neither.
 */
export async function createTaskHubStore(taskHub: string, hubName: string): Promise<TaskHubStore> {
  if (taskHub === 'memory') return createMemoryStore();
  if (!/^postgres(ql)?:\/\//.test(taskHub)) {
    throw new Error(`Expected the task hub to be 'memory' or a postgres:// URL, got '${taskHub}'.`);
  }
  const { createPostgresStore, toSchemaName } = await import('./postgres');
  return createPostgresStore({ url: taskHub, schema: toSchemaName(hubName) });
}
