import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { askApp, describeAnswer, Unreachable } from './app-client';
import { setVariables } from './job-environment';
import { readPackageMark } from './package-mark';
import type { DeployStep } from './step';
import { readSeconds, requireUrl, StepFailed } from './step';

/*
 * Two apps on one database may run beside each other only when each knows which rows are whose: by the task hub that stands in
 * them. A version from before there were hubs in rows takes all that are not started for its own, and would start those of the
 * app beside it a second time. So the app that leads is asked before anything is changed, and when both run, each has to name
 * the other one's hub as the other one does.
 */

/** What `GET /api/task-hub` says of whose an app is. */
export interface KnownHubs {
  readonly taskHub: string;
  readonly otherTaskHub?: string | undefined;
}

const schema = z.object({ taskHub: z.string(), otherTaskHub: z.string().optional() });

const KNOWS_NOTHING = "knows nothing of task hubs: it would start the other app's orders as its own";

/** Milliseconds. */
const PAUSE = 500;

export const taskHubs: DeployStep = {
  summary: 'sees that the app that leads, and the one beside it, know of each other’s task hubs',
  usage: `task-hubs --leader <url> [--beside <url>] [--within <seconds>]
       task-hubs --package <folder>
  --leader   the app that leads; its key is OTHER_FUNCTION_KEY
  --beside   the app beside it; its key is FUNCTION_KEY. With it, each has to name the other one's task hub
  --within   they may take so long (default 60): an app that is told of another one starts anew
  --package  where \`npm run package\` has put build.json: sees that its version could answer, before it is deployed
With --leader alone, sets TASK_HUB to the task hub of the app beside as the leader knows it, or to nothing when it was not told of one.`,
  async run(args, environment) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        leader: { type: 'string' },
        beside: { type: 'string' },
        within: { type: 'string' },
        package: { type: 'string' },
      },
    });
    if (values.package !== undefined) {
      const { build, functions } = await readPackageMark(values.package);
      if (!functions.includes('showTaskHub')) throw new StepFailed(`build ${build} ${KNOWS_NOTHING}`);
      console.log(`build ${build} knows of task hubs`);
      return;
    }
    const leader = requireUrl('--leader', values.leader);
    const within = readSeconds('--within', values.within, 60);
    if (values.beside === undefined) {
      const { taskHub, otherTaskHub = '' } = await patiently(within, () =>
        readHubs(leader, environment['OTHER_FUNCTION_KEY'], StepFailed),
      );
      await setVariables({ TASK_HUB: otherTaskHub }, environment);
      console.log(`${leader} works on ${taskHub} and knows of ${otherTaskHub || 'no other'}`);
      return;
    }
    const beside = requireUrl('--beside', values.beside);
    await patiently(within, async () => {
      // Both are known to have the route: one that has it not is just being started.
      const led = await readHubs(leader, environment['OTHER_FUNCTION_KEY'], NotYet);
      const other = await readHubs(beside, environment['FUNCTION_KEY'], NotYet);
      expectApart({ url: leader, ...led }, { url: beside, ...other });
      console.log(`${leader} works on ${led.taskHub}, ${beside} on ${other.taskHub}, and each knows of the other`);
    });
  },
};

/** Not as it should be; waiting may mend it. */
class NotYet extends StepFailed {}

/** Does it again while it throws `NotYet`, and time is left. */
async function patiently<T>(within: number, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof NotYet) || performance.now() - startedAt > within) throw error;
      await pause(PAUSE);
    }
  }
}

/** Throws `NotYet` where one was not told of the other, and `StepFailed` where both are the same. */
function expectApart(one: KnownHubs & { readonly url: string }, other: KnownHubs & { readonly url: string }): void {
  if (one.taskHub.toLowerCase() === other.taskHub.toLowerCase()) {
    throw new StepFailed(`${one.url} and ${other.url} both work on task hub ${one.taskHub}: expected one for each`);
  }
  for (const [{ url, otherTaskHub = 'none' }, { taskHub }] of [
    [one, other],
    [other, one],
  ] as const) {
    if (otherTaskHub === taskHub) continue;
    throw new NotYet(
      `${url} was told of another app's task hub (OTHER_TASK_HUB): expected ${taskHub}, got ${otherTaskHub}`,
    );
  }
}

/** @param IfMissing what an answer of 404 is */
async function readHubs(url: string, key: string | undefined, IfMissing: typeof StepFailed): Promise<KnownHubs> {
  const answer = await askApp(url, key)('GET', '/api/task-hub').catch((error: unknown) => {
    throw error instanceof Unreachable ? new NotYet(error.message) : error;
  });
  if (answer.status === 404) {
    throw new IfMissing(
      `the version at ${url} ${KNOWS_NOTHING}. Roll out one that has GET /api/task-hub in its place first (strategy in-place), ` +
        'then this one beside it',
    );
  }
  const why = `${url} answered ${describeAnswer(answer)} when asked for its task hub`;
  if (answer.status >= 500) throw new NotYet(why);
  const hubs = schema.safeParse(answer.body);
  if (answer.status === 200 && hubs.success) return hubs.data;
  throw new StepFailed(why);
}
