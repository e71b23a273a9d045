import { randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { StartError } from '../host/start-error';
import { isJsonObject } from '../json-object';

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

/** Keys of one kind: those that open every function, those of extensions, or those of one function. */
export type KeyRoom = 'host' | 'system' | { readonly functionName: string };

/** The keys of a host, which can be changed while it runs. Each change is on disk before it counts. */
export interface KeyRing {
  current(): HostKeys;
  /** Sets a key, to a new random value if none is given. */
  put(room: KeyRoom, name: string, value?: string): { readonly value: string; readonly isNew: boolean };
  putMaster(value?: string): string;
  /** False if there is no such key. */
  remove(room: KeyRoom, name: string): boolean;
}

/**
 * Opens `keys.json` of the data folder, and makes it, with random keys, if there is none or a function has none yet. Without a
 * data folder the keys are in memory only.
 * @throws StartError naming the file if it can't be read as keys.
 */
export function openKeys(dataDir: string | undefined, functionNames: readonly string[]): KeyRing {
  const file = dataDir === undefined ? undefined : path.join(dataDir, fileName);
  const found = file === undefined ? undefined : readFile(file);
  const functions: Record<string, Keys> = { ...found?.functions };
  for (const name of functionNames) {
    // A function may be called like something that every object has.
    if (!Object.hasOwn(functions, name)) functions[name] = { default: newKey() };
  }
  let keys: HostKeys = {
    master: found?.master ?? newKey(),
    host: found?.host ?? { default: newKey() },
    system: { [durableKeyName]: newKey(), ...found?.system },
    functions,
  };
  if (file !== undefined && JSON.stringify(keys) !== JSON.stringify(found)) writeFile(file, keys);
  const change = (changed: HostKeys): void => {
    if (file !== undefined) writeFile(file, changed);
    keys = changed;
  };
  return {
    current: () => keys,
    put(room, name, value = newKey()) {
      const before = keysOf(keys, room);
      change(withRoom(keys, room, { ...before, [name]: value }));
      return { value, isNew: !Object.hasOwn(before, name) };
    },
    putMaster(value = newKey()) {
      change({ ...keys, master: value });
      return value;
    },
    remove(room, name) {
      const { [name]: removed, ...left } = keysOf(keys, room);
      if (removed !== undefined) change(withRoom(keys, room, left));
      return removed !== undefined;
    },
  };
}

type Keys = Readonly<Record<string, string>>;

export function keysOf(keys: HostKeys, room: KeyRoom): Keys {
  if (room === 'host' || room === 'system') return keys[room];
  return keys.functions[room.functionName] ?? {};
}

function withRoom(keys: HostKeys, room: KeyRoom, changed: Keys): HostKeys {
  if (room === 'host' || room === 'system') return { ...keys, [room]: changed };
  return { ...keys, functions: { ...keys.functions, [room.functionName]: changed } };
}

/** What a caller's key opens. */
export type Access = 'none' | 'function' | { readonly systemKeyName: string } | 'master';

/** Compares without telling by its time how much of a key was right. */
export function findAccess(keys: HostKeys, given: string | undefined, functionName?: string): Access {
  if (given === undefined || given === '') return 'none';
  const isOneOf = (values: Readonly<Record<string, string>> | undefined): boolean =>
    Object.values(values ?? {}).some((key) => isSame(key, given));
  if (isSame(keys.master, given)) return 'master';
  if (isOneOf(keys.host)) return 'function';
  if (functionName !== undefined && isOneOf(keys.functions[functionName])) return 'function';
  const system = Object.entries(keys.system).find(([, key]) => isSame(key, given));
  return system === undefined ? 'none' : { systemKeyName: system[0] };
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
  if (isHostKeys(keys)) return keys;
  throw new StartError(
    `${file} does not hold the host's keys ({ master, host, system, functions }). Delete it to get new keys.`,
  );
}

function isHostKeys(value: unknown): value is HostKeys {
  if (!isJsonObject(value)) return false;
  const { master, host, system, functions } = value;
  const rooms = [host, system, ...(isJsonObject(functions) ? Object.values(functions) : [undefined])];
  return typeof master === 'string' && rooms.every((room) => isJsonObject(room) && Object.values(room).every(isText));
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
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
