import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { useApp, useKeys, useOutputs, useResources } from '../../../scripts/deploy/use-azure';
import { answeringAzure, temporaryFolder, variablesOf } from '../../support/deploy-steps';

/** What Azure says of itself, as variables; and what is said of it when it is not as expected. */

const folder = temporaryFolder();
const put = (content: unknown, name = 'azure.json'): string => {
  writeFileSync(folder.file(name), typeof content === 'string' ? content : JSON.stringify(content));
  return folder.file(name);
};
const staging = { AZURE_ENV_NAME: 'staging' };

const steps = { useApp, useKeys, useOutputs };

describe.each(Object.entries(steps))('%s', (_, step) => {
  it('needs one file, which is there and is JSON, and shows nothing of what stands in it', async () => {
    await expect(step.run([], staging)).rejects.toThrow('expected one file of JSON');
    await expect(step.run(['a', 'b'], staging)).rejects.toThrow('expected one file of JSON');
    await expect(step.run([folder.file('none.json')], staging)).rejects.toThrow(/none\.json: expected JSON/);
    const reading = step.run([put('{"masterKey": "secret-in-it"')], staging);
    await expect(reading).rejects.toThrow(/azure\.json: expected JSON/);
    await expect(reading).rejects.not.toThrow(/secret-in-it/);
  });

  it('says where a file is of another shape, and nothing of what stands there', async () => {
    for (const content of [null, 'text', 5, { masterKey: ['secret-in-it'] }, [{ name: ['secret-in-it'] }]]) {
      const reading = step.run([put(JSON.stringify(content))], staging);
      await expect(reading).rejects.toThrow(/^expected .+/);
      await expect(reading).rejects.not.toThrow(/secret-in-it/);
    }
  });
});

const app = (name: string, service: string | undefined, more: object = {}) => ({
  name,
  resourceGroup: 'rg-staging',
  defaultHostName: `${name}.example.net`,
  httpsOnly: true,
  tags: service === undefined ? null : { 'azd-env-name': 'staging', 'azd-service-name': service },
  ...more,
});

describe('the apps of an environment', () => {
  it('are found by their tags among all that there are', async () => {
    const another = app('other', 'order-sagas', {
      tags: { 'azd-env-name': 'production', 'azd-service-name': 'order-sagas' },
    });
    const file = put([app('stray', undefined), another, app('b', 'order-sagas'), app('g', 'order-sagas-green')]);
    const { variables, lines } = await variablesOf(useApp, [file], staging);
    expect(variables).toEqual({
      RESOURCE_GROUP: 'rg-staging',
      BLUE_APP: 'b',
      BLUE_URL: 'https://b.example.net',
      GREEN_APP: 'g',
      GREEN_URL: 'https://g.example.net',
    });
    expect(lines).toEqual(['staging has b and g']);
  });

  it('are nothing where there is none yet, or only one of two', async () => {
    const none = { RESOURCE_GROUP: '', BLUE_APP: '', BLUE_URL: '', GREEN_APP: '', GREEN_URL: '' };
    const empty = await variablesOf(useApp, [put([])], staging);
    expect(empty).toEqual({ variables: none, lines: ['staging has no app yet'] });
    const first = await variablesOf(useApp, [put([app('b', 'order-sagas', { httpsOnly: false })])], staging);
    expect(first.variables).toMatchObject({ BLUE_APP: 'b', BLUE_URL: 'http://b.example.net', GREEN_APP: '' });
  });

  it('are refused where two have one tag, and without an environment', async () => {
    const file = put([app('b-1', 'order-sagas'), app('b-2', 'order-sagas')]);
    await expect(variablesOf(useApp, [file], staging)).rejects.toThrow(
      'expected one app order-sagas of staging, got b-1, b-2',
    );
    await expect(variablesOf(useApp, [file])).rejects.toThrow('the name of the environment in AZURE_ENV_NAME');
  });
});

const tags = { 'azd-env-name': 'staging', application: 'order-sagas' };
const account = { name: 'st1', type: 'Microsoft.Storage/storageAccounts', tags };
const server = { name: 'psql', fullyQualifiedDomainName: 'psql.example.net', tags };

