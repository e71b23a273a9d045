import path from 'node:path';
import { StartError } from '../host/start-error';
import { isPostgresUrl } from './postgres-settings';
import { parsePort } from './settings';
import { type CommandName, commandNames, commandsWith } from './usage';

export interface CommandOptions {
  readonly appDir: string;
  /** `undefined`: what local.settings.json says, else 7071. */
  readonly port?: number;
  readonly dataDir: string;
  readonly clean: boolean;
  readonly auth: boolean;
  readonly logFormat: 'text' | 'json';
  readonly functions?: readonly string[];
  /** `memory` or a `postgres://` URL. */
  readonly taskHub?: string;
  readonly verifyReplay: 'all' | 'sample' | 'off';
  readonly watch: boolean;
  /** Lets a debugger attach to the host's process, when given. */
  readonly inspect?: InspectOptions;
}

export interface InspectOptions {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Wait for the debugger before the app is loaded. */
  readonly brk: boolean;
}

export type Command =
  | { readonly name: 'help'; readonly of?: CommandName }
  | { readonly name: 'version' }
  | { readonly name: 'start' | 'services'; readonly options: CommandOptions }
  | { readonly name: 'doctor'; readonly options: CommandOptions; readonly json: boolean };

const FLAGS = ['--clean', '--auth', '--no-watch', '--json'] as const;
const VALUES = ['--app', '--port', '--data', '--log-format', '--task-hub', '--verify-replay'] as const;
const DEFAULT_INSPECT_PORT = 9229;
const SHORT: Readonly<Record<string, string>> = { '-p': '--port', '-h': '--help' };

/**
 * Reads the arguments after the program's name.
 * @throws StartError with exit code 2 that names the argument which is wrong, and what was expected.
 */
export function parseCommandLine(args: readonly string[], cwd: string): Command {
  const long = args.map((arg) => SHORT[arg] ?? arg);
  const [first, ...rest] = long;
  const name = commandNames.find((known) => known === first);
  if (long.includes('--help') || long.length === 0) return { name: 'help', ...(name !== undefined && { of: name }) };
  if (long.includes('--version')) return { name: 'version' };
  if (name === undefined) {
    throw wrong(`unknown command ${JSON.stringify(first)}; expected ${commandNames.join(', ')}`);
  }
  const given = readOptions(rest, name);
  const options = toOptions(given, cwd);
  return name === 'doctor' ? { name, options, json: given.flags.has('--json') } : { name, options };
}

function toOptions(given: GivenOptions, cwd: string): CommandOptions {
  const appDir = path.resolve(cwd, given.values.get('--app') ?? '.');
  const dataDir = given.values.get('--data');
  const port = toPort('--port', given.values.get('--port'));
  const taskHub = toTaskHub(given.values.get('--task-hub'), '--task-hub');
  const inspect = toInspect(given.values);
  return {
    appDir,
    dataDir: dataDir === undefined ? path.join(appDir, '.local') : path.resolve(cwd, dataDir),
    ...(port !== undefined && { port }),
    clean: given.flags.has('--clean'),
    auth: given.flags.has('--auth'),
    logFormat: oneOf('--log-format', given.values.get('--log-format') ?? 'text', ['text', 'json']),
    ...(given.functions && { functions: given.functions }),
    ...(taskHub !== undefined && { taskHub }),
    ...(inspect && { inspect }),
    verifyReplay: oneOf('--verify-replay', given.values.get('--verify-replay') ?? 'all', ['all', 'sample', 'off']),
    watch: !given.flags.has('--no-watch'),
  };
}

/** Checks where a task hub is to be kept; `source` is the option or setting that says so. */
export function toTaskHub(value: string | undefined, source: string, exitCode = 2): string | undefined {
  if (value === undefined || value === 'memory' || (isPostgresUrl(value) && URL.canParse(value))) return value;
  throw new StartError(`${source}: expected a postgres:// URL or memory, got something else.`, exitCode);
}

interface GivenOptions {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly functions?: readonly string[];
}

function readOptions(args: readonly string[], command: CommandName): GivenOptions {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  let functions: string[] | undefined;
  for (let at = 0; at < args.length; at++) {
    const [option, inline] = splitInline(args[at] ?? '');
    const commands = commandsWith(option);
    if (commands.length > 0 && !commands.includes(command)) {
      throw wrong(`${option} is no option of ${command}, but of ${commands.join(' and ')}`);
    }
    if ((FLAGS as readonly string[]).includes(option)) {
      if (inline !== undefined) throw wrong(`${option} takes no value`);
      flags.add(option);
    } else if ((VALUES as readonly string[]).includes(option)) {
      const value = inline ?? args[++at];
      if (value === undefined || value === '' || value.startsWith('--')) throw wrong(`${option} needs a value`);
      values.set(option, value);
    } else if (option === '--inspect' || option === '--inspect-brk') {
      values.set(option, inline ?? String(DEFAULT_INSPECT_PORT));
    } else if (option === '--functions') {
      const names = inline === undefined ? [] : [inline];
      for (let next = args[at + 1]; next !== undefined && !next.startsWith('-'); next = args[at + 1]) {
        names.push(next);
        at++;
      }
      if (names.length === 0) throw wrong('--functions needs at least one name');
      functions = [...(functions ?? []), ...names];
    } else
      throw wrong(
        option.startsWith('-') ? `unknown option ${option}` : `unexpected argument ${JSON.stringify(option)}`,
      );
  }
  return { flags, values, ...(functions && { functions }) };
}

/** `--port=7072` -> [`--port`, `7072`] */
function splitInline(arg: string): [string, string | undefined] {
  const at = arg.indexOf('=');
  if (!arg.startsWith('-') || at === -1) return [arg, undefined];
  const option = arg.slice(0, at);
  return [SHORT[option] ?? option, arg.slice(at + 1)];
}

function toInspect(values: ReadonlyMap<string, string>): InspectOptions | undefined {
  for (const option of ['--inspect-brk', '--inspect']) {
    const port = toPort(option, values.get(option));
    if (port !== undefined) return { port, brk: option === '--inspect-brk' };
  }
  return undefined;
}

function toPort(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const port = parsePort(value);
  if (port === undefined) throw wrong(`${option}: expected a number from 0 to 65535, got ${JSON.stringify(value)}`);
  return port;
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw wrong(`${option}: expected ${allowed.join(', ')}, got ${JSON.stringify(value)}`);
  return found;
}

function wrong(problem: string): StartError {
  return new StartError(`${problem}. See functions-host --help.`, 2);
}
