import path from 'node:path';
import type { Violation } from '../run';
import type { Schedule } from './runs';

/** A violation as it is to be shown again. */
export interface Shown {
  /** Name of the saga. */
  readonly saga: string;
  readonly violation: Violation;
  readonly schedule: Schedule;
  readonly timeline: readonly string[];
  readonly module: { readonly file: string; readonly name: string } | undefined;
}

/** Where `saga` and `setup` stand for what was explored, if it can't be imported from anywhere. */
const NOT_FOUND_AGAIN = [
  '// `explored` stands for { saga, setup }, what was given to exploreSaga. With `module` in the setup it is imported here.',
  "import { explored } from './explored';",
];

/**
 * A whole test file for jest that runs the schedule and expects no violation. Its imports are right for a file that
 * stands beside that of the setup.
 */
export function printTest({ saga, violation, schedule, timeline, module }: Shown): string {
  const name = module?.name ?? 'explored';
  const imports =
    module === undefined
      ? NOT_FOUND_AGAIN
      : [`import { ${name} } from ${quote(`./${path.basename(module.file).replace(/\.[cm]?[jt]s$/, '')}`)};`];
  const at = violation.step === undefined ? '' : ` at ${violation.step}`;
  const faults = schedule.map((fault) => `    ${literal(fault)},`);
  return [
    ...(module === undefined ? [] : [`// Stands beside ${path.basename(module.file)}.`]),
    "import { runSchedule } from 'durable-saga/testing';",
    ...imports,
    '',
    ...comment([`violated: ${violation.invariant}${at}`, violation.message, '', ...timeline]),
    `it(${quote(`${saga} keeps to '${violation.invariant}'${at}`)}, async () => {`,
    ...(faults.length === 0
      ? [`  const run = await runSchedule(${name}.saga, ${name}.setup, []);`]
      : [`  const run = await runSchedule(${name}.saga, ${name}.setup, [`, ...faults, '  ]);']),
    '  expect(run.violations).toEqual([]);',
    '});',
    '',
  ].join('\n');
}

/** Nothing that is said in it ends the comment. */
function comment(lines: readonly string[]): string[] {
  const text = lines.flatMap((line) => line.split(/\r?\n/)).map((line) => line.replaceAll('*/', '* /'));
  return ['/*', ...text.map((line) => ` * ${line}`.trimEnd()), ' */'];
}

/** A JSON value as one writes it in code. */
function literal(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  const named = fields.map(
    ([name, field]) => `${/^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name)}: ${literal(field)}`,
  );
  return named.length === 0 ? '{}' : `{ ${named.join(', ')} }`;
}

function quote(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  return text.includes("'") && !text.includes('"') ? `"${inner}"` : `'${inner.replaceAll("'", "\\'")}'`;
}
