/* Apart from the rest of the cluster so that `pg` is loaded while the server comes up, and only by a start that has one. */
import { Client } from 'pg';
import type { Address } from './addresses';
import { StartError } from '../host/start-error';
import { clusterOwner } from './postgres-cluster';
import type { PostgresLogin } from './postgres-cluster';

/** Brings users and databases up to what is asked for. Nothing is ever dropped. */
export async function provisionLogins(
  address: Address,
  ownerPassword: string,
  logins: readonly PostgresLogin[],
): Promise<void> {
  const client = new Client({
    ...address,
    user: clusterOwner,
    password: ownerPassword,
    database: 'postgres',
    ssl: false,
    application_name: 'functions-host',
  });
  await client.connect();
  try {
    for (const login of logins) await provisionLogin(client, login);
  } finally {
    await client.end();
  }
}

async function provisionLogin(client: Client, { user, password, databases }: PostgresLogin): Promise<void> {
  if (user === clusterOwner)
    throw new StartError(
      `A setting names the PostgreSQL user ${clusterOwner}, which is functions-host's own. Name another.`,
    );
  const role = client.escapeIdentifier(user);
  const known = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [user]);
  const secret = password === undefined ? 'PASSWORD NULL' : `PASSWORD ${client.escapeLiteral(password)}`;
  await client.query(`${known.rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${role} LOGIN CREATEDB CREATEROLE ${secret}`);
  if (known.rowCount === 0) await client.query(`GRANT pg_read_all_data, pg_signal_backend TO ${role}`);
  for (const database of databases) await provisionDatabase(client, user, database);
}

/** A database belongs to the first user that names it; further users become members of that one. */
async function provisionDatabase(client: Client, user: string, database: string): Promise<void> {
  const { rows } = await client.query<{ owner: string }>(
    'SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = $1',
    [database],
  );
  const role = client.escapeIdentifier(user);
  const owner = rows[0]?.owner;
  if (owner === undefined) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)} OWNER ${role}`);
  else if (owner === clusterOwner)
    await client.query(`ALTER DATABASE ${client.escapeIdentifier(database)} OWNER TO ${role}`);
  else if (owner !== user) await client.query(`GRANT ${client.escapeIdentifier(owner)} TO ${role}`);
}
