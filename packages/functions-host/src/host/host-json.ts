import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { findKey } from '../json-object';
import type { LogLevel } from '../log';
import { type QueueOptions, readQueueOptions } from '../triggers/queue-options';
import { readServiceBusOptions, type ServiceBusOptions } from '../triggers/service-bus-options';
import { parseTimeSpan } from '../triggers/time-span';
import type { Settings } from './settings';
import { type HttpOptions, readHttpOptions } from './http-options';
import { StartError } from './start-error';
import { parseJsonc } from '../supervisor/jsonc';

/** host.json as far as this host uses it, with its defaults. */
export interface HostJson {
  /** Milliseconds; undefined for no limit (`-1`). */
  readonly functionTimeoutMs: number | undefined;
  /** `logging.logLevel`: minimum level by category prefix; `default` for all others. */
  readonly logLevels: Readonly<Record<string, LogLevel | 'None'>>;
  /** `extensions.http.routePrefix`, without slashes around it; may be empty. */
  readonly routePrefix: string;
  readonly http: HttpOptions;
  /** `extensions.durableTask` as it stands. */
  readonly durableTask: Readonly<Record<string, unknown>>;
  readonly hubName: string;
  /** `extensions` and `concurrency` as they stand. */
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly concurrency: Readonly<Record<string, unknown>>;
  readonly blobs: {
    /** Failed attempts after which a blob is given up. */
    readonly poisonThreshold: number;
    /** Blobs handled at once by one function. */
    readonly parallelism: number;
  };
  /** `extensions.queues`. */
  readonly queues: QueueOptions;
  /** `extensions.serviceBus`. */
  readonly serviceBus: ServiceBusOptions;
  readonly telemetryMode: TelemetryMode;
}

const telemetryModes = ['None', 'ApplicationInsights', 'OpenTelemetry'] as const;

export type TelemetryMode = (typeof telemetryModes)[number];

type Json = Record<string, unknown>;

const defaultTimeout = '00:30:00';
const overridePrefix = 'azurefunctionsjobhost__';
const logLevels = ['Trace', 'Debug', 'Information', 'Warning', 'Error', 'Critical', 'None'] as const;

/**
 * Reads host.json of an app and puts `AzureFunctionsJobHost__a__b` settings over it.
 * @throws StartError naming the file and the key that is wrong, what was expected and what came.
 */
export function readHostJson(appDir: string, settings: Settings): HostJson {
  const file = path.join(appDir, 'host.json');
  if (!existsSync(file)) {
    throw new StartError(
      `${file} is missing: it marks the folder of a Functions app. Start in that folder or name it with --app.`,
    );
  }
  const json = applyOverrides(parseJson(readFileSync(file, 'utf8'), file), settings);
  if (json['version'] !== '2.0') {
    throw new StartError(`"version" of ${file} must be "2.0"; got ${JSON.stringify(json['version'])}.`);
  }
  const at = (...keys: string[]): unknown => readPath(json, keys);
  const durableTask = toObject(at('extensions', 'durableTask'), 'extensions.durableTask', file);
  return {
    functionTimeoutMs: readTimeout(at('functionTimeout') ?? defaultTimeout, file),
    logLevels: readLogLevels(toObject(at('logging', 'logLevel'), 'logging.logLevel', file), file),
    routePrefix: readText(
      at('extensions', 'http', 'routePrefix') ?? 'api',
      'extensions.http.routePrefix',
      file,
    ).replace(/^\/|\/$/g, ''),
    http: readHttpOptions((key) => at('extensions', 'http', key), file),
    durableTask,
    extensions: toObject(at('extensions'), 'extensions', file),
    concurrency: toObject(at('concurrency'), 'concurrency', file),
    hubName: settings.resolve(
      readText(durableTask['hubName'] ?? 'TestHubName', 'extensions.durableTask.hubName', file),
    ),
    blobs: {
      poisonThreshold: readCount(
        at('extensions', 'blobs', 'poisonBlobThreshold') ?? 5,
        'extensions.blobs.poisonBlobThreshold',
        file,
      ),
      parallelism: readCount(
        at('extensions', 'blobs', 'maxDegreeOfParallelism') ?? 8,
        'extensions.blobs.maxDegreeOfParallelism',
        file,
      ),
    },
    telemetryMode: readTelemetryMode(at('telemetryMode') ?? 'ApplicationInsights', file),
    queues: readOptions(readQueueOptions, toObject(at('extensions', 'queues'), 'extensions.queues', file), file),
    serviceBus: readOptions(
      readServiceBusOptions,
      toObject(at('extensions', 'serviceBus'), 'extensions.serviceBus', file),
      file,
    ),
  };
}

