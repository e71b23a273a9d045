import { statSync } from 'node:fs';
import path from 'node:path';
import { StartError } from '../host/start-error';
import { toTaskHub } from './command-line';

/** How a program or a test starts a host. Everything has a default. */
export interface StartOptions {
  /** The app's folder, with host.json and package.json. Default: the current folder. */
  readonly appDir?: string;
  /** Default 0, a free one. The host listens on 127.0.0.1 only. */
  readonly port?: number;
  /** Settings above those of the environment, which are above local.settings.json. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where everything is kept. Default: a temporary folder, which `stop()` removes. */
  readonly dataDir?: string;
  /**
   * Where orchestrations are kept: `memory`, or a `postgres://` URL. Default: `memory`; with `services` the setting
   * FUNCTIONS_HOST_TASK_HUB, else a database of the host's own.
   */
  readonly taskHub?: string;
  /** Start what the settings ask for, and the app's own services and tasks, as the command does. Default: no. */
  readonly services?: boolean;
  /** Ask for function and host keys, as in Azure. Default: no. */
  readonly auth?: boolean;
  /** Run only these functions. Default: all. */
  readonly functions?: readonly string[];
  /** How much of the running orchestrations is checked by replaying them. Default: `all`. */
  readonly verifyReplay?: 'all' | 'sample' | 'off';
  /** Where the log goes: standard output as `text` or `json`, nowhere, or to a function that takes text of whole lines. Default: `text`. */
  readonly log?: 'text' | 'json' | 'none' | ((text: string) => void);
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value !== '';
const isFlag: Check = (value) => typeof value === 'boolean';
const isOneOf =
  (...allowed: readonly unknown[]): Check =>
  (value) =>
    allowed.includes(value);

const checks: Readonly<Record<keyof StartOptions, readonly [Check, string]>> = {
  appDir: [isText, 'the path of a folder'],
  port: [
    (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535,
    'a number from 0 to 65535',
  ],
  settings: [
    (value) =>
      typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'string'),
    'an object of strings',
  ],
  dataDir: [isText, 'the path of a folder'],
  taskHub: [isText, 'memory or a postgres:// URL'],
  services: [isFlag, 'true or false'],
  auth: [isFlag, 'true or false'],
  functions: [(value) => Array.isArray(value) && value.length > 0 && value.every(isText), 'a list of names'],
  verifyReplay: [isOneOf('all', 'sample', 'off'), 'all, sample or off'],
  log: [
    (value) => isOneOf('text', 'json', 'none')(value) || typeof value === 'function',
    'text, json, none or a function',
  ],
};

/**
 * Checks what callers without types may get wrong.
 * @throws StartError that names the option, what was expected and what came.
 */
export function checkStartOptions(options: StartOptions): void {
  for (const [name, value] of Object.entries(options) as [keyof StartOptions, unknown][]) {
    if (!Object.hasOwn(checks, name)) {
      throw new StartError(`startHost: unknown option ${name}; known are ${Object.keys(checks).join(', ')}.`);
    }
    const [check, expected] = checks[name];
    if (value !== undefined && !check(value)) {
      throw new StartError(`startHost: expected ${expected} for ${name}, got ${describe(value)}.`);
    }
  }
  toTaskHub(options.taskHub, 'startHost: taskHub', 1);
  const appDir = path.resolve(options.appDir ?? '.');
  if (!statSync(appDir, { throwIfNoEntry: false })?.isDirectory()) {
    throw new StartError(
      `startHost: expected the folder of a Functions app for appDir, but there is no folder ${appDir}.`,
    );
  }
}

/** Settings may hold passwords: of an object only its keys are told. */
function describe(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return `an object with ${Object.keys(value).join(', ') || 'nothing in it'}`;
  return JSON.stringify(value);
}
