import { appendFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { askApp, describeAnswer, Unreachable } from './app-client';
import type { AppAnswer, AskApp } from './app-client';
import type { DeployStep, Environment } from './step';
import { readSeconds, requireUrl, StepFailed, UsageError } from './step';

const USAGE = `running [--url <url>] [--within <seconds>] [--if-down <fail|tell>]
  Without --url, or with an empty one, no app is there yet.
  --within   an app that wakes may take so long until it answers (default 60)
  --if-down  of an app that does not say: fail (default), or tell of it where something else looks after its sagas
FUNCTION_KEY and MASTER_KEY are taken from the environment. In a workflow the output 'build' is what runs, or 'none';
there is no such output for an app that does not say.`;

/**
 * Whether there is a version whose sagas have to be looked after. Only what says that it has no functions counts as
 * none: an app that is down has a task hub all the same, and a deployment must not go on as if there was nothing in it.
 */
export const running: DeployStep = {
  summary: 'says which build runs now, if any',
  usage: USAGE,
  async run(args, environment) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        url: { type: 'string' },
        within: { type: 'string' },
        'if-down': { type: 'string', default: 'fail' },
      },
    });
    const within = readSeconds('--within', values.within, 60);
    const ifDown = values['if-down'];
    if (!['fail', 'tell'].includes(ifDown)) throw new UsageError(`--if-down: expected fail or tell, got '${ifDown}'`);
    const isDown = (error: unknown): undefined => {
      if (!(error instanceof StepFailed && ifDown === 'tell')) throw error;
      console.log(`::warning::${error.message}. Its sagas can't be replayed`);
    };
    const build = values.url ? await find(requireUrl('--url', values.url), within, environment).catch(isDown) : 'none';
    if (build === undefined) return;
    console.log(build === 'none' ? 'nothing runs yet' : `build ${build} runs`);
    const file = environment['GITHUB_OUTPUT'];
    if (file) await appendFile(file, `build=${build}\n`);
  },
};

/** Milliseconds. */
const PAUSE = 500;

async function find(url: string, within: number, environment: Environment): Promise<string> {
  const startedAt = performance.now();
  const isLate = (): boolean => performance.now() - startedAt > within;
  const listed = await askAwake(askApp(url, environment['MASTER_KEY']), '/admin/functions', isLate);
  if (listed.status !== 200 || !Array.isArray(listed.body)) {
    throw new StepFailed(`${url} answered ${describeAnswer(listed)} when asked for its functions`);
  }
  if (listed.body.length === 0) return 'none';
  const version = await askAwake(askApp(url, environment['FUNCTION_KEY']), '/api/version', isLate);
  const { build } = (version.body ?? {}) as { readonly build?: unknown };
  return version.status === 200 && typeof build === 'string' && /^[\w.-]+$/.test(build) ? build : 'unknown';
}

/** The answer of an app that may have scaled to nothing: it is asked again until it is awake, or too late. Throws `StepFailed`. */
async function askAwake(ask: AskApp, path: string, isLate: () => boolean): Promise<AppAnswer> {
  for (;;) {
    try {
      const answer = await ask('GET', path);
      if (answer.status < 500 || isLate()) return answer;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      if (isLate()) throw new StepFailed(error.message);
    }
    await pause(PAUSE);
  }
}
