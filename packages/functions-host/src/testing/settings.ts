import { mergeSettings, readLocalSettings } from '../supervisor/settings';

/**
 * The settings of a test's app: those given, then local.settings.json, then the environment; the latter two not for the host's
 * storage, which is the test's own.
 */
export async function toTestSettings(
  appDir: string,
  given: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const { values } = await readLocalSettings(appDir);
  const found = { ...mergeSettings({ values: {} }, process.env), ...values };
  const kept = Object.entries(found).filter(([name]) => !isHostStorage(name));
  return { ...Object.fromEntries(kept), ...given };
}

/** Puts the test's storage where the settings have the storage emulator, and in the host's place unless the test names another. */
export function withStorage(
  settings: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>>,
  connectionString: string,
): Record<string, string> {
  const hosts = Object.keys(given).some(isHostStorage) ? {} : { AzureWebJobsStorage: connectionString };
  const all = Object.entries(settings).map(([name, value]) => [
    name,
    isEmulator(value) && !Object.hasOwn(given, name) ? connectionString : value,
  ]);
  return { ...(Object.fromEntries(all) as Record<string, string>), ...hosts };
}

export function isHostStorage(name: string): boolean {
  return /^azurewebjobsstorage(__|$)/i.test(name);
}

function isEmulator(value: string): boolean {
  return /^\s*UseDevelopmentStorage\s*=\s*true\s*;?\s*$/i.test(value);
}
