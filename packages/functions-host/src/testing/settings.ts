import { mergeSettings, readLocalSettings } from '../supervisor/settings';

/**
 * The settings of a test's app: those given, then local.settings.json, then the environment; the latter two not for storage, which
 * is the test's own.
 * @param storage takes the place of the storage emulator, and of the host's storage unless the test names one.
 */
export async function toTestSettings(
  appDir: string,
  given: Readonly<Record<string, string>>,
  storage: string | undefined,
): Promise<Record<string, string>> {
  const { values } = await readLocalSettings(appDir);
  const settings = mergeSettings({ values: {} }, process.env);
  for (const name of Object.keys(settings)) if (isHostStorage(name)) Reflect.deleteProperty(settings, name);
  for (const [name, value] of Object.entries(values)) {
    if (isEmulator(value) && storage !== undefined) settings[name] = storage;
    else if (!isHostStorage(name)) settings[name] = value;
  }
  if (storage !== undefined) settings['AzureWebJobsStorage'] = storage;
  return { ...settings, ...given };
}

/** True if the test names the host's storage itself. */
export function namesStorage(given: Readonly<Record<string, string>>): boolean {
  return Object.keys(given).some(isHostStorage);
}

function isHostStorage(name: string): boolean {
  return /^azurewebjobsstorage(__|$)/i.test(name);
}

function isEmulator(value: string): boolean {
  return /^\s*UseDevelopmentStorage\s*=\s*true\s*;?\s*$/i.test(value);
}
