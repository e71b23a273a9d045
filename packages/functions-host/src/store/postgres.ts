import { Client, Pool, type PoolClient } from 'pg';
import { createCommitStatements, type CommitStatements } from './postgres-commit';
import { toStoreError } from './postgres-errors';
import { lookAtLease, PostgresLease } from './postgres-lease';
import { migrate } from './postgres-migrations';
import { FIRST_FINISHED, toInstanceRow, toStatusNumber, type StoredRow } from './postgres-rows';
import { readStoredInstances, type Read } from './postgres-unfinished';
import {
  ENTITY_ID_PREFIX,
  StoreFenced,
  StoreRejected,
  type HeldMessage,
  type HubSession,
  type InstanceCommit,
  type InstanceFilter,
  type StoredInstance,
  type TaskHubStore,
  type TurnRow,
} from './store';

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  /** The task hub's schema in the database; it is made. Hubs in one database differ in it. */
  readonly schema?: string;
}

const READ_CONNECTIONS = 4;
const CONNECT_TIMEOUT_MS = 5_000;
/** A commit that takes longer counts as of unknown outcome; it is made again on a new connection, and applied once. */
const COMMIT_TIMEOUT_MS = 15_000;
/** For reads that somebody waits for. Those that go over the whole hub take their time. */
const READ_TIMEOUT_MS = 10_000;
/** Of a row of the instances table, called i. */
const IS_ENTITY = `starts_with(i.id, '${ENTITY_ID_PREFIX}')`;

/**
 * The commit's statement is planned once, and always by index: its tables grow from nothing to millions of rows under the
 * same plan, and a plan made for empty tables would read them from end to end.
 */
const PLAN_ONCE = `
  SET plan_cache_mode = force_generic_plan;
  SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off`;

/** A task hub in PostgreSQL. Commits go over a connection of their own; reads over a small pool. */
export function createPostgresStore(options: PostgresStoreOptions): TaskHubStore {
  const schema = quoteName(options.schema ?? 'task_hub');
  const reads = new Pool({
    connectionString: options.url,
    max: READ_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    allowExitOnIdle: true,
  });
  // A connection that breaks while idle is no news: the next read opens another.
  reads.on('error', () => undefined);
  const writer = new Writer(options.url);
  let lease: PostgresLease | undefined;
  const read: Read = (text, values) => queryRows(reads, text, values, READ_TIMEOUT_MS);
  const readAll: Read = (text, values) => queryRows(reads, text, values);
  return {
    async open() {
      await withClient(reads, (client) => migrate(client, schema));
    },
    async takeOver(owner) {
      const [hub] = await read<{ epoch: string; next_no: string }>(
        `UPDATE ${schema}.hub SET epoch = epoch + 1, batch = 0, owner = $1 RETURNING epoch, next_no`,
        [owner],
      );
      return new PostgresSession({ schema, readAll, writer, epoch: Number(hub?.epoch), nextNo: Number(hub?.next_no) });
    },
    async claim(claim) {
      lease = new PostgresLease({ url: options.url, schema }, claim);
      return new PostgresSession({ schema, readAll, writer, ...(await lease.acquire()) });
    },
    async readInstance(id) {
      const [row] = await read<StoredRow>(`SELECT * FROM ${schema}.instances WHERE id = $1`, [id]);
      return row === undefined ? undefined : toInstanceRow(row);
    },
    readTurns: (no) => read<TurnRow>(`SELECT turn, events FROM ${schema}.history WHERE no = $1 ORDER BY turn`, [no]),
    readHeld: (no) => read<HeldMessage>(`SELECT seq, body FROM ${schema}.inbox WHERE no = $1 ORDER BY seq`, [no]),
    async listInstances(query) {
      const { where, values } = toCondition(query);
      values.push(query.afterId ?? '', query.limit);
      const rows = await read<StoredRow>(
        `SELECT * FROM ${schema}.instances WHERE ${where} AND id > $${values.length - 1} ORDER BY id LIMIT $${values.length}`,
        values,
      );
      return rows.map(toInstanceRow);
    },
    lookAtHub: (hubName) => lookAtLease(read, quoteName(toSchemaName(hubName))),
    async close() {
      await Promise.all([writer.close(), reads.end()]);
      // Last, since it lets the next host in.
      await lease?.close();
    },
  };
}

interface SessionParts {
  readonly schema: string;
  readonly readAll: Read;
  readonly writer: Writer;
  readonly epoch: number;
  readonly nextNo: number;
}

class PostgresSession implements HubSession {
  readonly epoch: number;
  readonly nextNo: number;
  readonly #schema: string;
  readonly #readAll: Read;
  readonly #writer: Writer;
  readonly #statements: CommitStatements;

  constructor({ schema, readAll, writer, epoch, nextNo }: SessionParts) {
    this.epoch = epoch;
    this.nextNo = nextNo;
    this.#schema = schema;
    this.#readAll = readAll;
    this.#writer = writer;
    this.#statements = createCommitStatements(schema);
  }

  async commit(batch: number, commits: readonly InstanceCommit[]): Promise<void> {
    const statement = this.#statements.toStatement(this.epoch, batch, commits);
    const [result] = await this.#writer.query<{ applied: number }>(statement);
    if (result?.applied !== 1) await this.#explainRefusal(batch);
  }

