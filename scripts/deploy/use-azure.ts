import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { askAzure } from './azure-cli';
import { readAzureJson, setVariables } from './job-environment';
import type { DeployStep } from './step';
import { requireText, StepFailed } from './step';

/*
 * What Azure says of itself (`az ... --output json`), as variables for the steps that follow: they know an app by its
 * address and its keys, and nothing of Azure.
 */

const appsSchema = z.array(
  z.object({
    name: z.string(),
    resourceGroup: z.string(),
    defaultHostName: z.string(),
    httpsOnly: z.boolean(),
    tags: z.record(z.string(), z.string()).nullish(),
  }),
);

/** The tags by which infra/ marks the apps of an environment. */
const SERVICES = { 'order-sagas': 'BLUE', 'order-sagas-green': 'GREEN' } as const;

export const useApp: DeployStep = {
  summary: 'finds the app of this environment, or both of them, among those of `az functionapp list`',
  usage: `use-app <file>
The environment is AZURE_ENV_NAME. Sets RESOURCE_GROUP, BLUE_APP and BLUE_URL, GREEN_APP and GREEN_URL, to nothing for what is not there yet.`,
  async run(args, environment) {
    const name = requireText('the name of the environment in AZURE_ENV_NAME', environment['AZURE_ENV_NAME']);
    const all = parse(appsSchema, await readAzureJson(args), 'a list of function apps').filter(
      ({ tags }) => tags?.['azd-env-name'] === name,
    );
    const variables: Record<string, string> = { RESOURCE_GROUP: '' };
    for (const [service, colour] of Object.entries(SERVICES)) {
      const apps = all.filter(({ tags }) => tags?.['azd-service-name'] === service);
      if (apps.length > 1) {
        throw new StepFailed(`expected one app ${service} of ${name}, got ${apps.map((app) => app.name).join(', ')}`);
      }
      const [app] = apps;
      variables[`${colour}_APP`] = app?.name ?? '';
      variables[`${colour}_URL`] =
        app === undefined ? '' : `${app.httpsOnly ? 'https' : 'http'}://${app.defaultHostName}`;
      if (app !== undefined) variables['RESOURCE_GROUP'] = app.resourceGroup;
    }
    await setVariables(variables, environment);
    const names = [variables['BLUE_APP'], variables['GREEN_APP']].filter((found) => found !== '');
    console.log(names.length === 0 ? `${name} has no app yet` : `${name} has ${names.join(' and ')}`);
  },
};

/** What two apps share, by its type, and the variable that its name becomes. */
const SHARED: Readonly<Record<string, string>> = {
  'microsoft.cdn/profiles': 'FRONT_DOOR',
  'microsoft.storage/storageaccounts': 'STORAGE_ACCOUNT',
  'microsoft.eventgrid/systemtopics': 'EVENT_TOPIC',
};
const resourceSchema = z.object({ name: z.string(), tags: z.record(z.string(), z.string()).nullish() });
const resourcesSchema = z.array(resourceSchema.extend({ type: z.string() }));
const serversSchema = z.array(resourceSchema.extend({ fullyQualifiedDomainName: z.string() }));

/** As infra/modules/database.bicep names it. */
const DATABASE = 'orders';

export const useResources: DeployStep = {
  summary: 'asks Azure what stands around two apps',
  usage: `use-resources [--without-database]
  --without-database   asks for no database
Of the environment: AZURE_ENV_NAME, and RESOURCE_GROUP, as use-app sets it. Sets ${Object.values(SHARED).join(', ')}, to
nothing for what is not there, and, where there is a database and it is not set yet, DATABASE_URL for AZURE_PRINCIPAL_NAME. What a
deployment has put out is gone after one that failed; what it has made is not.`,
  async run(args, environment) {
    const { values } = parseArgs({
      args: [...args],
      options: { 'without-database': { type: 'boolean', default: false } },
    });
    const name = requireText('the name of the environment in AZURE_ENV_NAME', environment['AZURE_ENV_NAME']);
    const group = requireText('RESOURCE_GROUP in the environment', environment['RESOURCE_GROUP']);
    const isOwn = ({ tags }: z.infer<typeof resourceSchema>): boolean =>
      tags?.['azd-env-name'] === name && tags['application'] === 'order-sagas';
    const ask = <T>(schema: z.ZodType<T[]>, expected: string, ...command: string[]): Promise<T[]> =>
      askAzure([...command, '--resource-group', group], environment).then((answer) => parse(schema, answer, expected));
    const resources = (await ask(resourcesSchema, 'a list of resources', 'resource', 'list')).filter(isOwn);
    const variables: Record<string, string> = {};
    for (const [type, variable] of Object.entries(SHARED)) {
      // Azure writes the same type in more than one way.
      const found = resources.filter((resource) => resource.type.toLowerCase() === type).map((one) => one.name);
      if (found.length > 1) throw new StepFailed(`expected one ${type} of ${name}, got ${found.join(', ')}`);
      variables[variable] = found[0] ?? '';
    }
    const said = Object.values(variables).filter((found) => found !== '');
    if (!values['without-database'] && !environment['DATABASE_URL']) {
      const list = ['postgres', 'flexible-server', 'list'];
      const [server, ...others] = (await ask(serversSchema, 'a list of servers', ...list)).filter(isOwn);
      if (server !== undefined && others.length > 0) {
        const names = [server, ...others].map((one) => one.name);
        throw new StepFailed(`expected one database server of ${name}, got ${names.join(', ')}`);
      }
      if (server !== undefined) {
        const place = { DATABASE_HOST: server.fullyQualifiedDomainName, DATABASE_NAME: DATABASE };
        Object.assign(variables, databaseOf(place, environment['AZURE_PRINCIPAL_NAME']));
        said.push(server.name);
      }
    }
    await setVariables(variables, environment);
    console.log(`${name} has ${said.join(', ') || 'none of what two apps share'}`);
  },
};