function readOptions<T>(read: (json: Json) => T, json: Json, file: string): T {
  try {
    return read(json);
  } catch (error) {
    throw new StartError(`${file}: ${(error as Error).message}`);
  }
}

function parseJson(text: string, file: string): Json {
  return toObject(parseJsonc(text, file), 'The content', file);
}

/** Keys are matched without case, as .NET configuration does. */
function applyOverrides(json: Json, settings: Settings): Json {
  for (const [name, value] of settings.entries()) {
    if (!name.toLowerCase().startsWith(overridePrefix)) continue;
    const keys = name.slice(overridePrefix.length).split('__');
    const last = keys.pop();
    let target = json;
    for (const key of keys) {
      const existing = findKey(target, key);
      if (typeof target[existing] !== 'object' || target[existing] === null) target[existing] = {};
      target = target[existing] as Json;
    }
    if (last !== undefined) target[findKey(target, last)] = toValue(value);
  }
  return toLists(json) as Json;
}

/** An element of a list is set by its index (`a__0`); what has only indices for keys is a list. */
function toLists(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => [key, toLists(item)]);
  const isList = Array.isArray(value) || (entries.length > 0 && entries.every(([key], at) => key === String(at)));
  return isList ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}

function toValue(text: string): unknown {
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

function readPath(json: Json, keys: readonly string[]): unknown {
  let value: unknown = json;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Json)[findKey(value as Json, key)];
  }
  return value ?? undefined;
}

function toObject(value: unknown, key: string, file: string): Json {
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new StartError(`${key} of ${file} must be an object; got ${JSON.stringify(value)}.`);
}

function readTimeout(value: unknown, file: string): number | undefined {
  if (value === '-1' || value === -1) return undefined;
  const ms = typeof value === 'string' ? parseTimeSpan(value) : undefined;
  if (ms === undefined || ms <= 0) {
    throw new StartError(
      `"functionTimeout" of ${file} must be a time span such as "00:10:00", or "-1" for none; got ${JSON.stringify(value)}.`,
    );
  }
  return ms;
}

function readLogLevels(values: Json, file: string): Record<string, LogLevel | 'None'> {
  const levels: Record<string, LogLevel | 'None'> = {};
  for (const [category, value] of Object.entries(values)) {
    const level = logLevels.find((known) => known.toLowerCase() === String(value).toLowerCase());
    if (level === undefined) {
      throw new StartError(
        `logging.logLevel."${category}" of ${file} must be one of ${logLevels.join(', ')}; got ${JSON.stringify(value)}.`,
      );
    }
    levels[category] = level;
  }
  return levels;
}

/** The real host takes an unknown mode for ApplicationInsights without a word, and the app's traces are gone. */
function readTelemetryMode(value: unknown, file: string): TelemetryMode {
  const mode = telemetryModes.find((known) => known.toLowerCase() === String(value).toLowerCase());
  if (mode !== undefined) return mode;
  throw new StartError(
    `"telemetryMode" of ${file} must be one of ${telemetryModes.join(', ')}; got ${JSON.stringify(value)}.`,
  );
}

function readText(value: unknown, key: string, file: string): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new StartError(`${key} of ${file} must be a text; got ${JSON.stringify(value)}.`);
}

function readCount(value: unknown, key: string, file: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  throw new StartError(`${key} of ${file} must be a whole number above 0; got ${JSON.stringify(value)}.`);
}
