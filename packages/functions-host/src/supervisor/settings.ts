import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { StartError } from '../host/start-error';
import type { CorsOptions } from '../http/cors';
import { codeOf, messageOf } from './failures';
import { parseJsonc } from './jsonc';

/** What local.settings.json says. */
export interface LocalSettings {
  /** `Values`, and `ConnectionStrings` as `ConnectionStrings:<name>`. */
  readonly values: Readonly<Record<string, string>>;
  /** `Host.LocalHttpPort` */
  readonly port?: number;
  /** `Host.CORS` (comma-separated) and `Host.CORSCredentials` */
  readonly cors?: CorsOptions;
}

const FILE = 'local.settings.json';

/** Reads the app's local.settings.json; there need not be one. Throws a `StartError` that names the file and the entry. */
export async function readLocalSettings(appDir: string): Promise<LocalSettings> {
  const file = path.join(appDir, FILE);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new StartError(`${file} can't be read: ${messageOf(error)}`);
  });
  if (text === undefined) return { values: {} };
  const content = expectObject(parseJsonc(text, file), file, 'the whole file');
  if (content['IsEncrypted'] === true) {
    throw new StartError(
      `${file} is encrypted (IsEncrypted: true), which only Core Tools can read. Decrypt it with \`func settings decrypt\`, or set IsEncrypted to false and enter plain values.`,
    );
  }
  const values = toTexts(content['Values'], file, 'Values');
  const connections = toConnectionStrings(content['ConnectionStrings'], file);
  const host = content['Host'] ?? undefined;
  const hostSettings = host === undefined ? {} : expectObject(host, file, 'Host');
  const port = toPort(hostSettings['LocalHttpPort'], file);
  const cors = toCors(hostSettings, file);
  return { values: { ...connections, ...values }, ...(port !== undefined && { port }), ...(cors && { cors }) };
}

/** The environment that the app sees: what is set in the process's own environment wins. */
export function mergeSettings(local: LocalSettings, environment: NodeJS.ProcessEnv): Record<string, string> {
  const merged: Record<string, string> = { ...local.values };
  const isWindows = process.platform === 'win32';
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined) continue;
    // Windows doesn't tell names apart by case.
    const known = isWindows ? Object.keys(merged).find((other) => other.toLowerCase() === name.toLowerCase()) : name;
    merged[known ?? name] = value;
  }
  return merged;
}

function toTexts(found: unknown, file: string, where: string): Record<string, string> {
  if (found === undefined || found === null) return {};
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(expectObject(found, file, where))) {
    if (typeof value === 'string') texts[name] = value;
    else if (typeof value === 'number' || typeof value === 'boolean') texts[name] = String(value);
    else if (value !== null)
      throw new StartError(`${file}: expected a string for ${where}.${name}, got ${describe(value)}.`);
  }
  return texts;
}

/** Either `{ "name": "..." }` or `{ "name": { "ConnectionString": "..." } }`. */
function toConnectionStrings(found: unknown, file: string): Record<string, string> {
  if (found === undefined || found === null) return {};
  const flat = Object.entries(expectObject(found, file, 'ConnectionStrings')).map(
    ([name, value]): [string, unknown] => {
      const isNested = typeof value === 'object' && value !== null && 'ConnectionString' in value;
      return [name, isNested ? value.ConnectionString : value];
    },
  );
  const texts = toTexts(Object.fromEntries(flat), file, 'ConnectionStrings');
  return Object.fromEntries(Object.entries(texts).map(([name, value]) => [`ConnectionStrings:${name}`, value]));
}

function toCors(host: Record<string, unknown>, file: string): CorsOptions | undefined {
  const given = host['CORS'] ?? '';
  if (typeof given !== 'string') {
    throw new StartError(`${file}: expected origins with commas between them for Host.CORS, got ${describe(given)}.`);
  }
  const origins = given.split(',').flatMap((origin) => origin.trim() || []);
  const credentials = toSwitch(host['CORSCredentials'] ?? false, file);
  if (origins.length === 0) return undefined;
  const wrong = origins.find((origin) => origin !== '*' && !/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+\/?$/i.test(origin));
  if (wrong !== undefined) {
    throw new StartError(
      `${file}: expected an origin such as https://app.example, or *, in Host.CORS, got ${JSON.stringify(wrong)}.`,
    );
  }
  if (credentials && origins.includes('*')) {
    throw new StartError(
      `${file}: Host.CORSCredentials can't go with Host.CORS "*": browsers refuse it. Name the origins that may send cookies.`,
    );
  }
  return { origins, credentials };
}

function toSwitch(given: unknown, file: string): boolean {
  if (typeof given === 'boolean') return given;
  if (typeof given === 'string' && /^(true|false)$/i.test(given)) return given.toLowerCase() === 'true';
  throw new StartError(`${file}: expected true or false for Host.CORSCredentials, got ${describe(given)}.`);
}

function toPort(given: unknown, file: string): number | undefined {
  if (given === undefined || given === null) return undefined;
  const port = typeof given === 'number' || typeof given === 'string' ? parsePort(String(given)) : undefined;
  if (port === undefined) {
    throw new StartError(`${file}: expected a port (0 to 65535) for Host.LocalHttpPort, got ${JSON.stringify(given)}.`);
  }
  return port;
}

/** A port number from its decimal text, or `undefined` when it isn't one. */
export function parsePort(text: string): number | undefined {
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port <= 65_535 ? port : undefined;
}

function expectObject(value: unknown, file: string, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new StartError(`${file}: expected an object for ${where}, got ${describe(value)}.`);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return value === null ? 'null' : typeof value === 'object' ? 'an object' : JSON.stringify(value);
}
