import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { askApp, describeAnswer, Unreachable } from './app-client';
import type { AskApp } from './app-client';
import { readPackageMark } from './package-mark';
import type { PackageMark } from './package-mark';
import type { DeployStep } from './step';
import { readSeconds, requireText, requireUrl, StepFailed, UsageError } from './step';

/*
 * A deployment that was taken says little: the platform answers "succeeded" for a package in which nothing could be
 * loaded, and the old version goes on answering until its last instance is gone. So the app itself is asked, each time
 * over a connection of its own: which build it is, and which functions its host has loaded. It counts as ready when several
 * answers one after another come from the new build; with several instances, one alone may be an early one.
 */

const USAGE = `wait-ready --url <url> --package <folder> [--within <seconds>] [--answers <n>]
  --package  where \`npm run package\` has put build.json: what is waited for
  --within   give up after so long (default 300)
  --answers  so many answers of the new build in a row (default 3)
FUNCTION_KEY (a host key) and MASTER_KEY are taken from the environment.`;

const PAUSE = 500;

export const waitReady: DeployStep = {
  summary: 'waits until the new version answers and lists every expected function',
  usage: USAGE,
  async run(args, environment) {
    const values = readOptions(args);
    const url = requireUrl('--url', values.url);
    const expected = await readPackageMark(requireText('--package <folder>', values.package));
    const within = readSeconds('--within', values.within, 300);
    const answers = readCount(values.answers);
    const asked = {
      app: askApp(url, environment['FUNCTION_KEY']),
      host: askApp(url, environment['MASTER_KEY']),
    };
    const startedAt = performance.now();
    let inARow = 0;
    let problem = 'it was not asked yet';
    while (inARow < answers) {
      const seen = await look(asked, expected);
      inARow = seen === undefined ? inARow + 1 : 0;
      if (seen !== undefined && seen !== problem) console.log(`not ready: ${seen}`);
      problem = seen ?? problem;
      if (inARow === answers) break;
      if (performance.now() - startedAt > within) {
        throw new StepFailed(`${url} was not ready within ${within / 1_000} s: ${problem}`);
      }
      await pause(PAUSE);
    }
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    console.log(`ready: build ${expected.build} with all ${expected.functions.length} functions, after ${seconds} s`);
  },
};

/** What is not as it should be; undefined when all is. Throws `StepFailed` for what waiting does not mend. */
async function look(
  asked: { readonly app: AskApp; readonly host: AskApp },
  expected: PackageMark,
): Promise<string | undefined> {
  try {
    const version = await asked.app('GET', '/api/version');
    const build = buildOf(version.body);
    if (version.status !== 200 || build === undefined) return `its version is answered ${describeAnswer(version)}`;
    if (build !== expected.build) return `build ${build} answers, expected ${expected.build}`;
    const listed = await asked.host('GET', '/admin/functions');
    if (listed.status === 401 || listed.status === 403) {
      throw new StepFailed(`the host answered ${listed.status} when asked for its functions: expected its master key`);
    }
    const names = namesOf(listed.body);
    if (listed.status !== 200 || names === undefined) return `its functions are answered ${describeAnswer(listed)}`;
    return describeMissing(names, expected.functions);
  } catch (error) {
    if (error instanceof Unreachable) return error.message;
    throw error;
  }
}

function describeMissing(listed: ReadonlySet<string>, expected: readonly string[]): string | undefined {
  const missing = expected.filter((name) => !listed.has(name.toLowerCase()));
  if (missing.length === 0) return undefined;
  if (listed.size === 0) return 'no function is loaded';
  const shown = missing.slice(0, 10).join(', ') + (missing.length > 10 ? ', ...' : '');
  return `${missing.length} of ${expected.length} functions are not loaded: ${shown}`;
}

function buildOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('build' in body)) return undefined;
  return typeof body.build === 'string' ? body.build : undefined;
}

/** In lower case: the platform does not tell names apart by their letter case. */
function namesOf(body: unknown): ReadonlySet<string> | undefined {
  if (!Array.isArray(body)) return undefined;
  const names = (body as readonly { readonly name?: unknown }[]).map(({ name }) => String(name).toLowerCase());
  return new Set(names);
}

function readCount(value: string | undefined): number {
  if (value === undefined) return 3;
  if (!/^[1-9]\d?$/.test(value)) throw new UsageError(`--answers: expected a number from 1 to 99, got '${value}'`);
  return Number(value);
}

function readOptions(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      url: { type: 'string' },
      package: { type: 'string' },
      within: { type: 'string' },
      answers: { type: 'string' },
    },
  }).values;
}
