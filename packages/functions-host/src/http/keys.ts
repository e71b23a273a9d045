import { randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { StartError } from '../host/start-error';

/** The host's keys, by name, as they stand in `keys.json`. */
export interface HostKeys {
  /** Opens everything. */
  readonly master: string;
  /** Open every function of level `function`. */
  readonly host: Readonly<Record<string, string>>;
  /** Open one extension's webhooks each. */
  readonly system: Readonly<Record<string, string>>;
  /** Open one function each, by function name. */
  readonly functions: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Name of the key that opens the durable extension's webhooks. */
export const durableKeyName = 'durabletask_extension';

const fileName = 'keys.json';

/**
 * Reads `keys.json` of the data folder, and makes it, with random keys, if there is none or a function has none yet.
 * @throws StartError naming the file if it can't be read as keys.
 */
export function readKeys(dataDir: string, functionNames: readonly string[]): HostKeys {
  const file = path.join(dataDir, fileName);
  const found = readFile(file);
  const functions: Record<string, Readonly<Record<string, string>>> = { ...found?.functions };
  for (const name of functionNames) functions[name] ??= { default: newKey() };
  const keys: HostKeys = {
    master: found?.master ?? newKey(),
    host: found?.host ?? { default: newKey() },
    system: { [durableKeyName]: newKey(), ...found?.system },
    functions,
  };
  if (JSON.stringify(keys) !== JSON.stringify(found)) writeFile(file, keys);
  return keys;
}

/** What a caller's key opens. */
export type Access = 'none' | 'function' | 'system' | 'master';

/** Compares without telling by its time how much of a key was right. */
export function findAccess(keys: HostKeys, given: string | undefined, functionName?: string): Access {
  if (given === undefined || given === '') return 'none';
  const isOneOf = (values: Readonly<Record<string, string>> | undefined): boolean =>
    Object.values(values ?? {}).some((key) => isSame(key, given));
  if (isSame(keys.master, given)) return 'master';
  if (isOneOf(keys.host)) return 'function';
  if (functionName !== undefined && isOneOf(keys.functions[functionName])) return 'function';
  return isOneOf(keys.system) ? 'system' : 'none';
}

function isSame(key: string, given: string): boolean {
  const [a, b] = [Buffer.from(key), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function newKey(): string {
  return randomBytes(40).toString('base64url');
}

function readFile(file: string): HostKeys | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StartError(`${file} can't be read: ${(error as Error).message}`);
  }
  const keys = parse(text);
  if (typeof keys?.master !== 'string' || !keys.host || !keys.system || !keys.functions) {
    throw new StartError(
      `${file} does not hold the host's keys ({ master, host, system, functions }). Delete it to get new keys.`,
    );
  }
  return keys as HostKeys;
}

function parse(text: string): Partial<HostKeys> | undefined {
  try {
    return JSON.parse(text) as Partial<HostKeys>;
  } catch {
    return undefined;
  }
}

/** Written beside and moved into place, so that a crash leaves the old keys or the new ones. */
function writeFile(file: string, keys: HostKeys): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(keys, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
