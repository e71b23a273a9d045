import { appendFile, readFile } from 'node:fs/promises';
import type { Environment } from './step';
import { StepFailed, UsageError } from './step';

/** Sets variables for the steps that follow, where the workflow's runner gives a file for them. */
export async function setVariables(
  variables: Readonly<Record<string, string>>,
  environment: Environment,
): Promise<void> {
  const file = environment['GITHUB_ENV'];
  if (file === undefined || file === '') throw new UsageError('expected a file for variables in GITHUB_ENV');
  const lines = Object.entries(variables).map(([name, value]) => {
    if (/[\r\n]/.test(value)) throw new StepFailed(`${name}: expected a value of one line`);
    return `${name}=${value}\n`;
  });
  await appendFile(file, lines.join(''));
}

/** What `az ... --output json` has written. Throws `UsageError` without a file's name, `StepFailed` when it is no JSON. */
export async function readAzureJson(args: readonly string[]): Promise<unknown> {
  const [file, ...others] = args;
  if (file === undefined || others.length > 0 || file.startsWith('-'))
    throw new UsageError('expected one file of JSON');
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    // Neither the file nor what the parser says of it is shown: it may have keys in it.
    throw new StepFailed(`${file}: expected JSON, as \`az ... --output json\` writes it`);
  }
}
