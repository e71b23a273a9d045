import { escapeIdentifier } from 'pg';
import type { Client } from 'pg';

/**
 * The role that the app has in PostgreSQL on Azure. It signs in as its identity of Entra ID and works with rows; tables belong
 * to whoever migrates, so that the app can't change or drop one.
 */
export interface AppRole {
  /** Of the identity: the app signs in under this name. */
  readonly name: string;
  /** The identity's object id. */
  readonly principalId: string;
}

/**
 * Makes the role, unless it is there. Azure's function for it exists in the database `postgres` alone, and only an
 * administrator of Entra ID may call it.
 */
export async function makeRole(connect: (database: string) => Promise<Client>, role: AppRole): Promise<void> {
  const client = await connect('postgres');
  try {
    const { rowCount } = await client.query('select from pg_roles where rolname = $1', [role.name]);
    if (rowCount) return;
    const noAdministrator = [role.name, role.principalId, 'service', false, false];
    await client.query('select * from pgaadauth_create_principal_with_oid($1, $2, $3, $4, $5)', noAdministrator);
  } finally {
    await client.end();
  }
}

/** Lets the role use the rows of all tables that there are, and of those that this user will make. */
export async function grantRows(client: Client, name: string): Promise<void> {
  const role = escapeIdentifier(name);
  for (const grant of [
    `grant usage on schema public to ${role}`,
    `grant select, insert, update, delete on all tables in schema public to ${role}`,
    `grant usage, select on all sequences in schema public to ${role}`,
    `alter default privileges in schema public grant select, insert, update, delete on tables to ${role}`,
    `alter default privileges in schema public grant usage, select on sequences to ${role}`,
  ])
    await client.query(grant);
}
