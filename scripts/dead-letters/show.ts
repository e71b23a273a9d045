import type { Answer } from './app-client';
import type { Redriven } from './redrive';

const columns = ['id', 'status', 'reason', 'team', 'entity', 'storedAt', 'messageId'] as const;

/** A line for each, under their names. */
export function showList(letters: readonly Answer[]): string {
  if (letters.length === 0) return 'No dead letters.';
  const rows = [columns.map(String), ...letters.map((letter) => columns.map((name) => cell(letter[name])))];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((text, at) => text.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Everything of one, the body as it would be read. */
export function showLetter({ message, edited, violations, history, ...summary }: Answer): string {
  const lines = Object.entries(summary).map(([name, value]) => `${name.padEnd(14)}  ${cell(value)}`);
  const problems = list(violations).map(({ path, message: said }) => `  ${cell(path)}: ${cell(said)}`);
  const deeds = list(history).map(
    ({ at, by, action, note }) =>
      `  ${cell(at)}  ${cell(action)} by ${cell(by)}${note === undefined ? '' : `: ${cell(note)}`}`,
  );
  return [
    ...lines,
    ...['', 'message', indent(message)],
    ...(edited === undefined ? [] : ['', 'edited to', indent(edited)]),
    ...(problems.length === 0 ? [] : ['', 'would be refused for', ...problems]),
    ...(deeds.length === 0 ? [] : ['', 'history', ...deeds]),
  ].join('\n');
}

export function showSummary({ total, byReason, byTeam, byEntity, byStatus }: Answer): string {
  const groups = { reason: byReason, team: byTeam, entity: byEntity, status: byStatus };
  const lines = Object.entries(groups).flatMap(([name, counts]) => [
    '',
    `by ${name}`,
    ...Object.entries((counts ?? {}) as Record<string, number>).map(
      ([what, count]) => `  ${String(count).padStart(7)}  ${what}`,
    ),
  ]);
  return [`${cell(total)} dead letters`, ...lines].join('\n');
}

export function showRedriven({ dryRun, redriven, failed, stopped }: Redriven): string {
  const lines = redriven.map(({ id, address, messageId, bytes, violations }) => {
    const refused = list(violations).length;
    const doubt = refused === 0 ? '' : `, which its consumer would refuse (${refused} violations)`;
    return `${cell(id)}  ${dryRun ? 'would be sent' : 'sent'} to ${cell(address)} as ${cell(messageId)}, ${cell(bytes)} bytes${doubt}`;
  });
  const problems = failed.map(({ id, reason }) => `${id}  not sent: ${reason}`);
  const end = `${redriven.length} ${dryRun ? 'would be redriven' : 'redriven'}, ${failed.length} failed`;
  return [...lines, ...problems, stopped ? `${end}; stopped, since one after another failed` : end].join('\n');
}

function list(value: unknown): readonly Answer[] {
  return Array.isArray(value) ? (value as Answer[]) : [];
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function indent(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replaceAll(/^/gm, '  ');
}
