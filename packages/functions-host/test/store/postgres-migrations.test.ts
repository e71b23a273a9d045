import { Client } from 'pg';
import type { OrchestrationContext } from 'durable-functions';
import { createPostgresStore } from '../../src/store/postgres';
import { StoreTooNew } from '../../src/store/store';
import type { Orchestrator } from '../support/durable-app';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';
import { startTestEngine } from '../support/test-engine';

/** What the first version of the store made and wrote: an orchestration that waits for its second event. */
const firstVersion = (schema: string): string => `
  CREATE SCHEMA ${schema};
  CREATE TABLE ${schema}.schema_version (version integer NOT NULL);
  INSERT INTO ${schema}.schema_version VALUES (1);
  CREATE TABLE ${schema}.hub (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch bigint NOT NULL, batch bigint NOT NULL, next_no bigint NOT NULL, owner text NOT NULL
  ) WITH (fillfactor = 10);
  INSERT INTO ${schema}.hub (epoch, batch, next_no, owner) VALUES (3, 17, 2, 'somebody 1');
  CREATE TABLE ${schema}.instances (
    no bigint PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE, name text NOT NULL, version text,
    execution_id text NOT NULL, parent text, status smallint NOT NULL, created_at bigint NOT NULL,
    updated_at bigint NOT NULL, input text NOT NULL, output text, custom_status text
  ) WITH (fillfactor = 80);
  CREATE TABLE ${schema}.history (no bigint NOT NULL, turn integer NOT NULL, events text NOT NULL, PRIMARY KEY (no, turn));
  CREATE TABLE ${schema}.inbox (no bigint NOT NULL, seq integer NOT NULL, body text NOT NULL, PRIMARY KEY (no, seq));
  INSERT INTO ${schema}.instances VALUES
    (1, 'old', 'waiter', NULL, 'e1', NULL, 1, 1767225600000, 1767225600000, '{"n":2}', NULL, NULL);
  INSERT INTO ${schema}.history VALUES
    (1, 0, '{"v":1,"at":1767225600000,"events":[{"kind":"executionStarted"},{"kind":"activityScheduled","id":0,"name":"double","input":2}]}'),
    (1, 1, '{"v":1,"at":1767225600001,"events":[{"kind":"activityCompleted","id":0,"result":4}]}'),
    (1, 2, '{"v":1,"at":1767225600002,"events":[{"kind":"eventRaised","name":"item","at":1767225600002,"input":"one"}]}');`;

const app = {
  activities: { double: (input: unknown) => (input as number) * 2 },
  orchestrators: {
    *waiter({ df }: OrchestrationContext): ReturnType<Orchestrator> {
      const doubled = yield df.callActivity('double', df.getInput<{ n: number }>().n);
      return [doubled, yield df.waitForExternalEvent('item'), yield df.waitForExternalEvent('item')];
    },
  },
};

describe('the schema of the PostgreSQL store', () => {
  let server: TestPostgres;
  let count = 0;
  let schema: string;
  beforeAll(async () => {
    server = await startTestPostgres();
  });
  beforeEach(() => {
    schema = `hub_${count++}`;
  });
  afterAll(() => server.stop());

  const open = async (): Promise<void> => {
    const store = createPostgresStore({ url: server.url, schema });
    try {
      await store.open();
    } finally {
      await store.close();
    }
  };
  const versions = async (): Promise<unknown[]> =>
    (await server.query(`SELECT version FROM ${schema}.schema_version`)).map((row) => row['version']);

  it('is brought up to date from the first version, whose orchestrations go on', async () => {
    await server.query(firstVersion(schema));
    const host = await startTestEngine(app, { store: createPostgresStore({ url: server.url, schema }) });
    expect(await host.raise('old', 'item', 'two')).toBe('accepted');
    expect(await host.output('old')).toEqual([4, 'one', 'two']);
    const turns = await server.query(`SELECT events::json->>'v' AS format FROM ${schema}.history ORDER BY turn`);
    expect(turns.map((row) => row['format'])).toEqual(['1', '1', '1', '2']);
    await host.engine.stop(0);
  });

  it('is made once by hosts that start at the same moment', async () => {
    await Promise.all(Array.from({ length: 6 }, open));
    expect(await versions()).toHaveLength(1);
    schema = `hub_${count++}`;
    await server.query(firstVersion(schema));
    await Promise.all(Array.from({ length: 6 }, open));
    expect(await versions()).toHaveLength(1);
  });

  it('is left as it was by a migration that ends in the middle, which is made again', async () => {
    await server.query(firstVersion(schema));
    // In the way of the second version.
    await server.query(`CREATE TABLE ${schema}.lease (x integer)`);
    await expect(open()).rejects.toThrow('already exists');
    expect(await versions()).toEqual([1]);
    await server.query(`DROP TABLE ${schema}.lease`);
    const killed = new Client({ connectionString: server.url });
    killed.on('error', () => undefined);
    await killed.connect();
    // Holds up a migration that is under way, until the server dies.
    await killed.query(`BEGIN; LOCK TABLE ${schema}.schema_version`);
    const cut = expect(open()).rejects.toThrow();
    await server.kill();
    await cut;
    await server.restart();
    expect(await versions()).toEqual([1]);
    await open();
    expect(await versions()).not.toEqual([1]);
  });

  it('of a later version is not touched, and the host says which version it found', async () => {
    await open();
    const [known] = await versions();
    await server.query(`UPDATE ${schema}.schema_version SET version = 99`);
    await expect(open()).rejects.toThrow(StoreTooNew);
    await expect(open()).rejects.toThrow(
      `The task hub's schema "${schema}" has version 99; this host knows versions up to ${String(known)}.`,
    );
    expect(await versions()).toEqual([99]);
  });
});
