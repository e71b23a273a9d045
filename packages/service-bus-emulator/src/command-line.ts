import { homedir } from 'node:os';
import path from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { EmulatorError } from './emulator-error';
import type { EmulatorOptions, Quotas } from './options';
import type { SasKey } from './sas';

export type Command =
  | { readonly name: 'help' }
  | { readonly name: 'version' }
  | { readonly name: 'run'; readonly options: Omit<EmulatorOptions, 'log' | 'clock'>; readonly verbose: boolean };

const DEFAULT_PORT = 5672;
const DEFAULT_HEALTH_PORT = 5300;
const DEFAULT_TLS_PORT = 5671;

const known = {
  config: { type: 'string', short: 'c' },
  port: { type: 'string', short: 'p' },
  'health-port': { type: 'string' },
  'no-health': { type: 'boolean' },
  host: { type: 'string' },
  tls: { type: 'boolean' },
  'tls-port': { type: 'string' },
  'tls-folder': { type: 'string' },
  data: { type: 'string' },
  sas: { type: 'string', multiple: true },
  'max-message-bytes': { type: 'string' },
  'max-batch-bytes': { type: 'string' },
  'max-connections': { type: 'string' },
  'max-entities': { type: 'string' },
  'max-queue-bytes': { type: 'string' },
  verbose: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const satisfies ParseArgsConfig['options'];

type Values = ReturnType<typeof parse>;
type NumberOption = Extract<keyof typeof known, `${string}port` | `max-${string}`>;

/** @throws EmulatorError with exit code 2 that names the argument which is wrong, and what was expected. */
export function parseCommandLine(args: readonly string[], cwd: string): Command {
  const values = parse(args);
  if (values.help) return { name: 'help' };
  if (values.version) return { name: 'version' };
  if (values['no-health'] && values['health-port'] !== undefined) {
    throw wrong('--no-health and --health-port contradict each other');
  }
  const tls = toTls(values, cwd);
  return {
    name: 'run',
    verbose: values.verbose === true,
    options: {
      port: toNumber(values, 'port', 65_535) ?? DEFAULT_PORT,
      quotas: toQuotas(values),
      ...(values.config !== undefined && { config: path.resolve(cwd, values.config) }),
      ...(values['no-health'] ? {} : { healthPort: toNumber(values, 'health-port', 65_535) ?? DEFAULT_HEALTH_PORT }),
      ...(values.host !== undefined && { host: values.host }),
      ...(tls && { tls }),
      ...(values.data !== undefined && { data: path.resolve(cwd, values.data) }),
      ...(values.sas && { sasKeys: values.sas.map(toKey) }),
    },
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: known, allowPositionals: false }).values;
  } catch (error) {
    const [problem = ''] = error instanceof Error ? error.message.split('. ') : [String(error)];
    throw wrong(problem.replace(/\.$/, ''));
  }
}

function toTls(values: Values, cwd: string): EmulatorOptions['tls'] {
  const port = toNumber(values, 'tls-port', 65_535);
  const folder = values['tls-folder'];
  if (!values.tls) {
    if (port === undefined && folder === undefined) return undefined;
    throw wrong(`--${port === undefined ? 'tls-folder' : 'tls-port'} is for --tls, which is not there`);
  }
  return {
    port: port ?? DEFAULT_TLS_PORT,
    folder: folder === undefined ? path.join(homedir(), '.service-bus-emulator', 'tls') : path.resolve(cwd, folder),
  };
}

function toQuotas(values: Values): Quotas {
  const quota = <K extends keyof Quotas>(name: K, option: NumberOption): Pick<Quotas, K> | undefined => {
    const value = toNumber(values, option, Number.MAX_SAFE_INTEGER, 1);
    return value === undefined ? undefined : ({ [name]: value } as unknown as Pick<Quotas, K>);
  };
  return {
    ...quota('maxMessageBytes', 'max-message-bytes'),
    ...quota('maxBatchBytes', 'max-batch-bytes'),
    ...quota('maxConnections', 'max-connections'),
    ...quota('maxEntities', 'max-entities'),
    ...quota('maxQueueBytes', 'max-queue-bytes'),
  };
}

function toNumber(values: Values, option: NumberOption, most: number, least = 0): number | undefined {
  const text = values[option];
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : -1;
  if (value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  throw wrong(`--${option}: expected a whole number ${range}, got ${JSON.stringify(text)}`);
}

/** The key itself may hold `=`, as base64 does at its end. */
function toKey(text: string): SasKey {
  const at = text.indexOf('=');
  const key = { name: text.slice(0, Math.max(at, 0)).trim(), key: text.slice(at + 1) };
  if (at < 1 || key.name === '' || key.key === '') throw wrong('--sas: expected NAME=KEY, got something else');
  return key;
}

function wrong(problem: string): EmulatorError {
  return new EmulatorError(`${problem}. See service-bus-emulator --help.`, 2);
}
