import type { Database, Queryable } from './postgres-database';

/**
 * Sends what nobody has sent yet. `note` writes that it was sent where that isn't written, which holds the rows until the
 * end: whoever comes at the same moment waits, and then finds it done. A process that dies before the commit leaves it
 * unsent, though it may have gone out: it is sent again under the same key, by which mail servers know it.
 */
export async function sendOnce(
  database: Database,
  send: () => Promise<void>,
  note: (tx: Queryable) => Promise<{ readonly rowCount: number | null }>,
): Promise<void> {
  await database.transaction(async (tx) => {
    const { rowCount } = await note(tx);
    if (rowCount) await send();
  });
}
