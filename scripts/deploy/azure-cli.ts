import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Environment } from './step';
import { StepFailed } from './step';

/** `az` has refused; `message` is what it said. */
export class AzureRefused extends StepFailed {}

/** Bytes. The settings or the deployments of one environment are far below it. */
const LARGEST_ANSWER = 32 * 1024 * 1024;

/**
 * Calls `az`, which is signed in already, and resolves with the JSON that it answers (undefined when it answers nothing, as with
 * `--output none`). Throws `AzureRefused` with what it said when it ended otherwise than well: never with its answer, which may
 * have settings in it.
 */
export async function askAzure(args: readonly string[], environment: Environment): Promise<unknown> {
  const asked = args.includes('--output') ? args : [...args, '--output', 'json'];
  let answer: string;
  try {
    ({ stdout: answer } = await promisify(execFile)('az', asked, { env: environment, maxBuffer: LARGEST_ANSWER }));
  } catch (error) {
    const { stderr = '', code } = error as { readonly stderr?: string; readonly code?: unknown };
    const at = args.findIndex((arg) => arg.startsWith('-'));
    const command = `az ${args.slice(0, at === -1 ? undefined : at).join(' ')}`;
    throw new AzureRefused(`${command}: ${stderr.trim() || `ended with ${String(code)}`}`);
  }
  if (answer.trim() === '') return undefined;
  try {
    return JSON.parse(answer);
  } catch {
    throw new StepFailed(`az ${args[0] ?? ''}: expected JSON`);
  }
}
