import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { otherThan, settingsOf, settingsSchema } from '../two-apps';
import type { Colour, Duty } from '../two-apps';
import { blobCommands, expectSame } from './blob-commands';
import type { LocalApp } from './local-app';
import type { WeightedFront } from './weighted-front';

/*
 * The commands of `az` that a roll-out and a shift of traffic use, each with the options that they use, over local apps and a
 * local front. A command or an option that is not here is an error, and so this list is also what has only been tried on
 * this machine and not in Azure. What main.bicep makes of its parameters is done here by hand.
 */

/** What a command is called with. */
export interface Call {
  readonly folder: string;
  /** The variables that main.bicepparam reads, as far as they count here. */
  readonly environment: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
}
export interface Command {
  readonly required: readonly string[];
  readonly optional?: readonly string[];
  readonly flags?: readonly string[];
  run(call: Call): Promise<string> | string;
}

/** What stands in for an environment in Azure. */
export interface LocalAzure {
  readonly apps: Readonly<Record<Colour, LocalApp>>;
  readonly front: WeightedFront;
  /** What befalls the next deployment of the infrastructure; emptied by it. */
  next: NextDeployment;
  /** What commands were refused for, in turn. */
  readonly refusals: string[];
}
export interface NextDeployment {
  /** It ends half way: the apps are there and have their settings, and what comes after them is as it was. */
  readonly fails?: boolean;
  /** Happens between its beginning and its end. */
  meanwhile?(): Promise<void>;
}

/** Names of what infra/ makes, as it would put them out. */
export const NAMES = {
  functionAppName: 'func-dry-run',
  resourceGroupName: 'rg-dry-run',
  storageAccountName: 'stdryrun',
  eventTopicName: 'evgt-dry-run',
  appIdentityName: 'id-dry-run',
  appIdentityPrincipalId: '00000000-0000-0000-0000-000000000000',
  databaseHost: '127.0.0.1',
  databaseName: 'orders',
};
const PACKAGES = 'packages';
const FRONT_DOOR = 'afd-dry-run';
const APP_NAMES: Readonly<Record<Colour, string>> = { blue: NAMES.functionAppName, green: 'green-dry-run' };
const HUBS: Readonly<Record<Colour, string>> = { blue: 'OrderSagas', green: 'OrderSagasGreen' };
const SERVICES: Readonly<Record<Colour, string>> = { blue: 'order-sagas', green: 'order-sagas-green' };

/** @param blobs folder whose files are the blobs */
export function commandsOver(azure: LocalAzure, blobs: string): Readonly<Record<string, Command>> {
  const account = { 'account-name': NAMES.storageAccountName, 'container-name': PACKAGES };
  return { ...new Environment(azure).commands(), ...blobCommands(blobs, account) };
}

class Environment {
  readonly #azure: LocalAzure;
  readonly #there = new Set<Colour>();
  #hasFrontDoor = false;
  /** How the last deployment of each name stands. */
  readonly #states = new Map<string, string>();

  constructor(azure: LocalAzure) {
    this.#azure = azure;
  }

  commands(): Record<string, Command> {
    return {
      'account clear': { required: [], run: () => '' },
      'account get-access-token': { required: ['resource', 'output'], run: () => '' },
      ...this.#deployments(),
      ...this.#resources(),
      ...this.#functionApps(),
      ...this.#frontDoor(),
    };
  }

  #deployments(): Record<string, Command> {
    const template = ['name', 'template-file', 'parameters'];
    return {
      'deployment sub what-if': {
        required: [...template, 'location'],
        run: async (call) => {
          await expectFiles(call);
          return this.#there.has('blue') ? 'Resource changes: no change.' : 'Resource changes: all to create.';
        },
      },
      'deployment sub create': {
        required: [...template, 'location', 'query', 'output'],
        run: async (call) => {
          await expectFiles(call);
          await this.#deploy(call);
          return JSON.stringify(this.#outputs());
        },
      },
      'deployment sub list': {
        required: ['query', 'output'],
        run: ({ values }) => {
          const [, name = ''] =
            /^\[\?name=='([\w-]+)'\]\.properties\.provisioningState$/.exec(String(values['query'])) ?? [];
          if (name === '') throw new Error(`--query: nothing stands in for '${String(values['query'])}'`);
          const state = this.#states.get(name);
          return JSON.stringify(state === undefined ? [] : [state]);
        },
      },
      'deployment group create': {
        required: [...template, 'resource-group', 'output'],
        run: (call) => expectFile(call, 'template-file').then(() => ''),
      },
    };
  }

