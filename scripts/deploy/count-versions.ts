import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { InstanceSource, InstanceSourceError } from 'durable-saga/testing';
import { z } from 'zod';
import { showTable } from './job-summary';
import type { DeployStep } from './step';
import { requireUrl, StepFailed } from './step';

const USAGE = `count-versions --url <url> [--save <file>] [--before <file>]
  --save     keeps the counts in this file
  --before   shows the counts of that file beside today's, if it is there: before the first version nothing was counted
The key, where the host asks for one, is the system key 'durabletask_extension' in the variable REPLAY_GATE_KEY.`;

const countsSchema = z.record(z.string(), z.int());
type Counts = z.infer<typeof countsSchema>;

export const countVersions: DeployStep = {
  summary: 'counts the running instances by saga and version',
  usage: USAGE,
  async run(args, environment) {
    const { values } = parseArgs({
      args: [...args],
      options: { url: { type: 'string' }, save: { type: 'string' }, before: { type: 'string' } },
    });
    const from = requireUrl('--url', values.url);
    const before =
      values.before !== undefined && existsSync(values.before) ? await readCounts(values.before) : undefined;
    const counts = await countInstances(from, environment['REPLAY_GATE_KEY'] || undefined);
    if (values.save !== undefined) await writeFile(values.save, `${JSON.stringify(counts, undefined, 2)}\n`);
    await showTable(
      before === undefined ? 'Running sagas' : 'Running sagas, before and after',
      toRows(counts, before),
      environment,
    );
  },
};

/** Unfinished instances by `<saga> <version>`. A saga that has not said anything yet has no version to show. */
export async function countInstances(from: string, key: string | undefined): Promise<Counts> {
  const counts: Record<string, number> = {};
  try {
    for await (const { name, customStatus } of new InstanceSource({ from, key }).unfinished()) {
      const version = z.object({ version: z.string() }).safeParse(customStatus).data?.version ?? '(none shown)';
      const place = `${name} ${version}`;
      counts[place] = (counts[place] ?? 0) + 1;
    }
  } catch (error) {
    if (error instanceof InstanceSourceError) throw new StepFailed(`could not count the instances: ${error.message}`);
    throw error;
  }
  return counts;
}

function toRows(counts: Counts, before: Counts | undefined): string[][] {
  const places = [...new Set([...Object.keys(before ?? {}), ...Object.keys(counts)])].sort();
  const rows = places.map((place) => {
    const [saga = '', ...version] = place.split(' ');
    return [saga, version.join(' '), ...(before ? [String(before[place] ?? 0)] : []), String(counts[place] ?? 0)];
  });
  const head = ['saga', 'version', ...(before ? ['before', 'after'] : ['instances'])];
  return [head, ...(rows.length > 0 ? rows : [['(none)', '', ...(before ? ['0', '0'] : ['0'])]])];
}

async function readCounts(file: string): Promise<Counts> {
  try {
    return countsSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new StepFailed(`could not read the counts in ${file}: ${String(error)}`);
  }
}
