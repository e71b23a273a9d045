import path from 'node:path';
import { findFreePort, formatAddress, isListening, tryListen } from './addresses';
import type { Address } from './addresses';
import { StartError } from '../host/start-error';
import { startPostgresServer } from './postgres';
import { groupByServer, isPostgresUrl, readPostgresSetting, toLogins } from './postgres-settings';
import type { PostgresSetting, WantedServer } from './postgres-settings';
import type { PlanRequest } from './plan';
import type { Service } from './service';

/** User and database of a task hub that nobody named. */
const HUB = 'functions_host';

export interface PostgresPlan {
  readonly services: readonly Service[];
  /** `postgres://` URL, `memory`, or `undefined` when none is asked for. */
  readonly taskHub: string | undefined;
}

/**
 * Which PostgreSQL servers to start: one for each local address that a setting names and on which nothing listens, and
 * one for the task hub when there is no other. Servers that are there already, or are elsewhere, are looked at.
 * @throws StartError that names a setting which can't be right.
 */
export async function planPostgres(request: PlanRequest): Promise<PostgresPlan> {
  const settings = [...readSettings(request), ...taskHubSetting(request)];
  const wanted: WantedServer[] = [];
  const foreign = settings.filter(({ isLocal }) => !isLocal);
  for (const server of groupByServer(settings.filter(({ isLocal }) => isLocal))) {
    if (await isListening(server.address)) foreign.push(...server.settings);
    else wanted.push(server);
  }
  await Promise.all(foreign.filter(({ name }) => request.isOwn(name)).map((setting) => lookAt(setting, request)));

  const hub = request.taskHub.kind === 'default' ? await placeTaskHub(wanted, request) : undefined;
  const servers = [...wanted, ...(hub && !wanted.includes(hub.server) ? [hub.server] : [])];
  const taskHub =
    request.taskHub.kind === 'url' ? request.taskHub.url : request.taskHub.kind === 'memory' ? 'memory' : hub?.url;
  return {
    taskHub,
    services: servers.map((server, index) =>
      toService(server, index, hub?.server === server ? [hub.setting] : [], request),
    ),
  };
}

function taskHubSetting({ taskHub }: PlanRequest): PostgresSetting[] {
  if (taskHub.kind !== 'url') return [];
  const setting = readPostgresSetting(taskHub.name, taskHub.url);
  if (!setting) {
    throw new StartError(
      `${taskHub.name}: expected postgres://user:password@host:port/database or memory, got something else.`,
    );
  }
  return [setting];
}

function readSettings({ settings, isOwn, taskHub }: PlanRequest): PostgresSetting[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    if (!isPostgresUrl(value) || (taskHub.kind === 'url' && taskHub.name === name)) return [];
    const setting = readPostgresSetting(name, value);
    if (setting) return [setting];
    if (isOwn(name) && !/^postgres(ql)?:\/\/\//i.test(value)) {
      throw new StartError(
        `${name}: expected a PostgreSQL URL such as postgres://user:password@127.0.0.1:54329/database, got one that can't be read ` +
          '(characters such as # / ? @ in user and password have to be percent-encoded).',
      );
    }
    return [];
  });
}

async function lookAt(setting: PostgresSetting, { log }: PlanRequest): Promise<void> {
  const { checkForeignPostgres } = await import('./postgres-probe');
  await checkForeignPostgres(setting);
  log.log(
    'Information',
    'Host.Supervisor',
    `${setting.name}: using the PostgreSQL at ${formatAddress(setting.address)}, which is there already`,
  );
}

/** The task hub lives in the first server that is started anyway, or in one of its own on a port that is kept. */
async function placeTaskHub(
  wanted: readonly WantedServer[],
  { folder }: PlanRequest,
): Promise<{ server: WantedServer; setting: PostgresSetting; url: string }> {
  const server = wanted[0] ?? { address: await chooseHubAddress(folder), settings: [] };
  const password = folder.remembered.taskHubPassword;
  const url = `postgres://${HUB}:${password}@${formatAddress(server.address)}/${HUB}`;
  const setting: PostgresSetting = {
    name: 'task hub',
    url,
    address: server.address,
    isLocal: true,
    user: HUB,
    password,
    database: HUB,
  };
  return { server, setting, url };
}

async function chooseHubAddress(folder: PlanRequest['folder']): Promise<Address> {
  const host = '127.0.0.1';
  const kept = folder.remembered.taskHubPort;
  if (kept !== undefined && (await tryListen({ host, port: kept })) === undefined) return { host, port: kept };
  const port = await findFreePort(host);
  await folder.remember({ taskHubPort: port });
  return { host, port };
}

function toService(
  server: WantedServer,
  index: number,
  more: readonly PostgresSetting[],
  request: PlanRequest,
): Service {
  const { folder, log } = request;
  const { address } = server;
  const settings = [...server.settings, ...more];
  const suffix = index === 0 ? '' : `-${address.port}`;
  let hasToldPlace = false;
  return {
    name: index === 0 ? 'PostgreSQL' : `PostgreSQL on port ${address.port}`,
    isForHostAlone: server.settings.length === 0,
    summary: `${formatAddress(address)} (${settings.map(({ name }) => name).join(', ')})`,
    start: async ({ signal, onSpawn }) => {
      const running = await startPostgresServer({
        dataDir: path.join(folder.dir, `postgres${suffix}`),
        address,
        logins: toLogins(settings),
        logFile: folder.logFile(`postgres${suffix}`),
        signal,
        onSpawn,
      });
      if (running.movedBecauseOf !== undefined && !hasToldPlace) {
        hasToldPlace = true;
        log.log(
          'Information',
          'Host.Supervisor',
          `PostgreSQL's data is in ${running.dataDir}: started by root it runs as another user, who may not enter ${running.movedBecauseOf}`,
        );
      }
      return running;
    },
  };
}
