import { rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { readAzureJson } from './job-environment';
import type { DeployStep } from './step';
import { StepFailed, UsageError } from './step';

const keysSchema = z.object({ functionKeys: z.record(z.string(), z.string().min(1)) });

export const callerKeys: DeployStep = {
  summary: 'takes the keys of callers out of what `az functionapp keys list` says, for another app',
  usage: `caller-keys <file of keys> <file to write>
Writes a line for each key that opens all functions, its name and its value with a tab between; hides the values in the log, and
removes the file of keys.`,
  async run([keysFile, file, ...others], environment) {
    if (keysFile === undefined || file === undefined || others.length > 0) throw new UsageError('expected two files');
    const keys = keysSchema.safeParse(await readAzureJson([keysFile])).data?.functionKeys;
    if (keys === undefined) throw new StepFailed('expected the keys of a function app');
    const wrong = Object.entries(keys).filter((key) => key.some((text) => /[\t\r\n]/.test(text)));
    if (wrong.length > 0) throw new StepFailed('expected keys without tabs and line breaks');
    if (environment['GITHUB_ACTIONS'] === 'true') {
      for (const value of Object.values(keys)) console.log(`::add-mask::${value}`);
    }
    const lines = Object.entries(keys).map(([name, value]) => `${name}\t${value}\n`);
    await writeFile(file, lines.join(''), { mode: 0o600 });
    await rm(keysFile);
    console.log(`keys of callers: ${Object.keys(keys).join(', ')}`);
  },
};
