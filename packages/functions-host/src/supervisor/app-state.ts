import type { CorsOptions } from '../http/cors';
import { readAppManifest } from './app-manifest';
import type { AppManifest } from './app-manifest';
import { isPostgresUrl } from './postgres-settings';
import { mergeSettings, readLocalSettings } from './settings';
import { readServiceUris, readStorageSetting } from './storage-settings';

/** Setting that says where the task hub is kept. */
export const hubSetting = 'FUNCTIONS_HOST_TASK_HUB';

/** What the app's files say. */
export interface AppState {
  readonly manifest: AppManifest;
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
    ...(local.port !== undefined && { port: local.port }),
    ...(local.cors && { cors: local.cors }),
    isOwn: (name) => isAllOwn || own.has(name),
  };
}

/** True when two states of an app ask for the same services and tasks. */
export function decidesAlike(one: AppState, other: AppState): boolean {
  return decidingParts(one) === decidingParts(other);
}

function decidingParts({ settings, manifest }: AppState): string {
  const named = new Set([hubSetting, ...manifest.services.flatMap((service) => service.settings)]);
  const deciding = Object.entries(settings).filter(
    ([name, value]) => named.has(name) || isPostgresUrl(value) || readStorageSetting(name, value) !== undefined,
  );
  const uris = readServiceUris(settings).sort((a, b) => (a.name < b.name ? -1 : 1));
  return JSON.stringify([manifest.services, manifest.tasks, deciding.sort(([a], [b]) => (a < b ? -1 : 1)), uris]);
}