const keysSchema = z.object({
  masterKey: z.string().min(1),
  functionKeys: z.record(z.string(), z.string()),
  systemKeys: z.record(z.string(), z.string()).nullish(),
});

export const useKeys: DeployStep = {
  summary: 'takes the keys out of what `az functionapp keys list` says, and hides them in the log',
  usage: `use-keys <file> [--other]
Sets FUNCTION_KEY, MASTER_KEY and, once durable functions run, REPLAY_GATE_KEY; removes the file.
  --other   the keys are those of the app beside: sets OTHER_FUNCTION_KEY and OTHER_REPLAY_GATE_KEY`,
  async run(args, environment) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { other: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    const content = await readAzureJson(positionals);
    const { masterKey, functionKeys, systemKeys } = parse(keysSchema, content, 'the keys of a function app');
    const { default: functionKey } = functionKeys;
    if (functionKey === undefined) throw new StepFailed("expected a host key named 'default'");
    const durableKey = systemKeys?.['durabletask_extension'];
    // Without a runner that hides them, this would show them.
    if (environment['GITHUB_ACTIONS'] === 'true') {
      for (const key of [masterKey, functionKey, durableKey]) if (key) console.log(`::add-mask::${key}`);
    }
    const replayGateKey = durableKey ?? '';
    await setVariables(
      values.other
        ? { OTHER_FUNCTION_KEY: functionKey, OTHER_REPLAY_GATE_KEY: replayGateKey }
        : { FUNCTION_KEY: functionKey, MASTER_KEY: masterKey, REPLAY_GATE_KEY: replayGateKey },
      environment,
    );
    await Promise.all(positionals.map((file) => rm(file)));
    console.log(`keys: ${durableKey === undefined ? 'no durable functions yet' : 'all'}`);
  },
};

/** The outputs of infra/main.bicep that a roll-out uses, and the variables that they become. */
const outputs = {
  functionAppName: 'BLUE_APP',
  functionAppUrl: 'BLUE_URL',
  greenAppName: 'GREEN_APP',
  greenAppUrl: 'GREEN_URL',
  frontDoorName: 'FRONT_DOOR',
  resourceGroupName: 'RESOURCE_GROUP',
  storageAccountName: 'STORAGE_ACCOUNT',
  eventTopicName: 'EVENT_TOPIC',
  databaseHost: 'DATABASE_HOST',
  databaseName: 'DATABASE_NAME',
  appIdentityName: 'APP_DATABASE_ROLE',
  appIdentityPrincipalId: 'APP_DATABASE_PRINCIPAL_ID',
} as const;
const outputsSchema = z.record(z.string(), z.object({ value: z.unknown() }));

export const useOutputs: DeployStep = {
  summary: 'takes what infra/main.bicep has put out as variables',
  usage: `use-outputs <file>
The file is what \`az deployment sub create --query properties.outputs\` says. Sets ${Object.values(outputs).join(', ')},
APP_NAME and APP_URL of the app that APP says (blue, green), OTHER_APP_NAME and OTHER_APP_URL of the one beside it, and, where it is not set yet, DATABASE_URL for AZURE_PRINCIPAL_NAME, whose token is its password.`,
  async run(args, environment) {
    const given = parse(outputsSchema, await readAzureJson(args), 'outputs of a deployment');
    const missing = Object.keys(outputs).filter((name) => typeof given[name]?.value !== 'string');
    if (missing.length > 0) throw new StepFailed(`expected the outputs ${missing.join(', ')} of infra/main.bicep`);
    const variables = Object.fromEntries(
      Object.entries(outputs).map(([name, variable]) => [variable, given[name]?.value as string]),
    );
    const database = environment['DATABASE_URL'] ? {} : databaseOf(variables, environment['AZURE_PRINCIPAL_NAME']);
    const [own, other] = environment['APP'] === 'green' ? ['GREEN', 'BLUE'] : ['BLUE', 'GREEN'];
    const chosen = {
      APP_NAME: variables[`${own}_APP`] ?? '',
      APP_URL: variables[`${own}_URL`] ?? '',
      OTHER_APP_NAME: variables[`${other}_APP`] ?? '',
      OTHER_APP_URL: variables[`${other}_URL`] ?? '',
    };
    if (chosen.APP_NAME === '') throw new StepFailed(`the infrastructure has no app ${String(environment['APP'])}`);
    await setVariables({ ...variables, ...chosen, ...database }, environment);
    console.log(`the app is ${chosen.APP_NAME} at ${chosen.APP_URL}`);
  },
};

function databaseOf(variables: Readonly<Record<string, string>>, user: string | undefined): Record<string, string> {
  if (user === undefined || user === '') throw new StepFailed('expected who deploys in AZURE_PRINCIPAL_NAME');
  const address = `${variables['DATABASE_HOST']}/${variables['DATABASE_NAME']}`;
  return {
    DATABASE_URL: `postgres://${encodeURIComponent(user)}@${address}?sslmode=verify-full`,
    DATABASE_AUTHENTICATION: 'entra',
  };
}

function parse<T>(schema: z.ZodType<T>, content: unknown, expected: string): T {
  const read = schema.safeParse(content);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  // The path alone: what stands there may be a key.
  throw new StepFailed(`expected ${expected}; wrong at '${issue?.path.join('.') ?? ''}'`);
}
