import { types as kinds } from 'node:util';
import type { CustomTypesConfig, Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import { SignInUnavailable, toClientConfig } from './postgres-sign-in';
import type { DatabasePlace } from './postgres-sign-in';

/** Where SQL goes: the pool itself, or the one connection that holds a transaction. */
export interface Queryable {
  query<Row extends QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<QueryResult<Row>>;
}

export interface Database extends Queryable {
  /** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
  transaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

export interface DatabaseOptions extends DatabasePlace {
  readonly poolSize: number;
  /** Told when an idle connection breaks, which needs no action: the pool replaces it. */
  readonly onConnectionLost?: (error: Error) => void;
}

/** PostgreSQL can't be reached, or went away in the middle: whether the last statement took effect is unknown. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
  readonly code = 'databaseUnavailable';
}

const CONNECT_TIMEOUT = 5_000;
/** The first connection may have to wait for a token. */
const SIGN_IN_TIMEOUT = 15_000;
const STATEMENT_TIMEOUT = 30_000;

/**
 * A pool of connections to PostgreSQL. It connects when first used, for which the driver is loaded then, and outlives the server:
 * broken connections are dropped, and the next statement gets a new one. `bigint` columns come as numbers; one that a number
 * can't hold exactly is an error.
 */
export function connectDatabase(options: DatabaseOptions): Database {
  const place = placeOf(options.url);
  let opened: Promise<Pool> | undefined;
  const open = async (): Promise<Pool> => (opened ??= openPool(options));
  const explain = (error: unknown): unknown => (isUnavailable(error) ? unavailable(place, error) : error);

  return {
    async query(sql, values) {
      try {
        const pool = await open();
        return await pool.query(sql, [...(values ?? [])]);
      } catch (error) {
        throw explain(error);
      }
    },
    async transaction(work) {
      try {
        return await inTransaction(await open(), work);
      } catch (error) {
        throw explain(error);
      }
    },
    close: async () => (await opened)?.end(),
  };
}

async function openPool({ poolSize, onConnectionLost, ...place }: DatabaseOptions): Promise<Pool> {
  const { Pool, types } = await import('pg');
  const bigint: number = types.builtins.INT8;
  const pool = new Pool({
    ...toClientConfig(place),
    max: poolSize,
    connectionTimeoutMillis: place.identity ? SIGN_IN_TIMEOUT : CONNECT_TIMEOUT,
    statement_timeout: STATEMENT_TIMEOUT,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT,
    keepAlive: true,
    allowExitOnIdle: true,
    types: {
      getTypeParser: (...type: Parameters<CustomTypesConfig['getTypeParser']>) => {
        const oid: number = type[0];
        return oid === bigint ? toSafeInteger : (types.getTypeParser(...type) as (text: string) => unknown);
      },
    },
  });
  pool.on('error', (error) => onConnectionLost?.(error));
  return pool;
}

async function inTransaction<Result>(pool: Pool, work: (tx: Queryable) => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await client.query('begin');
    const result = await work({ query: (sql, values) => client.query(sql, [...(values ?? [])]) });
    await client.query('commit');
    return result;
  } catch (error) {
    broken ??= await rollBack(client);
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

/** Gives back the error of a rollback that failed: its connection is of no more use. */
async function rollBack(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query('rollback');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** PostgreSQL's own codes for "not now": connection exceptions, too many connections, shutting down or starting up. */
const unavailableStates = /^(08...|53300|57P0[1-5])$/;
const unavailableErrnos = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
];
/** The driver's own errors carry no code, only these words. */
const lostConnection =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/;

function isUnavailable(error: unknown): error is Error {
  if (!kinds.isNativeError(error)) return false;
  if (error instanceof SignInUnavailable) return true;
  if (isAggregate(error)) return error.errors.some(isUnavailable);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return unavailableStates.test(code) || unavailableErrnos.includes(code) || lostConnection.test(error.message);
}

/** What a connection attempt to several addresses of one name throws. */
function isAggregate(error: Error): error is AggregateError {
  return 'errors' in error && Array.isArray(error.errors);
}

function unavailable(place: string, cause: Error): DatabaseUnavailable {
  const reason = isAggregate(cause) ? String(cause.errors[0]) : cause.message;
  return new DatabaseUnavailable(`PostgreSQL at ${place} can't be reached: ${reason}`, { cause });
}

/** Host, port and database of the URL: what may be shown. */
function placeOf(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || '5432'}${pathname}`;
}

function toSafeInteger(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  throw new RangeError(`expected an integer that a number holds exactly, got ${text}`);
}
