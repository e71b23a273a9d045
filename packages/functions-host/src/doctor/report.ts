import type { Section } from './finding';

export interface Report {
  readonly version: string;
  readonly appDir: string;
  /** False when anything is a problem. */
  readonly ok: boolean;
  readonly sections: readonly Section[];
}

/** The report for people: a heading for each section, a line for each finding, further lines indented below it. */
export function toText({ version, appDir, sections }: Report): string {
  const all = sections.flatMap(({ findings }) => findings);
  const count = (status: string): number => all.filter((finding) => finding.status === status).length;
  const lines = sections.flatMap(({ title, findings }) => [
    '',
    title,
    ...findings.map(({ status, message }) => `  ${status.padEnd(9)}${message.replaceAll('\n', `\n${' '.repeat(11)}`)}`),
  ]);
  const summary = `${plural(count('problem'), 'problem')}, ${plural(count('warning'), 'warning')}`;
  return [`functions-host ${version} on ${appDir}`, ...lines, '', summary, ''].join('\n');
}

function plural(count: number, noun: string): string {
  return `${count === 0 ? 'no' : count} ${noun}${count === 1 ? '' : 's'}`;
}
