import { existsSync } from 'node:fs';
import { formatAddress, isListening, isLoopback, portOf, stripBrackets, tryConnect } from '../supervisor/addresses';
import type { Address } from '../supervisor/addresses';
import { type AppState, hubSetting } from '../supervisor/app-state';
import { toTaskHub } from '../supervisor/command-line';
import { messageOf } from '../supervisor/failures';
import { checkForeignPostgres } from '../supervisor/postgres-probe';
import { isPostgresUrl, readPostgresSetting } from '../supervisor/postgres-settings';
import { checkForeignServiceBus } from '../supervisor/service-bus-probe';
import { readServiceBusSetting, type ServiceBusSetting } from '../supervisor/service-bus-settings';
import { checkForeignStorage } from '../supervisor/storage-probe';
import { readStorageSetting } from '../supervisor/storage-settings';
import { type Finding, info, ok, problem, warning } from './finding';

/** For each of the app's settings that is an address: does anything listen there, and is it what it should be? Values are not repeated: they hold secrets. */
export async function checkSettings({ settings, isOwn, manifest }: AppState): Promise<Finding[]> {
  const startable = new Set(manifest.services.flatMap((service) => service.settings));
  const checked = Object.entries(settings)
    .filter(([name, value]) => isOwn(name) && value !== '')
    .map(async ([name, value]) => {
      const serviceBus = readServiceBusSetting(name, value);
      if (serviceBus !== undefined) return checkServiceBus(serviceBus, manifest);
      return checkSetting(name, value, startable.has(name));
    });
  const findings = (await Promise.all(checked)).filter((finding) => finding !== undefined);
  try {
    toTaskHub(settings[hubSetting] || undefined, hubSetting);
  } catch (error) {
    findings.push(problem(messageOf(error)));
  }
  return findings.length > 0 ? findings : [info('No setting is an address')];
}

async function checkSetting(name: string, value: string, isStandIn: boolean): Promise<Finding | undefined> {
  if (isPostgresUrl(value)) return checkPostgres(name, value);
  const storage = readStorageSetting(name, value);
  if (storage !== undefined) {
    const endpoint = storage.endpoints.blob ?? storage.endpoints.queue ?? storage.endpoints.table;
    return endpoint && checkServer(name, endpoint, storage.isLocal, () => checkForeignStorage(storage));
  }
  if (name === 'AzureWebJobsStorage') {
    return problem(`${name}: expected UseDevelopmentStorage=true or a storage connection string, got something else`);
  }
  const address = toAddress(value);
  if (address === undefined) return undefined;
  const where = formatAddress(address);
  if ((await tryConnect(address)) === undefined) return ok(`${name}: something listens at ${where}`);
  if (!isLoopback(address.host)) return warning(`${name}: ${where} can't be reached from here`);
  return isStandIn
    ? ok(`${name}: nothing listens at ${where}; the app's own service is started there`)
    : warning(`${name}: nothing listens at ${where}, and nothing is started there`);
}

async function checkPostgres(name: string, value: string): Promise<Finding> {
  const setting = readPostgresSetting(name, value);
  if (setting === undefined) {
    return problem(
      `${name}: expected a PostgreSQL URL such as postgres://user:password@127.0.0.1:54329/database, got one that can't be read`,
    );
  }
  return checkServer(name, setting.address, setting.isLocal, () => checkForeignPostgres(setting));
}

/** One of this machine is started only if its entities are known. */
async function checkServiceBus(setting: ServiceBusSetting, { serviceBus }: AppState['manifest']): Promise<Finding> {
  const { name, address, isLocal, isEmulator } = setting;
  const where = formatAddress(address);
  if (!isLocal) {
    return (await tryConnect(address)) === undefined
      ? ok(`${name}: something listens at ${where}`)
      : warning(`${name}: ${where} can't be reached from here`);
  }
  if (!isEmulator && !(await isListening(address))) {
    return problem(
      `${name}: nothing listens at ${where}; without UseDevelopmentEmulator=true nothing is started there`,
    );
  }
  if (serviceBus === undefined && !(await isListening(address))) {
    return warning(
      `${name}: nothing listens at ${where}, and nothing is started there: functions-host.serviceBus.config of package.json names no Config.json with its queues and topics`,
    );
  }
  if (serviceBus !== undefined && !existsSync(serviceBus.config)) {
    return problem(`functions-host.serviceBus.config of package.json: there is no file ${serviceBus.config}`);
  }
  return checkServer(name, address, isLocal, () => checkForeignServiceBus(setting));
}

/** A server of a kind that is started where a local address names it and nothing listens. */
async function checkServer(
  name: string,
  address: Address,
  isLocal: boolean,
  look: () => Promise<void>,
): Promise<Finding> {
  const where = formatAddress(address);
  if (isLocal && !(await isListening(address))) return ok(`${name}: nothing listens at ${where}; it is started there`);
  return look().then(
    () => ok(`${name}: uses what is at ${where} already`),
    (error: unknown) => problem(messageOf(error)),
  );
}

function toAddress(value: string): Address | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(value) || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  const port = portOf(url);
  return port === undefined || url.hostname === '' ? undefined : { host: stripBrackets(url.hostname), port };
}
