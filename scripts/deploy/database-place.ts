import { connectDatabase } from '../../src/adapters/postgres-database';
import type { Database } from '../../src/adapters/postgres-database';
import type { DatabasePlace } from '../../src/adapters/postgres-sign-in';
import { readDatabaseConfig } from '../../src/config';
import type { Environment } from './step';
import { StepFailed } from './step';

/** Which database it is, without who signs in. */
function describePlace({ url }: DatabasePlace): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || '5432'}${pathname}`;
}

/** Why a database could not be used, in a line. */
function describeFailure(error: unknown): string {
  const [first = error] = (error as { readonly errors?: readonly unknown[] }).errors ?? [];
  const { message } = first as { readonly message?: string };
  return message ?? String(first);
}

/**
 * Works with the database of DATABASE_URL over one connection. Throws `StepFailed` for whatever the work throws, a `ConfigError`
 * where the variable is missing.
 * @param what is done with it, as in "could not <what>"
 */
export async function withDatabase<T>(
  environment: Environment,
  what: (place: string) => string,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const place = readDatabaseConfig(environment);
  const database = connectDatabase({ ...place, poolSize: 1 });
  try {
    return await work(database);
  } catch (error) {
    throw new StepFailed(`could not ${what(describePlace(place))}: ${describeFailure(error)}`);
  } finally {
    await database.close();
  }
}