describe('what stands around two apps', () => {
  const named = { ...staging, RESOURCE_GROUP: 'rg', AZURE_PRINCIPAL_NAME: 'deploy er' };
  const read = (resources: unknown, servers: unknown = [], environment: object = {}) =>
    variablesOf(useResources, [], {
      ...named,
      ...answeringAzure(folder.path, {
        'resource list --resource-group rg': { json: resources },
        'postgres flexible-server list --resource-group rg': { json: servers },
      }),
      ...environment,
    });

  it('is found by type and tags, however Azure writes a type', async () => {
    const others = [
      { name: 'of-another-app', type: 'Microsoft.Storage/storageAccounts', tags: { ...tags, application: 'other' } },
      { name: 'of-production', type: 'Microsoft.Cdn/profiles', tags: { ...tags, 'azd-env-name': 'production' } },
      { name: 'endpoint', type: 'Microsoft.Cdn/profiles/afdEndpoints', tags },
      { name: 'untagged', type: 'Microsoft.EventGrid/systemTopics' },
    ];
    const own = [
      { name: 'afd', type: 'microsoft.cdn/profiles', tags },
      { name: 'evgt', type: 'Microsoft.EventGrid/systemTopics', tags },
    ];
    const stray = { ...server, name: 'stray', tags: null };
    const { variables, lines } = await read([...others, account, ...own], [stray, server]);
    expect(variables).toEqual({
      ...{ FRONT_DOOR: 'afd', STORAGE_ACCOUNT: 'st1', EVENT_TOPIC: 'evgt', DATABASE_AUTHENTICATION: 'entra' },
      DATABASE_URL: 'postgres://deploy%20er@psql.example.net/orders?sslmode=verify-full',
    });
    expect(lines).toEqual(['staging has afd, st1, evgt, psql']);
  });

  it('is nothing where a deployment has not got that far', async () => {
    const { variables } = await read([account]);
    expect(variables).toEqual({ FRONT_DOOR: '', STORAGE_ACCOUNT: 'st1', EVENT_TOPIC: '' });
    expect((await read([])).lines).toEqual(['staging has none of what two apps share']);
  });

  it('leaves a database alone that somebody has named', async () => {
    const { variables } = await read([account], 'not asked for', { DATABASE_URL: 'postgres://local' });
    expect(variables).not.toHaveProperty('DATABASE_URL');
  });

  it.each([
    [
      'there are two of one',
      [account, { ...account, name: 'st2' }],
      [],
      'expected one microsoft.storage/storageaccounts',
    ],
    ['there are two databases', [], [server, { ...server, name: 'psql-2' }], 'of staging, got psql, psql-2'],
    ['resources are of another shape', [{ name: 'x' }], [], "expected a list of resources; wrong at '0.type'"],
    ['servers are of another shape', [], [{ name: 'x' }], "a list of servers; wrong at '0.fullyQualifiedDomainName'"],
  ])('is refused where %s', async (_, resources, servers, why) => {
    await expect(read(resources, servers)).rejects.toThrow(why);
  });

  it('is refused without a resource group, with a file, and where Azure refuses', async () => {
    await expect(read([], [], { RESOURCE_GROUP: '' })).rejects.toThrow('expected RESOURCE_GROUP');
    await expect(read([], [server], { AZURE_PRINCIPAL_NAME: '' })).rejects.toThrow('expected who deploys in');
    await expect(useResources.run(['resources.json'], named)).rejects.toThrow(/resources\.json/);
    const refused = answeringAzure(folder.path, { resource: { refusal: '(AuthorizationFailed) no right' } });
    await expect(useResources.run([], { ...named, ...refused })).rejects.toThrow(
      'az resource list: ERROR: (AuthorizationFailed) no right',
    );
  });
});

describe('the keys of an app', () => {
  const keys = {
    masterKey: 'master-1',
    functionKeys: { default: 'host-1', shops: 'host-2' },
    systemKeys: { durabletask_extension: 'durable-1' },
  };

  it('become variables, are hidden in a workflow’s log, and are in no file any more', async () => {
    const file = put(keys);
    const { variables, lines } = await variablesOf(useKeys, [file], { GITHUB_ACTIONS: 'true' });
    expect(variables).toEqual({ FUNCTION_KEY: 'host-1', MASTER_KEY: 'master-1', REPLAY_GATE_KEY: 'durable-1' });
    expect(lines).toEqual(['::add-mask::master-1', '::add-mask::host-1', '::add-mask::durable-1', 'keys: all']);
    expect(existsSync(file)).toBe(false);
  });

  it('are not printed where no runner would hide them', async () => {
    const { lines } = await variablesOf(useKeys, [put(keys)]);
    expect(lines).toEqual(['keys: all']);
  });

  it('may lack that of durable functions, before they have run', async () => {
    for (const systemKeys of [null, {}, undefined]) {
      const { variables, lines } = await variablesOf(useKeys, [put({ ...keys, systemKeys })]);
      expect(variables['REPLAY_GATE_KEY']).toBe('');
      expect(lines).toEqual(['keys: no durable functions yet']);
    }
  });

  it.each([
    ['no key of the host', { ...keys, functionKeys: { shops: 'host-2' } }, "expected a host key named 'default'"],
    ['no master key', { ...keys, masterKey: '' }, "expected the keys of a function app; wrong at 'masterKey'"],
    [
      'a key that is none',
      { ...keys, functionKeys: { default: 5 } },
      "the keys of a function app; wrong at 'functionKeys.default'",
    ],
    ['a key of two lines', { ...keys, masterKey: 'master-1\nMORE=1' }, 'MASTER_KEY: expected a value of one line'],
  ])('are refused with %s, which is not shown', async (_, content, why) => {
    const reading = variablesOf(useKeys, [put(content)]);
    await expect(reading).rejects.toThrow(why);
    await expect(reading).rejects.not.toThrow(/master-1|host-2/);
  });
});

