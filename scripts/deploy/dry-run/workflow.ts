import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

/*
 * A workflow's jobs, as far as a dry run understands them. The schemas are strict where a step is concerned: a key that is
 * new there changes what the step does, and the dry run must learn it before it may pass over it.
 */

const valueSchema = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const valuesSchema = z.record(z.string(), valueSchema);

const stepSchema = z.strictObject({
  name: z.string().optional(),
  id: z.string().optional(),
  if: valueSchema.optional(),
  uses: z.string().optional(),
  run: z.string().optional(),
  with: valuesSchema.optional(),
  env: valuesSchema.optional(),
  'timeout-minutes': z.number().optional(),
});
const jobSchema = z.looseObject({
  env: valuesSchema.optional(),
  defaults: z.strictObject({ run: z.strictObject({ shell: z.literal('bash') }) }),
  steps: z.array(stepSchema).min(1),
});
const workflowSchema = z.looseObject({ jobs: z.record(z.string(), z.looseObject({})) });

export type WorkflowStep = z.infer<typeof stepSchema>;
export type WorkflowJob = Pick<z.infer<typeof jobSchema>, 'env' | 'steps'>;

/** Reads one job of a workflow file. Throws an error that says what of it is not understood here. */
export async function readJob(file: string, name: string): Promise<WorkflowJob> {
  const workflow = workflowSchema.parse(parse(await readFile(file, 'utf8')));
  const job = workflow.jobs[name];
  if (job === undefined)
    throw new Error(`${file}: expected a job ${name}, got ${Object.keys(workflow.jobs).join(', ')}`);
  const read = jobSchema.safeParse(job);
  if (!read.success) throw new Error(`${file}: job ${name} can't be walked here:\n${z.prettifyError(read.error)}`);
  return read.data;
}

/** A step as it is told of: its name, or what it uses or runs. */
export function titleOf({ name, uses, run = '' }: WorkflowStep): string {
  return name ?? uses?.replace(/@.*/, '') ?? run.split('\n', 1)[0] ?? '';
}
