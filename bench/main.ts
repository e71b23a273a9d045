/** `npm run bench`: measures the host, prints tables and writes a JSON file. Needs Linux (see `processes.ts`). */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArguments, usage } from './arguments';
import { readLoad } from './processes';
import { stopPrograms } from './program';
import type { BenchOptions, Section, SectionResult } from './section';
import { coldLoadSection } from './sections/cold-load';
import { engineSection } from './sections/engine';
import { explorerSection } from './sections/explorer';
import { httpSection } from './sections/http';
import { memorySection } from './sections/memory';
import { overheadSection } from './sections/overhead';
import { restartsSection } from './sections/restarts';
import { serviceBusSection } from './sections/service-bus';
import { telemetrySection } from './sections/telemetry';
import { toTable } from './table';

const sections: readonly Section[] = [
  engineSection,
  overheadSection,
  explorerSection,
  httpSection,
  restartsSection,
  memorySection,
  serviceBusSection,
  telemetrySection,
  coldLoadSection,
];

const root = path.join(__dirname, '../..');

async function main(options: BenchOptions): Promise<void> {
  const chosen = sections.filter(({ name, isLong }) => options.sections?.includes(name) ?? isLong !== true);
  const unknown = options.sections?.find((name) => !sections.some((section) => section.name === name));
  if (unknown !== undefined) {
    throw new Error(`--only: expected one of ${sections.map(({ name }) => name).join(', ')}, got '${unknown}'.`);
  }
  const results: Record<string, SectionResult> = {};
  for (const section of chosen) {
    const folder = mkdtempSync(path.join(tmpdir(), 'functions-host-bench-'));
    // Started by root, the database's server runs as another user, who must get in here.
    chmodSync(folder, 0o711);
    try {
      const say = (text: string): void => void process.stderr.write(`${text}\n`);
      const result = await section.measure({ root, folder, options, say });
      results[section.name] = result;
      print(section, result);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const file = path.resolve(options.json ?? path.join(root, '.local/bench.json'));
  mkdirSync(path.dirname(file), { recursive: true });
  const machine = { node: process.version, cores: cpus().length, processor: cpus()[0]?.model, load: readLoad() };
  writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), machine, options, results }, null, 2)}\n`);
  process.stdout.write(`\nWritten to ${file}\n`);
}

function print({ title }: Section, { notes, figures }: SectionResult): void {
  process.stdout.write(`\n${title}\n\n${toTable(figures)}\n\n${notes.map((note) => `- ${note}`).join('\n')}\n`);
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  void stopPrograms().finally(() => process.exit(1));
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => void stopPrograms().finally(() => process.exit(130)));
}

try {
  const options = parseArguments(process.argv.slice(2));
  if (options === 'help') process.stdout.write(usage);
  else main(options).catch(fail);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${usage}`);
  process.exitCode = 2;
}
