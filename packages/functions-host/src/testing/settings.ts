import { formatAddress } from '../supervisor/addresses';
import { readServiceBusSetting } from '../supervisor/service-bus-settings';
import { mergeSettings, readLocalSettings } from '../supervisor/settings';

interface TestSettings {
  readonly settings: Readonly<Record<string, string>>;
  /** False for what comes from the environment alone. */
  readonly isOwn: (name: string) => boolean;
}

/**
 * The settings of a test's app: those given, then local.settings.json, then the environment; the latter two not for the host's
 * storage, which is the test's own.
 */
export async function toTestSettings(appDir: string, given: Readonly<Record<string, string>>): Promise<TestSettings> {
  const { values } = await readLocalSettings(appDir);
  const found = { ...mergeSettings({ values: {} }, process.env), ...values };
  const kept = Object.entries(found).filter(([name]) => !isHostStorage(name));
  return {
    settings: { ...Object.fromEntries(kept), ...given },
    isOwn: (name) => Object.hasOwn(given, name) || Object.hasOwn(values, name),
  };
}

/** A real Service Bus has real times: its locks would end, and its messages be due, when virtual time says something else. */
export function requireOwnServiceBus(
  settings: Readonly<Record<string, string>>,
  isOwn: (name: string) => boolean,
): void {
  for (const [name, value] of Object.entries(settings)) {
    const setting = isOwn(name) ? readServiceBusSetting(name, value) : undefined;
    if (setting === undefined || setting.isEmulator) continue;
    throw new TypeError(
      `createTestHost: setting ${name} names a Service Bus at ${formatAddress(setting.address)}, whose times are real. Name the ` +
        "emulator (UseDevelopmentEmulator=true) for one that goes by the virtual clock, or make the host with clock: 'real'.",
    );
  }
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
