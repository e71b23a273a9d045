import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { captureFunctions } from '../../packages/durable-saga/test/support/functions-core';
import { settingNames } from '../../src/config';
import { at, parseBicep, partsOf, readBicep, textOf } from '../support/bicep/bicep-file';
import type { Declaration } from '../support/bicep/bicep-file';
import type { Expression } from '../support/bicep/expressions';

/*
 * The infrastructure as it is written, since Bicep's compiler is not here: what it would refuse and what it would not notice
 * (roles, settings, secrets). `az bicep build` in the workflow says whether it compiles.
 */

const root = path.join(__dirname, '../..');
const files = new Map(
  readdirSync(path.join(root, 'infra'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.bicep'))
    .map((file) => `infra/${file}`)
    .map((file) => [file, readBicep(path.join(root, file))] as const),
);
const allOf = (kind: Declaration['kind']) =>
  [...files].flatMap(([file, declarations]) =>
    declarations.filter((one) => one.kind === kind).map((declaration) => ({ file, ...declaration })),
  );
const named = (file: string, name: string): Expression | undefined =>
  files.get(file)?.find((declaration) => declaration.name === name)?.value;

/** What is wrong with how a file's names are used: declared and not used, module's parameters and outputs that don't fit. */
function misusedNames(file: string, declarations: readonly Declaration[]): string[] {
  const used = new Set(
    declarations.flatMap(({ value }) => partsOf(value)).flatMap((part) => (part.kind === 'name' ? [part.text] : [])),
  );
  const unused = declarations
    .filter(({ kind, name }) => (kind === 'param' || kind === 'var') && !used.has(name))
    .map(({ name }) => `${file}: ${name} is not used`);
  const modules = declarations.filter(({ kind }) => kind === 'module');
  return [...unused, ...modules.flatMap((module) => misfits(file, module, declarations))];
}

function misfits(file: string, module: Declaration, declarations: readonly Declaration[]): string[] {
  const target = path.posix.join(path.posix.dirname(file), module.type);
  if (!existsSync(path.join(root, target))) return [`${file}: there is no ${target}`];
  const inside = readBicep(path.join(root, target));
  const params = inside.filter(({ kind }) => kind === 'param');
  const given = keysOf(at(module.value, 'params'));
  const outputs = inside.filter(({ kind }) => kind === 'output').map(({ name }) => name);
  const asked = declarations
    .flatMap(({ value }) => partsOf(value))
    .flatMap((part) => (part.kind === 'member' && isOutputsOf(part.of, module.name) ? [part.name] : []));
  return [
    ...params
      .filter(({ name, value }) => value === undefined && !given.includes(name))
      .map(({ name }) => `${name} is missing`),
    ...given.filter((name) => !params.some((param) => param.name === name)).map((name) => `${name} is no parameter`),
    ...asked.filter((name) => !outputs.includes(name)).map((name) => `${name} is no output`),
  ].map((what) => `${file}: ${module.name}: ${what}`);
}

const isOutputsOf = (part: Expression, module: string) =>
  part.kind === 'member' && part.name === 'outputs' && part.of.kind === 'name' && part.of.text === module;

function keysOf(expression: Expression | undefined): string[] {
  return partsOf(expression)
    .slice(0, 1)
    .flatMap((object) => (object.kind === 'object' ? object.members.map(({ key }) => textOf(key)) : []));
}

/** Outputs that would show a secret: deployments keep their outputs, for everybody who may read them. */
function secretOutputs(declarations: readonly Declaration[]): string[] {
  const secure = declarations
    .filter(({ decorators }) => decorators.some(({ name }) => name === 'secure'))
    .map(({ name }) => name);
  return declarations
    .filter(({ kind, value }) => kind === 'output' && partsOf(value).some((part) => isSecret(part, secure)))
    .map(({ name }) => name);
}

function isSecret(part: Expression, secure: readonly string[]): boolean {
  if (part.kind === 'name') return /^list[A-Z]/.test(part.text) || secure.includes(part.text);
  return part.kind === 'member' && (/^list[A-Z]/.test(part.name) || /connectionString|password/i.test(part.name));
}

describe('the infrastructure', () => {
  it('uses every parameter and variable, and gives each module what it takes', () => {
    expect(files.size).toBeGreaterThan(12);
    expect([...files].flatMap(([file, declarations]) => misusedNames(file, declarations))).toEqual([]);
  });

  it('has no other parameters than the file of parameters gives', () => {
    const given = readBicep(path.join(root, 'infra/main.bicepparam')).map(({ name }) => name);
    const taken = (files.get('infra/main.bicep') ?? []).filter(({ kind }) => kind === 'param').map(({ name }) => name);
    expect(given.sort()).toEqual(taken.sort());
  });

  it('shows no secret by an output', () => {
    const shown = [...files].flatMap(([file, declarations]) =>
      secretOutputs(declarations).map((name) => `${file}: ${name}`),
    );
    // With local sign-in off, as it is there, the connection string of Application Insights lets nobody in.
    expect(shown).toEqual(['infra/modules/monitoring.bicep: connectionString']);
    const flags = [
      named('infra/modules/monitoring.bicep', 'insights'),
      named('infra/modules/service-bus.bicep', 'namespace'),
    ];
    expect(
      flags.map((value) => at(value, 'properties', 'DisableLocalAuth') ?? at(value, 'properties', 'disableLocalAuth')),
    ).toEqual([
      { kind: 'name', text: 'true' },
      { kind: 'name', text: 'true' },
    ]);
  });

  it('lets nobody in by a key or a password, and nobody from outside with a private network', () => {
    const isPrivate = (value: Expression | undefined) =>
      JSON.stringify(value).includes('"privateOnly"') && JSON.stringify(value).includes('"Disabled"');
    const open = [
      at(named('infra/modules/storage.bicep', 'account'), 'properties', 'publicNetworkAccess'),
      at(named('infra/modules/service-bus.bicep', 'namespace'), 'properties', 'publicNetworkAccess'),
      at(named('infra/modules/key-vault.bicep', 'vault'), 'properties', 'publicNetworkAccess'),
      at(named('infra/modules/task-hub.bicep', 'scheduler'), 'properties', 'publicNetworkAccess'),
      at(named('infra/modules/database.bicep', 'server'), 'properties', 'network', 'publicNetworkAccess'),
    ];
    expect(open.map(isPrivate)).toEqual([true, true, true, true, true]);
    const storage = at(named('infra/modules/storage.bicep', 'account'), 'properties');
    for (const flag of ['allowSharedKeyAccess', 'allowBlobPublicAccess']) {
      expect(at(storage, flag)).toEqual({ kind: 'name', text: 'false' });
    }
    expect(textOf(at(storage, 'minimumTlsVersion'))).toBe('TLS1_2');
    expect(
      textOf(at(named('infra/modules/database.bicep', 'server'), 'properties', 'authConfig', 'passwordAuth')),
    ).toBe('Disabled');
  });
});

/** Read by the platform, not by the app: by whom. */
const platformReads: Readonly<Record<string, string>> = {
  AzureWebJobsStorage__queueServiceUri: 'the blob trigger, for files that it tries again',
  AzureWebJobsStorage__tableServiceUri: 'the Durable extension, with the task hub in storage',
  DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'the Durable extension, by the name that host.json of the package says',
  AzureFunctionsJobHost__extensions__durableTask__hubName: 'the Functions host, over host.json',
  AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'the Functions host, over host.json',
  AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName:
    'the Functions host, over host.json',
};

/** Settings of the app that are not given in Azure: why. */
const notGiven: Readonly<Record<string, string>> = {
  AzureWebJobsStorage: 'a connection string has a key in it; the identity is used',
  AzureWebJobsStorage__accountName: 'the addresses are given, which are right in every cloud',
  ServiceBusConnection: 'a connection string has a key in it; the identity is used',
  DEAD_LETTER_QUIET: 'a quarter of an hour suits any team',
  START_GRACE: 'a minute is longer than any start that was not lost',
  OTEL_SDK_DISABLED: 'telemetry is on',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'telemetry goes to Application Insights',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'telemetry goes to Application Insights',
  OTEL_METRIC_EXPORT_INTERVAL: 'alerts look at minutes, which is the default',
};

describe('the settings of the app in Azure', () => {
  const given = ['storageSettings', 'taskHubSettings', 'appSettings', 'blueSettings', 'greenSettings']
    .flatMap((name) => partsOf(named('infra/main.bicep', name)))
    .flatMap((part) => (part.kind === 'object' ? part.members.map(({ key }) => textOf(key)) : []));

  it('are all that it reads, but those that have a reason to be left out', () => {
    expect(given.length).toBeGreaterThan(30);
    expect(settingNames.filter((name) => !given.includes(name)).sort()).toEqual(Object.keys(notGiven).sort());
  });

  it('are read by somebody, each of them', () => {
    expect([...new Set(given)].filter((name) => !settingNames.includes(name)).sort()).toEqual(
      Object.keys(platformReads).sort(),
    );
  });

  it('are no secrets: those are references to the vault', () => {
    const settings = named('infra/main.bicep', 'appSettings');
    for (const name of ['PAYMENT_PROVIDER_KEY', 'SMTP_URL', 'CARRIER_CALLBACK_URL'])
      expect(textOf(at(settings, name))).toMatch(/^@Microsoft\.KeyVault\(SecretUri=\$\{\.\.\.\}secrets\/[a-z-]+\)$/);
  });
});

describe('the entities of Service Bus', () => {
  const config = JSON.parse(readFileSync(path.join(root, 'local/service-bus/Config.json'), 'utf8')) as {
    UserConfig: {
      Namespaces: [{ Queues: { Name: string }[]; Topics: { Name: string; Subscriptions: { Name: string }[] }[] }];
    };
  };
  const [{ Queues: queues, Topics: topics }] = config.UserConfig.Namespaces;
  const module = 'infra/modules/service-bus.bicep';

  it('are those of the file that the emulators read, and each has readers and senders', () => {
    const loads = partsOf(named(module, 'entities')).find(
      (part) => part.kind === 'call' && JSON.stringify(part.of).includes('loadJsonContent'),
    );
    expect(loads?.kind === 'call' && textOf(loads.given[0])).toBe('../../local/service-bus/Config.json');
    const read = topics.flatMap((topic) => topic.Subscriptions.map(({ Name }) => `${topic.Name}/${Name}`));
    expect(keysOf(named(module, 'readers')).sort()).toEqual([...queues.map(({ Name }) => Name), ...read].sort());
    expect(keysOf(named(module, 'senders')).sort()).toEqual([...queues, ...topics].map(({ Name }) => Name).sort());
  });
});

describe('the roles', () => {
  const before = process.env;
  let functions: ReadonlyMap<string, unknown>;
  beforeAll(() => {
    const local = JSON.parse(readFileSync(path.join(root, 'local.settings.json'), 'utf8')) as {
      Values: Record<string, string>;
    };
    process.env = { ...before, ...local.Values };
    // The composition root is what is asked, and it registers when it is loaded.
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    functions = captureFunctions(() => void require('../../src/app'));
  });
  afterAll(() => (process.env = before));

  it('are given for functions that there are, each by name', () => {
    expect(functions.size).toBeGreaterThan(60);
    const given = allOf('resource').filter(({ type }) => type.startsWith('Microsoft.Authorization/roleAssignments'));
    expect(given.length).toBeGreaterThan(9);
    const texts = given.flatMap(({ file, name, value }) => {
      const description = at(value, 'properties', 'description');
      const said = description?.kind === 'string' ? textOf(description) : '';
      return [{ place: `${file}: ${name}`, said }];
    });
    for (const table of ['readers', 'senders'])
      for (const part of partsOf(named('infra/modules/service-bus.bicep', table)).slice(1))
        if (part.kind === 'string') texts.push({ place: table, said: textOf(part) });
    const wrong = texts.flatMap(({ place, said }) =>
      [...said.matchAll(/([a-z]+[A-Z][A-Za-z]+)(?=[,:]|$)/g)]
        .map(([, name]) => name ?? '')
        .filter((name) => !functions.has(name))
        .map((name) => `${place}: ${name}`),
    );
    expect(wrong).toEqual([]);
    const functionless = texts.filter(({ said }) => said === '').map(({ place }) => place);
    // Theirs are in the tables `senders`.
    expect(functionless).toEqual([
      `infra/modules/service-bus.bicep: queueSenders`,
      `infra/modules/service-bus.bicep: topicSenders`,
    ]);
  });
});

describe('these checks', () => {
  it('find what is wrong', () => {
    expect(misusedNames('infra/x.bicep', parseBicep('param left string\nvar right = 1\n'))).toHaveLength(2);
    expect(
      misusedNames(
        'infra/x.bicep',
        parseBicep(
          "module m 'modules/identity.bicep' = {\n  params: { name: 'a', nme: 'b' }\n}\noutput o string = m.outputs.secret\n",
        ),
      ),
    ).toEqual([
      'infra/x.bicep: m: location is missing',
      'infra/x.bicep: m: tags is missing',
      'infra/x.bicep: m: nme is no parameter',
      'infra/x.bicep: m: secret is no output',
    ]);
    expect(
      secretOutputs(
        parseBicep(
          "@secure()\nparam key string\noutput a string = key\noutput b string = 'x${account.listKeys().keys[0].value}'\noutput c string = account.id\n",
        ),
      ),
    ).toEqual(['a', 'b']);
    expect(() => parseBicep('func f() string => 1\n')).toThrow(/unknown declaration|line 1/);
    expect(() => parseBicep("var a = 'open\n")).toThrow(/line 1: expected '/);
  });
});
