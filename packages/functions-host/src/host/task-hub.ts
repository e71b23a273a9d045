import { createMemoryStore } from '../store/memory';
import { createPostgresStore } from '../store/postgres';
import type { TaskHubStore } from '../store/store';
import { StartError } from './start-error';

/**
 * The store of a task hub.
 * @param taskHub `memory`, or the URL of a PostgreSQL database, in which each hub has a schema of its own.
 * @throws StartError if it is neither. The URL is not repeated in full: it may hold a password.
 */
export function createTaskHubStore(taskHub: string, hubName: string): TaskHubStore {
  if (taskHub === 'memory') return createMemoryStore();
  if (/^postgres(ql)?:\/\//.test(taskHub) && URL.canParse(taskHub)) {
    return createPostgresStore({ url: taskHub, schema: toSchema(hubName) });
  }
  throw new StartError(
    `The task hub must be 'memory' or the URL of a PostgreSQL database (postgres://user:password@host:port/database); got '${taskHub.split('@').pop() ?? ''}'.`,
  );
}

/** PostgreSQL cuts names after 63 bytes. */
const maxNameBytes = 63;

function toSchema(hubName: string): string {
  return `hub_${hubName.toLowerCase().replace(/[^a-z0-9_]/g, '_')}`.slice(0, maxNameBytes);
}
