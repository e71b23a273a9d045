import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { StartError } from '../host/start-error';
import { codeOf, messageOf } from './failures';

/** A development stand-in for an outside system: a Node program that comes with the app. */
export interface ServiceEntry {
  readonly name: string;
  /** Absolute path. */
  readonly entry: string;
  /** Settings with the URLs it listens on; the first decides whether it is started. */
  readonly settings: readonly string[];
}

/** A Node program of the app that is run to its end at each start, before the host. */
export interface TaskEntry {
  readonly name: string;
  /** Absolute path. */
  readonly entry: string;
}

/** What the app's package.json tells the supervisor. */
export interface AppManifest {
  /** The `main` of package.json: a file or a glob of files, relative to the app. */
  readonly main?: string;
  readonly services: readonly ServiceEntry[];
  readonly tasks: readonly TaskEntry[];
  /** Its Config.json for the emulator of Service Bus: absolute path. */
  readonly serviceBus?: { readonly config: string };
}

/** Reads the app's package.json; throws a `StartError` that says what is wrong in it and what was expected. */
export async function readAppManifest(appDir: string): Promise<AppManifest> {
  const file = path.join(appDir, 'package.json');
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new StartError(
      codeOf(error) === 'ENOENT'
        ? `Expected a Functions app in ${appDir}, but it has no package.json. Name the app's folder with --app.`
        : `${file} can't be read: ${messageOf(error)}`,
    );
  });
  const content = objectAt(parse(text, file), file, 'the whole file');
  const section = objectAt(content['functions-host'] ?? {}, file, 'functions-host');
  rejectUnknown(section, ['services', 'tasks', 'serviceBus'], file, 'functions-host');
  const { main } = content;
  return {
    ...(typeof main === 'string' && { main }),
    services: Object.entries(objectAt(section['services'] ?? {}, file, 'functions-host.services')).map(
      ([name, value]) => toService(name, value, file, appDir),
    ),
    tasks: Object.entries(objectAt(section['tasks'] ?? {}, file, 'functions-host.tasks')).map(([name, value]) =>
      toTask(name, value, file, appDir),
    ),
    ...toServiceBus(section['serviceBus'], file, appDir),
  };
}

function toServiceBus(value: unknown, file: string, appDir: string): Pick<AppManifest, 'serviceBus'> {
  if (value === undefined) return {};
  const where = 'functions-host.serviceBus';
  const section = objectAt(value, file, where);
  rejectUnknown(section, ['config'], file, where);
  const { config } = section;
  if (typeof config === 'string' && config !== '') return { serviceBus: { config: path.resolve(appDir, config) } };
  throw new StartError(
    `${file}: expected the path of a Config.json for ${where}.config, got ${JSON.stringify(config)}.`,
  );
}

function toService(name: string, value: unknown, file: string, appDir: string): ServiceEntry {
  const where = `functions-host.services.${name}`;
  rejectName(name, file, where);
  const service = objectAt(value, file, where);
  rejectUnknown(service, ['entry', 'settings'], file, where);
  const { settings } = service;
  const isList =
    Array.isArray(settings) &&
    settings.length > 0 &&
    settings.every((entry) => typeof entry === 'string' && entry !== '');
  if (!isList) {
    throw new StartError(
      `${file}: expected a list of setting names for ${where}.settings, got ${JSON.stringify(settings)}.`,
    );
  }
  return { name, entry: entryAt(service, file, where, appDir), settings: settings as string[] };
}

function toTask(name: string, value: unknown, file: string, appDir: string): TaskEntry {
  const where = `functions-host.tasks.${name}`;
  rejectName(name, file, where);
  const task = objectAt(value, file, where);
  rejectUnknown(task, ['entry'], file, where);
  return { name, entry: entryAt(task, file, where, appDir) };
}

function entryAt(holder: Record<string, unknown>, file: string, where: string, appDir: string): string {
  const { entry } = holder;
  if (typeof entry === 'string' && entry !== '') return path.resolve(appDir, entry);
  throw new StartError(
    `${file}: expected the path of a JavaScript file for ${where}.entry, got ${JSON.stringify(entry)}.`,
  );
}

/** Names become file and folder names in the data folder, beside the supervisor's own. */
function rejectName(name: string, file: string, where: string): void {
  const isPlain = /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name);
  const isTaken = /^(postgres|azurite|service-bus|logs|host|supervisor)\b/i.test(name);
  if (isPlain && !isTaken) return;
  throw new StartError(
    `${file}: expected a name of letters, digits, dots, dashes and underscores for ${where}` +
      `${isTaken ? " that doesn't begin with postgres, azurite, service-bus, logs, host or supervisor" : ''}.`,
  );
}

function rejectUnknown(holder: Record<string, unknown>, known: readonly string[], file: string, where: string): void {
  const unknown = Object.keys(holder).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new StartError(`${file}: unknown entry ${where}.${unknown}; known are ${known.join(' and ')}.`);
  }
}

function objectAt(value: unknown, file: string, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new StartError(`${file}: expected an object for ${where}, got ${JSON.stringify(value)}.`);
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StartError(`${file} is not valid JSON: ${messageOf(error)}`);
  }
}
