import { existsSync } from 'node:fs';
import path from 'node:path';
import { StartError } from '../host/start-error';
import { formatAddress, isListening } from './addresses';
import type { PlanRequest } from './plan';
import type { Service } from './service';
import { startServiceBusEmulator } from './service-bus-emulator';
import { readServiceBusSetting, type ServiceBusSetting } from './service-bus-settings';

/**
 * Which emulators of Service Bus to start: one for each address on this machine that a setting names with
 * `UseDevelopmentEmulator=true` and on which nothing listens. What is there already is looked at; a namespace elsewhere is
 * not: connections to it come and go, and the triggers outwait that.
 * @throws StartError that names a setting or a file which can't be right.
 */
export async function planServiceBus(request: PlanRequest): Promise<Service[]> {
  const groups = new Map<string, ServiceBusSetting[]>();
  const foreign: ServiceBusSetting[] = [];
  for (const setting of readSettings(request)) {
    if (!setting.isLocal) continue;
    const where = formatAddress(setting.address);
    if (await isListening(setting.address)) foreign.push(setting);
    else if (setting.isEmulator) groups.set(where, [...(groups.get(where) ?? []), setting]);
    else if (request.isOwn(setting.name)) throw new StartError(withoutTls(setting));
  }
  await Promise.all(foreign.filter(({ name }) => request.isOwn(name)).map((setting) => lookAt(setting, request)));
  const { serviceBus } = request.manifest;
  if (serviceBus === undefined) {
    for (const [where, settings] of groups) warnOf(where, settings, request);
    return [];
  }
  if (groups.size > 0 && !existsSync(serviceBus.config)) {
    throw new StartError(`functions-host.serviceBus.config of package.json: there is no file ${serviceBus.config}.`);
  }
  return [...groups.values()].map((settings, index) => toService(settings, index, serviceBus.config, request));
}

function readSettings({ settings }: PlanRequest): ServiceBusSetting[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    const setting = readServiceBusSetting(name, value);
    return setting ? [setting] : [];
  });
}

function withoutTls({ name, address }: ServiceBusSetting): string {
  return (
    `${name}: expected UseDevelopmentEmulator=true in a connection string of this machine, where nothing listens at ` +
    `${formatAddress(address)}: without it clients speak TLS, which the emulator that would be started does not.`
  );
}

async function lookAt(setting: ServiceBusSetting, { log }: PlanRequest): Promise<void> {
  const { checkForeignServiceBus } = await import('./service-bus-probe');
  await checkForeignServiceBus(setting);
  const where = formatAddress(setting.address);
  log.log(
    'Information',
    'Host.Supervisor',
    `${setting.name}: using the Service Bus at ${where}, which is there already`,
  );
}

/** Which entities there are is for the app to say; and it may be Event Hubs that is meant, whose connection strings look the same. */
function warnOf(where: string, settings: readonly ServiceBusSetting[], { log }: PlanRequest): void {
  log.log(
    'Warning',
    'Host.Supervisor',
    `${namesOf(settings)}: nothing listens at ${where}, and no Service Bus emulator is started there, since nothing says which queues and ` +
      'topics it has: write a Config.json (the format of the official emulator) and name it in package.json, ' +
      'as "functions-host": { "serviceBus": { "config": "Config.json" } }',
  );
}

function toService(
  settings: readonly ServiceBusSetting[],
  index: number,
  configFile: string,
  { folder }: PlanRequest,
): Service {
  const [{ address }] = settings as readonly [ServiceBusSetting];
  const suffix = index === 0 ? '' : `-${address.port}`;
  return {
    name: index === 0 ? 'Service Bus emulator' : `Service Bus emulator on port ${address.port}`,
    summary: `${formatAddress(address)} (${namesOf(settings)})`,
    start: (call) =>
      startServiceBusEmulator({
        ...{ configFile, address },
        dataDir: path.join(folder.dir, `service-bus${suffix}`),
        logFile: folder.logFile(`service-bus${suffix}`),
        ...call,
      }),
  };
}

function namesOf(settings: readonly ServiceBusSetting[]): string {
  return settings.map(({ name }) => name).join(', ');
}
