import { appendFile } from 'node:fs/promises';
import type { Environment } from './step';

/** Shows a table in the log, and in the job's summary where there is one. */
export async function showTable(
  title: string,
  rows: readonly (readonly string[])[],
  environment: Environment,
): Promise<void> {
  console.log(`${title}\n${rows.map((row) => `  ${row.join('\t')}`).join('\n')}`);
  const [head = [], ...body] = rows;
  const lines = [head, head.map(() => '---'), ...body].map((row) => `| ${row.map(escapeCell).join(' | ')} |`);
  await addToSummary(`### ${title}\n\n${lines.join('\n')}\n`, environment);
}

async function addToSummary(markdown: string, environment: Environment): Promise<void> {
  const file = environment['GITHUB_STEP_SUMMARY'];
  if (file !== undefined && file !== '') await appendFile(file, `${markdown}\n`);
}

const escapeCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