  /** A deployment of a name that is under way is not begun a second time. */
  async #deploy(call: Call): Promise<void> {
    const name = String(call.values['name']);
    if (this.#states.get(name) === 'Running') throw new Error(`(DeploymentActive) ${name} is still being deployed`);
    const { fails = false, meanwhile } = this.#azure.next;
    this.#azure.next = {};
    this.#states.set(name, 'Running');
    await meanwhile?.();
    const isTwo = await this.#makeApps(call);
    this.#states.set(name, fails ? 'Failed' : 'Succeeded');
    if (fails) throw new Error('(DeploymentFailed) At least one resource deployment operation failed.');
    if (isTwo) this.#makeFrontDoor(call);
  }

  /** What main.bicep does: with SECOND_APP two apps that know of each other, weights and duties as they are given. */
  async #makeApps({ environment, folder }: Call): Promise<boolean> {
    const isTwo = environment['SECOND_APP'] === 'true';
    const { apps } = this.#azure;
    const infra = path.join(folder, 'infra');
    const duties = { blue: environment['BLUE_DUTY'] || 'leads', green: environment['GREEN_DUTY'] || 'waits' };
    for (const colour of isTwo ? (['blue', 'green'] as const) : (['blue'] as const)) {
      this.#there.add(colour);
      const settings = isTwo ? await settingsOf(duties[colour] as Duty, infra) : [];
      apps[colour].configure({
        AzureFunctionsJobHost__extensions__durableTask__hubName: HUBS[colour],
        ...(isTwo && { OTHER_TASK_HUB: HUBS[otherThan(colour)] }),
        ...Object.fromEntries(settings.map(({ name, value }) => [name, value])),
      });
    }
    return isTwo;
  }

  #makeFrontDoor({ environment }: Call): void {
    this.#hasFrontDoor = true;
    const green = Number(environment['GREEN_WEIGHT'] || 0);
    for (const [name, weight] of [
      ['blue', 100 - green],
      ['green', green],
    ] as const) {
      this.#azure.front.set({ name, weight: Math.max(1, weight), enabledState: weight === 0 ? 'Disabled' : 'Enabled' });
    }
  }

  #outputs(): Record<string, { type: 'String'; value: string }> {
    const { apps } = this.#azure;
    const isTwo = this.#there.has('green');
    const values = Object.entries({
      ...NAMES,
      functionAppUrl: apps.blue.url,
      greenAppName: isTwo ? APP_NAMES.green : '',
      greenAppUrl: isTwo ? apps.green.url : '',
      frontDoorName: this.#hasFrontDoor ? FRONT_DOOR : '',
    });
    return Object.fromEntries(values.map(([name, value]) => [name, { type: 'String', value }]));
  }

  /** What the environment's tags find. */
  #resources(): Record<string, Command> {
    const tags = { 'azd-env-name': 'staging', application: 'order-sagas' };
    const isThere = (): boolean => this.#there.size > 0;
    return {
      'resource list': {
        required: ['resource-group', 'output'],
        run: ({ values }) => {
          expectSame(values, 'resource-group', NAMES.resourceGroupName);
          const made = isThere()
            ? [
                { name: NAMES.storageAccountName, type: 'Microsoft.Storage/storageAccounts', tags },
                { name: NAMES.eventTopicName, type: 'Microsoft.EventGrid/systemTopics', tags },
              ]
            : [];
          const front = { name: FRONT_DOOR, type: 'Microsoft.Cdn/profiles', tags };
          const another = { name: 'of-others', type: 'Microsoft.Storage/storageAccounts', tags: null };
          return JSON.stringify([another, ...made, ...(this.#hasFrontDoor ? [front] : [])]);
        },
      },
      'storage account list': {
        required: ['query', 'output'],
        run: ({ values }) => {
          expectSame(values, 'output', 'tsv');
          const wanted = Object.entries(tags).map(([name, value]) => `tags.${quoted(name)}=='${value}'`);
          expectSame(values, 'query', `[?${wanted.join(' && ')}].name`);
          return isThere() ? NAMES.storageAccountName : '';
        },
      },
    };
  }

  #functionApps(): Record<string, Command> {
    const one = ['resource-group', 'name'];
    return {
      'functionapp list': { required: ['output'], run: () => JSON.stringify(this.#list()) },
      'functionapp keys list': {
        required: [...one, 'output'],
        run: (call) => {
          const { master: masterKey, host: functionKeys, system: systemKeys } = this.#appOf(call).keys;
          return JSON.stringify({ masterKey, functionKeys, systemKeys });
        },
      },
      'functionapp keys set': {
        required: [...one, 'key-type', 'key-name', 'key-value', 'output'],
        run: async (call) => {
          expectSame(call.values, 'key-type', 'functionKeys');
          await this.#appOf(call).setHostKey(String(call.values['key-name']), String(call.values['key-value']));
          return '';
        },
      },
      'functionapp config appsettings list': {
        required: [...one, 'output'],
        run: (call) =>
          JSON.stringify(Object.entries(this.#appOf(call).settings).map(([name, value]) => ({ name, value }))),
      },
      'functionapp config appsettings set': {
        required: [...one, 'settings', 'output'],
        run: async (call) => {
          const [, file] = /^@(.+)$/.exec(String(call.values['settings'])) ?? [];
          if (file === undefined) throw new Error('--settings: expected @<file>');
          const given = settingsSchema.parse(JSON.parse(await readFile(path.resolve(call.folder, file), 'utf8')));
          const app = this.#appOf(call);
          app.configure({
            ...app.settings,
            ...Object.fromEntries(given.map(({ name, value }) => [name, value ?? ''])),
          });
          return '';
        },
      },
      'functionapp deployment source config-zip': {
        required: [...one, 'src'],
        run: async (call) => {
          const app = this.#appOf(call);
          await expectFile(call, 'src');
          await app.deploy(path.resolve(call.folder, String(call.values['src'])));
          return 'Deployment was successful.';
        },
      },
    };
  }

  #list(): object[] {
    const shown = [...this.#there].map((colour) => ({
      name: APP_NAMES[colour],
      resourceGroup: NAMES.resourceGroupName,
      defaultHostName: new URL(this.#azure.apps[colour].url).host,
      httpsOnly: false,
      tags: { 'azd-env-name': 'staging', 'azd-service-name': SERVICES[colour] },
    }));
    const another = { name: 'func-of-others', resourceGroup: 'rg', defaultHostName: 'x', httpsOnly: true, tags: null };
    return [another, ...shown];
  }

  #appOf({ values }: Call): LocalApp {
    expectSame(values, 'resource-group', NAMES.resourceGroupName);
    const colour = [...this.#there].find((one) => APP_NAMES[one] === values['name']);
    if (colour === undefined) throw new Error(`there is no ${String(values['name'])} yet`);
    return this.#azure.apps[colour];
  }

  #frontDoor(): Record<string, Command> {
    const group = ['resource-group', 'profile-name', 'origin-group-name'];
    const expectGroup = ({ values }: Call): void => {
      expectSame(values, 'resource-group', NAMES.resourceGroupName);
      expectSame(values, 'profile-name', FRONT_DOOR);
      expectSame(values, 'origin-group-name', 'apps');
    };
    const { front } = this.#azure;
    return {
      'afd origin-group list': {
        required: ['resource-group', 'profile-name', 'output'],
        run: ({ values }) => {
          expectSame(values, 'resource-group', NAMES.resourceGroupName);
          expectSame(values, 'profile-name', FRONT_DOOR);
          if (!this.#hasFrontDoor) throw new Error(`(ResourceNotFound) ${FRONT_DOOR} was not found.`);
          return JSON.stringify([{ name: 'apps' }]);
        },
      },
      'afd origin list': {
        required: [...group, 'output'],
        run: (call) => {
          expectGroup(call);
          return JSON.stringify(front.origins);
        },
      },
      'afd origin update': {
        required: [...group, 'origin-name', 'weight', 'enabled-state', 'output'],
        run: (call) => {
          expectGroup(call);
          const name = front.origins.find((origin) => origin.name === call.values['origin-name'])?.name;
          const [weight, enabledState] = [Number(call.values['weight']), call.values['enabled-state']];
          if (name === undefined) throw new Error(`there is no origin ${String(call.values['origin-name'])}`);
          if (!Number.isInteger(weight) || weight < 1 || weight > 1_000)
            throw new Error('--weight: expected 1 to 1000');
          if (enabledState !== 'Enabled' && enabledState !== 'Disabled') throw new Error('--enabled-state: unknown');
          front.set({ name, weight, enabledState });
          return '';
        },
      },
    };
  }
}

/** As JMESPath writes a name: in quotes where it is not of letters and digits alone. */
const quoted = (name: string): string => (/^\w+$/.test(name) ? name : `"${name}"`);

async function expectFiles(call: Call): Promise<void> {
  await expectFile(call, 'template-file');
  await expectFile(call, 'parameters');
}

async function expectFile({ folder, values }: Call, option: string): Promise<void> {
  await stat(path.resolve(folder, String(values[option])));
}
