import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { formatAddress, isListening, isLoopback, loopbackIp, portOf, stripBrackets } from './addresses';
import type { Address } from './addresses';
import type { ServiceEntry } from './app-manifest';
import { StartError } from '../host/start-error';
import { startNodeService } from './node-service';
import type { PlanRequest } from './plan';
import type { Service } from './service';

/**
 * Which of the app's own services to start: those whose first setting is a URL on this machine where nothing listens.
 * @throws StartError that names a setting or an entry which can't be right.
 */
export async function planStandIns(request: PlanRequest): Promise<Service[]> {
  const planned = await Promise.all(request.manifest.services.map((entry) => planStandIn(entry, request)));
  return planned.filter((service) => service !== undefined);
}

async function planStandIn(entry: ServiceEntry, request: PlanRequest): Promise<Service | undefined> {
  const { settings, folder, log } = request;
  const [first, ...others] = entry.settings;
  const value = first === undefined ? undefined : settings[first];
  if (first === undefined || value === undefined || value === '') return undefined;
  const address = toAddress(first, value);
  if (!isLoopback(address.host)) return undefined;
  if (await isListening(address)) {
    log.log(
      'Information',
      'Host.Supervisor',
      `${first}: using what listens at ${formatAddress(address)} already, ${entry.name} is not started`,
    );
    return undefined;
  }
  const more = await Promise.all(others.map((name) => toFreeAddress(name, settings[name], entry)));
  requireFile(entry);
  const addresses = [address, ...more].map(({ host, port }) => ({ host: loopbackIp(host), port }));
  return {
    name: entry.name,
    summary: `${addresses.map(formatAddress).join(', ')} (${entry.settings.join(', ')})`,
    start: async (call) => {
      const dataDir = path.join(folder.dir, entry.name);
      await mkdir(dataDir, { recursive: true });
      return startNodeService({
        name: entry.name,
        entry: entry.entry,
        cwd: request.appDir,
        env: { ...settings, DATA_DIR: dataDir },
        logFile: folder.logFile(entry.name),
        addresses,
        ...call,
      });
    },
  };
}

async function toFreeAddress(name: string, value: string | undefined, entry: ServiceEntry): Promise<Address> {
  if (value === undefined || value === '') {
    throw new StartError(
      `${name}: expected a URL on this machine for ${entry.name} to listen on, but the setting is missing.`,
    );
  }
  const address = toAddress(name, value);
  if (!isLoopback(address.host)) {
    throw new StartError(
      `${name}: expected a URL on this machine, as ${entry.settings[0] ?? ''} is one too, got host ${address.host}.`,
    );
  }
  if (await isListening(address)) {
    throw new StartError(
      `${name}: expected ${formatAddress(address)} to be free for ${entry.name} to listen on, but something listens there. End it, or name another port.`,
    );
  }
  return address;
}

/** The address in a URL. Its text is not repeated in messages: it may hold a password. */
function toAddress(name: string, value: string): Address {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const port = url && portOf(url);
  if (!url || url.hostname === '' || port === undefined) {
    throw new StartError(
      `${name}: expected a URL with host and port, such as http://127.0.0.1:7081, got something else.`,
    );
  }
  return { host: stripBrackets(url.hostname), port };
}

function requireFile({ name, entry }: ServiceEntry): void {
  if (existsSync(entry)) return;
  throw new StartError(
    `functions-host.services.${name} of package.json: there is no file ${entry}. If it is built, build it first.`,
  );
}