  /** Nothing was written: either this number was applied before, or the hub is another host's by now. */
  async #explainRefusal(batch: number): Promise<void> {
    const [hub] = await this.#writer.query<{ epoch: string; batch: string; owner: string }>({
      name: 'read-hub',
      text: `SELECT epoch, batch, owner FROM ${this.#schema}.hub`,
      values: [],
    });
    if (Number(hub?.epoch) !== this.epoch) {
      throw new StoreFenced(`Epoch ${this.epoch} of the task hub ended: ${hub?.owner ?? 'another host'} took over.`);
    }
    if (Number(hub?.batch) >= batch) return;
    throw new StoreRejected(`Expected batch ${Number(hub?.batch) + 1}, got ${batch}.`);
  }

  unfinished(): AsyncIterable<readonly StoredInstance[]> {
    return readStoredInstances(this.#readAll, this.#schema, `i.status < ${FIRST_FINISHED} AND NOT ${IS_ENTITY}`);
  }

  entitiesWithWork(): AsyncIterable<readonly StoredInstance[]> {
    return readStoredInstances(
      this.#readAll,
      this.#schema,
      `i.no IN (SELECT m.no FROM ${this.#schema}.inbox m) AND ${IS_ENTITY}`,
    );
  }

  async purge(nos: readonly number[]): Promise<number> {
    return this.#purge(`i.no = ANY($2::bigint[]) AND (i.status >= ${FIRST_FINISHED} OR ${IS_ENTITY})`, [nos]);
  }

  async purgeWhere(filter: InstanceFilter): Promise<number> {
    const { where, values } = toCondition(filter, 2);
    return this.#purge(`i.status >= ${FIRST_FINISHED} AND ${where}`, values);
  }

  async #purge(where: string, values: unknown[]): Promise<number> {
    const [result] = await this.#readAll<{ purged: number; owned: boolean }>(
      `WITH owned AS (
         SELECT FROM ${this.#schema}.hub WHERE epoch = $1
       ), purged AS (
         DELETE FROM ${this.#schema}.instances i
         WHERE ${where} AND EXISTS (SELECT FROM owned)
         RETURNING i.no
       ), turns AS (
         DELETE FROM ${this.#schema}.history h USING purged p WHERE h.no = p.no
       ), messages AS (
         DELETE FROM ${this.#schema}.inbox m USING purged p WHERE m.no = p.no
       )
       SELECT (SELECT count(*)::integer FROM purged) AS purged, EXISTS (SELECT FROM owned) AS owned`,
      [this.epoch, ...values],
    );
    if (result?.owned !== true)
      throw new StoreFenced(`Epoch ${this.epoch} of the task hub ended: another host took over.`);
    return result.purged;
  }
}

interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly string[];
}

/**
 * The one connection that commits. After any failure it is thrown away, since what it was doing may still be under way
 * on the server; the next statement opens another.
 */
class Writer {
  readonly #url: string;
  #client: Promise<Client> | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  async query<T extends object>({ name, text, values }: Statement): Promise<T[]> {
    this.#client ??= this.#connect();
    const client = this.#client;
    try {
      const connected = await client;
      const { rows } = await connected.query<T>({ name, text, values: [...values] });
      return rows;
    } catch (error) {
      const known = toStoreError(error);
      if (!(known instanceof StoreRejected)) this.#drop(client);
      throw known;
    }
  }

  async #connect(): Promise<Client> {
    const client = new Client({
      connectionString: this.#url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: COMMIT_TIMEOUT_MS,
      keepAlive: true,
    });
    client.on('error', () => this.#drop(this.#client));
    await client.connect();
    await client.query(PLAN_ONCE);
    return client;
  }

  #drop(client: Promise<Client> | undefined): void {
    if (client === undefined || this.#client !== client) return;
    this.#client = undefined;
    client.then(
      (connected) => void connected.end().catch(() => undefined),
      () => undefined,
    );
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.then(
      (connected) => connected.end(),
      () => undefined,
    );
  }
}

/** @param timeoutMs none without. */
async function queryRows<T extends object>(
  pool: Pool,
  text: string,
  values: unknown[],
  timeoutMs?: number,
): Promise<T[]> {
  try {
    // The driver takes a timeout of each statement, which its types do not know.
    const statement = { text, values, ...(timeoutMs !== undefined && { query_timeout: timeoutMs }) };
    const { rows } = await pool.query<T>(statement);
    return rows;
  } catch (error) {
    throw toStoreError(error);
  }
}

async function withClient<T>(pool: Pool, use: (client: PoolClient) => Promise<T>): Promise<T> {
  let client: PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw toStoreError(error);
  }
  try {
    const result = await use(client);
    client.release();
    return result;
  } catch (error) {
    client.release(true);
    throw (error as { code?: unknown }).code === undefined ? error : toStoreError(error);
  }
}

/** SQL for a filter, with parameters from `$<first>` on. */
function toCondition(filter: InstanceFilter, first = 1): { where: string; values: unknown[] } {
  const values: unknown[] = [];
  const parts = ['true'];
  const add = (sql: (parameter: string) => string, value: unknown): void => {
    parts.push(sql(`$${first + values.length}`));
    values.push(value);
  };
  if (filter.statuses !== undefined) {
    add((p) => `status = ANY(${p}::smallint[])`, filter.statuses.map(toStatusNumber));
  }
  if (filter.createdFrom !== undefined) add((p) => `created_at >= ${p}`, filter.createdFrom);
  if (filter.createdTo !== undefined) add((p) => `created_at <= ${p}`, filter.createdTo);
  if (filter.idPrefix !== undefined) add((p) => `starts_with(id, ${p})`, filter.idPrefix);
  return { where: parts.join(' AND '), values };
}

/** Hub names are letters and digits (Azure's rule), told apart without regard to case. */
export function toSchemaName(hubName: string): string {
  return `hub_${hubName.toLowerCase().replace(/[^a-z0-9]/g, '_')}`.slice(0, 63);
}

function quoteName(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) {
    throw new Error(`Expected a schema name of lower-case letters, digits and '_', at most 63, got '${name}'.`);
  }
  return `"${name}"`;
}
