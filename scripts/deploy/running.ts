import { appendFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { askApp, describeAnswer, Unreachable } from './app-client';
import type { DeployStep } from './step';
import { requireUrl, StepFailed } from './step';

const USAGE = `running [--url <url>]
  Without --url, or with an empty one, no app is there yet.
FUNCTION_KEY and MASTER_KEY are taken from the environment. In a workflow the output 'build' is what runs, or 'none'.`;

/**
 * Whether there is a version whose sagas have to be looked after. Only what says that it has no functions counts as
 * none: an app that is down has a task hub all the same, and a deployment must not go on as if there was nothing in it.
 */
export const running: DeployStep = {
  summary: 'says which build runs now, if any',
  usage: USAGE,
  async run(args, environment) {
    const { values } = parseArgs({ args: [...args], options: { url: { type: 'string' } } });
    const build = values.url ? await find(requireUrl('--url', values.url), environment) : 'none';
    console.log(build === 'none' ? 'nothing runs yet' : `build ${build} runs`);
    const file = environment['GITHUB_OUTPUT'];
    if (file) await appendFile(file, `build=${build}\n`);
  },
};

async function find(url: string, environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  try {
    const listed = await askApp(url, environment['MASTER_KEY'])('GET', '/admin/functions');
    if (listed.status !== 200 || !Array.isArray(listed.body)) {
      throw new StepFailed(`${url} answered ${describeAnswer(listed)} when asked for its functions`);
    }
    if (listed.body.length === 0) return 'none';
    const version = await askApp(url, environment['FUNCTION_KEY'])('GET', '/api/version');
    const { build } = (version.body ?? {}) as { readonly build?: unknown };
    return version.status === 200 && typeof build === 'string' && /^[\w.-]+$/.test(build) ? build : 'unknown';
  } catch (error) {
    if (error instanceof Unreachable) throw new StepFailed(error.message);
    throw error;
  }
}