describe('what the infrastructure has put out', () => {
  const given: Readonly<Record<string, string>> = {
    functionAppName: 'b',
    functionAppUrl: 'https://b',
    greenAppName: 'g',
    greenAppUrl: 'https://g',
    frontDoorName: 'afd',
    resourceGroupName: 'rg',
    storageAccountName: 'st',
    eventTopicName: 'evgt',
    databaseHost: 'db.example.net',
    databaseName: 'orders',
    appIdentityName: 'id',
    appIdentityPrincipalId: 'guid',
  };
  const outputs = (values: Readonly<Record<string, unknown>> = given) =>
    Object.fromEntries(
      Object.entries(values)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [name, { type: 'String', value }]),
    );
  const deployer = { AZURE_PRINCIPAL_NAME: 'deploy er' };

  it('becomes variables, of the app that was chosen and of the one beside it', async () => {
    const { variables } = await variablesOf(useOutputs, [put(outputs())], { ...deployer, APP: 'green' });
    expect(variables).toMatchObject({
      ...{ APP_NAME: 'g', APP_URL: 'https://g', OTHER_APP_NAME: 'b', OTHER_APP_URL: 'https://b' },
      ...{ FRONT_DOOR: 'afd', RESOURCE_GROUP: 'rg', STORAGE_ACCOUNT: 'st', EVENT_TOPIC: 'evgt' },
      ...{ APP_DATABASE_ROLE: 'id', DATABASE_AUTHENTICATION: 'entra' },
      DATABASE_URL: 'postgres://deploy%20er@db.example.net/orders?sslmode=verify-full',
    });
    const blue = await variablesOf(useOutputs, [put(outputs())], { ...deployer, APP: 'blue' });
    expect(blue.lines).toEqual(['the app is b at https://b']);
  });

  it('leaves a database alone that somebody has named', async () => {
    const { variables } = await variablesOf(useOutputs, [put(outputs())], { DATABASE_URL: 'postgres://local' });
    expect(variables).not.toHaveProperty('DATABASE_URL');
  });

  it.each([
    ['an output is missing', { ...given, databaseHost: undefined }, deployer, 'expected the outputs databaseHost of'],
    ['an output is no text', { ...given, databaseHost: 5 }, deployer, 'expected the outputs databaseHost of'],
    ['nobody deploys', given, {}, 'expected who deploys in AZURE_PRINCIPAL_NAME'],
    ['the chosen app is not there', { ...given, greenAppName: '' }, { ...deployer, APP: 'green' }, 'has no app green'],
  ])('is refused where %s', async (_, values, environment, why) => {
    await expect(variablesOf(useOutputs, [put(outputs(values))], environment)).rejects.toThrow(why);
  });

  it('is refused where it is nothing, as after a deployment that failed', async () => {
    await expect(variablesOf(useOutputs, [put(null)], deployer)).rejects.toThrow('expected outputs of a deployment');
  });
});

it('names the database and the container of packages as the infrastructure does', () => {
  const read = (file: string) => readFileSync(path.join(__dirname, '../../..', file), 'utf8');
  expect(read('infra/modules/database.bicep')).toMatch(/flexibleServers\/databases@[^{]*\{[^}]*name: 'orders'/);
  expect(read('infra/modules/storage.bicep')).toMatch(/\n {2}packages: 'packages'\n/);
  for (const file of ['roll-out', 'shift-traffic']) {
    expect(read(`.github/workflows/${file}.yml`)).toMatch(/\n {6}PACKAGES_CONTAINER: packages\n/);
  }
});
