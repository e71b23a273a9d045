import type { TaskHubStore } from '../store/store';
import { createMemoryStore } from '../store/memory';
import { StartError } from './start-error';

/**
 * The store behind a `--task-hub` value.
 * @throws StartError if it is neither `memory` nor a PostgreSQL URL.
 */
export function createTaskHubStore(taskHub: string): TaskHubStore {
  if (taskHub === 'memory') return createMemoryStore();
  throw new StartError(`The task hub must be 'memory' or a postgres:// URL; got ${taskHub.slice(0, 20)}.`);
}
