import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startPostgres } from '../../packages/functions-host/src/supervisor/postgres';
import { clusterOwner } from '../../packages/functions-host/src/supervisor/postgres-cluster';
import { createCredential } from '../../src/adapters/azure-credential';
import { DatabaseUnavailable, connectDatabase } from '../../src/adapters/postgres-database';
import { toClientConfig } from '../../src/adapters/postgres-sign-in';
import { startIdentityEndpoint } from '../support/identity-endpoint';
import type { IdentityEndpoint } from '../support/identity-endpoint';
import { migrate, startOrdersDatabase } from '../support/orders-database';
import type { OrdersDatabase } from '../support/orders-database';

/*
 * Signing in by Entra ID, with the real SDK, driver and database; only the endpoint that gives tokens is a test's, and the
 * database takes the token as the password that it is sent as.
 */

let db: OrdersDatabase;
let endpoint: IdentityEndpoint;
const HOUR = 3_600;

beforeAll(async () => {
  db = await startOrdersDatabase();
  endpoint = await startIdentityEndpoint();
});
afterAll(async () => {
  await endpoint.stop();
  await db.stop();
});
beforeEach(() => {
  endpoint.forget();
});

/** The test's database, with a password that would be refused, and without TLS, which it doesn't have. */
function place(clientId: string) {
  const url = new URL(db.url);
  url.password = 'not-used';
  url.searchParams.set('sslmode', 'disable');
  return { url: url.href, identity: { isManaged: true, clientId } };
}
const passwordOf = (url: string) => new URL(url).password;

describe('a credential', () => {
  it('asks for tokens as the identity that the settings name', async () => {
    endpoint.give('a-token', HOUR);
    const credential = await createCredential({ isManaged: true, clientId: 'identity-1' });
    const token = await credential.getToken('https://servicebus.azure.net/.default');
    expect(token?.token).toBe('a-token');
    expect(endpoint.asked).toMatchObject([{ client_id: 'identity-1', resource: 'https://servicebus.azure.net' }]);
  });

  it('finds a managed identity as well where the settings leave open what to ask', async () => {
    endpoint.give('a-token', HOUR);
    const credential = await createCredential({ isManaged: false, clientId: 'identity-2' });
    await expect(credential.getToken('https://storage.azure.com/.default')).resolves.toMatchObject({
      token: 'a-token',
    });
    expect(endpoint.asked).toMatchObject([{ client_id: 'identity-2' }]);
  });
});

describe('PostgreSQL, signed in to by a token', () => {
  it('takes the token in place of a password, and it is asked for once while it is good', async () => {
    endpoint.give(passwordOf(db.url), HOUR);
    const database = connectDatabase({ ...place('identity-3'), poolSize: 2 });
    try {
      await database.query('select 1');
      await Promise.all([database.query('select pg_sleep(0.1)'), database.query('select pg_sleep(0.1)')]);
    } finally {
      await database.close();
    }
    expect(endpoint.asked).toMatchObject([
      { client_id: 'identity-3', resource: 'https://ossrdbms-aad.database.windows.net' },
    ]);
  });

  it('gets a new token for a new connection once the old one is about to end', async () => {
    endpoint.give(passwordOf(db.url), 60);
    const database = connectDatabase({ ...place('identity-4'), poolSize: 1 });
    try {
      await database.query('select 1');
      const before = endpoint.asked.length;
      await database.query('select pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
      await database.query('select 1');
      expect(endpoint.asked.length).toBeGreaterThan(before);
    } finally {
      await database.close();
    }
  });

  it('is unavailable without a token, and is asked again', async () => {
    endpoint.give(undefined, 0);
    const database = connectDatabase({ ...place('identity-5'), poolSize: 1 });
    try {
      const failure = await database.query('select 1').catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(DatabaseUnavailable);
      expect(String(failure)).toMatch(/can't be reached: there is no token for PostgreSQL: /);
      endpoint.give(passwordOf(db.url), HOUR);
      await expect(database.query('select 1')).resolves.toMatchObject({ rowCount: 1 });
    } finally {
      await database.close();
    }
  });

  it('is sent tokens over TLS, unless the URL asks for none', () => {
    const identity = { isManaged: true };
    const url = 'postgres://shop%40example@shop.example.net/orders';
    expect(toClientConfig({ url, identity })).toMatchObject({
      host: 'shop.example.net',
      port: 5432,
      database: 'orders',
      user: 'shop@example',
      ssl: true,
    });
    expect(toClientConfig({ url: `${url}?sslmode=disable`, identity }).ssl).toBe(false);
    expect(toClientConfig({ url })).toEqual({ connectionString: url });
  });
});

describe("the app's role", () => {
  const principalId = '6c84fb90-12c4-11e1-840d-7b25c5ee775a';

  it('is made with the migrations, once, and reads and writes rows without owning a table', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'app-role-'));
    await chmod(folder, 0o711);
    const server = await startPostgres({ dataDir: path.join(folder, 'postgres'), databases: ['orders'] });
    const urlOf = (user: string, password: string, database: string): string => {
      const url = new URL(server.url(database));
      return Object.assign(url, { username: user, password: encodeURIComponent(password) }).href;
    };
    const owner = connectDatabase({ url: server.url('orders'), poolSize: 1 });
    const app = connectDatabase({ url: urlOf('id-shop', `token of ${principalId}`, 'orders'), poolSize: 1 });
    try {
      await makeAzureFunction(urlOf(clusterOwner, await readOwnerPassword(folder), 'postgres'));
      const role = { APP_DATABASE_ROLE: 'id-shop', APP_DATABASE_PRINCIPAL_ID: principalId };
      await expect(migrate(server.url('orders'), role)).resolves.toContain('id-shop may read and write their rows.');
      await expect(migrate(server.url('orders'), role)).resolves.toContain('id-shop may read and write their rows.');
      await owner.query('create table made_by_a_later_migration (id bigserial primary key)');

      await app.query("insert into products values ('cup', 'Cup', 100, 1, '2026-01-05')");
      await app.query("delete from products where sku = 'cup'");
      await app.query('insert into made_by_a_later_migration default values');
      await expect(app.query('drop table products')).rejects.toThrow(/must be owner/);
      await expect(app.query('create table of_the_app (id int)')).rejects.toThrow(/permission denied/);
    } finally {
      await app.close();
      await owner.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** What Azure's function does, as far as it can be seen here: the identity can sign in, with a token. */
async function makeAzureFunction(url: string): Promise<void> {
  const database = connectDatabase({ url, poolSize: 1 });
  try {
    await database.query(`
      create function pgaadauth_create_principal_with_oid(name text, oid text, kind text, admin boolean, mfa boolean)
      returns text language plpgsql security definer as $$ begin
        if kind <> 'service' or admin or mfa then raise 'expected an app that is no administrator'; end if;
        execute format('create role %I login password %L', name, 'token of ' || oid);
        return 'created';
      end $$`);
  } finally {
    await database.close();
  }
}

async function readOwnerPassword(folder: string): Promise<string> {
  return (await readFile(path.join(folder, 'postgres', `${clusterOwner}.password`), 'utf8')).trim();
}
