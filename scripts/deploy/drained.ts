import { parseArgs } from 'node:util';
import { z } from 'zod';
import { askApp, describeAnswer, Unreachable } from './app-client';
import { countInstances } from './count-versions';
import { showTable } from './job-summary';
import type { DeployStep } from './step';
import { requireUrl, StepFailed } from './step';

/*
 * An app carries a saga from the moment in which it accepted the order, before anything of it is in the task hub; and it
 * carries what the hub has and no row tells of, such as a recovery. So both are asked: the rows, of the app itself, and the
 * instances.
 */

const hubSchema = z.object({
  taskHub: z.string(),
  unfinished: z.record(z.string(), z.int()),
  drained: z.boolean(),
});

export const drained: DeployStep = {
  summary: 'says how many sagas an app still carries',
  usage: `drained --url <url>
FUNCTION_KEY (a host key) and REPLAY_GATE_KEY (the system key durabletask_extension) are taken from the environment.`,
  async run(args, environment) {
    const { values } = parseArgs({ args: [...args], options: { url: { type: 'string' } } });
    const url = requireUrl('--url', values.url);
    const hub = await readHub(url, environment['FUNCTION_KEY']);
    const counts = await countInstances(url, environment['REPLAY_GATE_KEY'] || undefined);
    const instances = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const rows = Object.entries(hub.unfinished).map(([what, count]) => [what, String(count)]);
    const title = `What task hub ${hub.taskHub} still carries`;
    await showTable(title, [['what', 'unfinished'], ...rows, ['instances', String(instances)]], environment);
    const isDrained = hub.drained && instances === 0;
    console.log(isDrained ? `${hub.taskHub} is drained` : `${hub.taskHub} is not drained yet`);
  },
};

async function readHub(url: string, key: string | undefined): Promise<z.infer<typeof hubSchema>> {
  try {
    const answer = await askApp(url, key)('GET', '/api/task-hub');
    const hub = hubSchema.safeParse(answer.body);
    if (answer.status === 200 && hub.success) return hub.data;
    throw new StepFailed(`${url} answered ${describeAnswer(answer)} when asked for its task hub`);
  } catch (error) {
    if (error instanceof Unreachable) throw new StepFailed(error.message);
    throw error;
  }
}
