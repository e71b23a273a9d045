import path from 'node:path';
import { findFreePort, formatAddress, isListening } from './addresses';
import type { Address } from './addresses';
import { startAzurite } from './azurite';
import { StartError } from '../host/start-error';
import type { PlanRequest } from './plan';
import type { Service } from './service';
import { readServiceUris, readStorageSetting, toAccounts } from './storage-settings';
import type { StorageKind, StorageSetting } from './storage-settings';

const REQUIRED = 'AzureWebJobsStorage';

/**
 * Which Azurites to start: one for each local blob address that a setting names and on which nothing listens. Storage that is
 * there already, or is elsewhere, is looked at.
 * @throws StartError that names a setting which can't be right.
 */
export async function planStorage(request: PlanRequest): Promise<Service[]> {
  const settings = readSettings(request);
  const groups = new Map<string, StorageSetting[]>();
  const foreign = settings.filter(({ isLocal }) => !isLocal);
  for (const setting of settings.filter(({ isLocal }) => isLocal)) {
    if (await isListening(firstEndpoint(setting))) foreign.push(setting);
    else
      groups.set(formatAddress(firstEndpoint(setting)), [
        ...(groups.get(formatAddress(firstEndpoint(setting))) ?? []),
        setting,
      ]);
  }
  await Promise.all(foreign.filter(({ name }) => request.isOwn(name)).map((setting) => lookAt(setting, request)));
  return Promise.all([...groups.values()].map((group, index) => toService(group, index, request)));
}

function readSettings({ settings, isOwn }: PlanRequest): StorageSetting[] {
  const found = Object.entries(settings).flatMap(([name, value]) => {
    const setting = readStorageSetting(name, value);
    return setting ? [setting] : [];
  });
  found.push(...readServiceUris(settings));
  const required = settings[REQUIRED];
  if (required && isOwn(REQUIRED) && !found.some(({ name }) => name === REQUIRED)) {
    throw new StartError(
      `${REQUIRED}: expected UseDevelopmentStorage=true or a storage connection string (AccountName=...;AccountKey=...), got something else ` +
        `(${required.length} characters, beginning with ${JSON.stringify(required.slice(0, 12))}).`,
    );
  }
  // The host's own storage decides over ports and folder, whatever order the settings come in.
  return [...found.filter(({ name }) => name === REQUIRED), ...found.filter(({ name }) => name !== REQUIRED)];
}

async function lookAt(setting: StorageSetting, { log }: PlanRequest): Promise<void> {
  const { checkForeignStorage } = await import('./storage-probe');
  await checkForeignStorage(setting);
  const where = formatAddress(firstEndpoint(setting));
  log.log('Information', 'Host.Supervisor', `${setting.name}: using the storage at ${where}, which is there already`);
}

function firstEndpoint({ endpoints }: StorageSetting): Address {
  const endpoint = endpoints.blob ?? endpoints.queue ?? endpoints.table;
  if (!endpoint) throw new Error('A storage setting has at least one endpoint.');
  return endpoint;
}

async function toService(
  settings: readonly StorageSetting[],
  index: number,
  { folder }: PlanRequest,
): Promise<Service> {
  const addresses = {
    blob: await chooseAddress('blob', settings),
    queue: await chooseAddress('queue', settings),
    table: await chooseAddress('table', settings),
  };
  const suffix = index === 0 ? '' : `-${addresses.blob.port}`;
  const listed = Object.entries(addresses).map(([kind, address]) => `${kind} ${formatAddress(address)}`);
  return {
    name: index === 0 ? 'Azurite' : `Azurite on port ${addresses.blob.port}`,
    summary: `${listed.join(', ')} (${settings.map(({ name }) => name).join(', ')})`,
    start: (call) =>
      startAzurite({
        dataDir: path.join(folder.dir, `azurite${suffix}`),
        ...addresses,
        accounts: toAccounts(settings),
        logFile: folder.logFile(`azurite${suffix}`),
        ...call,
      }),
  };
}

async function chooseAddress(kind: StorageKind, settings: readonly StorageSetting[]): Promise<Address> {
  const setting = settings.find(({ endpoints }) => endpoints[kind]);
  const endpoint = setting?.endpoints[kind];
  if (!setting || !endpoint) return { host: '127.0.0.1', port: await findFreePort() };
  const where = formatAddress(endpoint);
  if (endpoint.isHttps) {
    throw new StartError(
      `${setting.name}: expected an http:// endpoint for local ${kind} storage, got https at ${where}, where nothing listens.`,
    );
  }
  if (await isListening(endpoint)) {
    throw new StartError(
      `${setting.name}: expected all of its local storage to be there or none, but only its ${kind} address ${where} is taken. ` +
        'End what listens there, or name other ports.',
    );
  }
  return endpoint;
}
