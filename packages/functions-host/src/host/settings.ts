/** The app's settings. Names are matched as they stand first, then without case, as .NET configuration does. */
export interface Settings {
  get(name: string): string | undefined;
  /** True for 'true' and '1'. */
  isOn(name: string): boolean;
  entries(): Iterable<readonly [string, string]>;
  /**
   * Replaces each `%NAME%` in a text by that setting.
   * @throws Error naming the setting that is missing.
   */
  readonly resolve: (text: string) => string;
}

/** Settings over a plain record. */
export function createSettings(values: Readonly<Record<string, string>>): Settings {
  const lowerCased = new Map(Object.entries(values).map(([name, value]) => [name.toLowerCase(), value]));
  const get = (name: string): string | undefined => values[name] ?? lowerCased.get(name.toLowerCase());
  return {
    get,
    isOn: (name) => /^(true|1)$/i.test(get(name) ?? ''),
    entries: () => Object.entries(values),
    resolve: (text) =>
      text.replace(/%([^%\s]+)%/g, (placeholder, name: string) => {
        const value = get(name);
        if (value === undefined) throw new Error(`setting '${name}' is not set, and '${placeholder}' needs it.`);
        return value;
      }),
  };
}

/** True when a setting turns this function off: `AzureWebJobs.<name>.Disabled`, or with `_` or `__` for shells without dots. */
export function isDisabled(settings: Settings, functionName: string): boolean {
  return ['.', '_', '__'].some((dot) => settings.isOn(['AzureWebJobs', functionName, 'Disabled'].join(dot)));
}
