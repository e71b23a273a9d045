import { readFile } from 'node:fs/promises';
import type { CorsOptions } from '../http/cors';
import { readAppManifest } from './app-manifest';
import type { AppManifest } from './app-manifest';
import { isPostgresUrl } from './postgres-settings';
import { readServiceBusSetting } from './service-bus-settings';
import { mergeSettings, readLocalSettings } from './settings';
import { readServiceUris, readStorageSetting } from './storage-settings';

/** Setting that says where the task hub is kept. */
export const hubSetting = 'FUNCTIONS_HOST_TASK_HUB';

/** What the app's files say. */
export interface AppState {
  readonly manifest: AppManifest;
  /** What is in the file that `manifest.serviceBus` names, if it is there. */
  readonly serviceBusConfig?: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Host.LocalHttpPort of local.settings.json. */
  readonly port?: number;
  /** Host.CORS and Host.CORSCredentials of local.settings.json. */
  readonly cors?: CorsOptions;
  /** False for variables that happen to be in the environment: mistakes in them are none of this app's. */
  readonly isOwn: (settingName: string) => boolean;
}

/** Reads package.json and local.settings.json of an app, below what is set in the environment, below what is given. */
export async function readApp(
  appDir: string,
  environment: NodeJS.ProcessEnv,
  given: Readonly<Record<string, string>> = {},
): Promise<AppState> {
  const manifest = await readAppManifest(appDir);
  const local = await readLocalSettings(appDir);
  const serviceBusConfig = await readOptional(manifest.serviceBus?.config);
  const named = manifest.services.flatMap(({ settings }) => settings);
  const own = new Set([
    ...Object.keys(local.values),
    ...Object.keys(given),
    'AzureWebJobsStorage',
    hubSetting,
    ...named,
  ]);
  const isAllOwn = Object.keys(local.values).length === 0;
  return {
    manifest,
    settings: mergeSettings(local, { ...environment, ...given }),
    ...(serviceBusConfig !== undefined && { serviceBusConfig }),
    ...(local.port !== undefined && { port: local.port }),
    ...(local.cors && { cors: local.cors }),
    isOwn: (name) => isAllOwn || own.has(name),
  };
}

/** True when two states of an app ask for the same services and tasks. */
export function decidesAlike(one: AppState, other: AppState): boolean {
  return decidingParts(one) === decidingParts(other);
}

function decidingParts({ settings, manifest, serviceBusConfig }: AppState): string {
  const named = new Set([hubSetting, ...manifest.services.flatMap((service) => service.settings)]);
  const deciding = Object.entries(settings).filter(
    ([name, value]) =>
      named.has(name) ||
      isPostgresUrl(value) ||
      readStorageSetting(name, value) !== undefined ||
      readServiceBusSetting(name, value) !== undefined,
  );
  const uris = readServiceUris(settings).sort((a, b) => (a.name < b.name ? -1 : 1));
  const { services, tasks, serviceBus } = manifest;
  return JSON.stringify([
    ...[services, tasks, serviceBus, serviceBusConfig],
    deciding.sort(([a], [b]) => (a < b ? -1 : 1)),
    uris,
  ]);
}

/** Undefined if there is none: whoever needs it says so. */
function readOptional(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? Promise.resolve(undefined) : readFile(file, 'utf8').catch(() => undefined);
}
