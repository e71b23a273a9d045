import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Contexts, JobState } from './expression';
import { interpolate, isMet } from './expression';
import type { WorkflowJob, WorkflowStep } from './workflow';
import { titleOf } from './workflow';

/*
 * Walks a job as GitHub's runner does: conditions, variables that steps leave for others (`GITHUB_ENV`), outputs, summary,
 * masks, and the shell. What can't be had on one machine is stood in for: actions by functions, programs by others of the
 * same name that are found first. A step gets no variables of this process but the path and the home.
 */

export interface JobOptions {
  /** Folder in which the steps run. */
  readonly folder: string;
  /** `inputs`, `vars`, `github` and so on. */
  readonly contexts: Contexts;
  /** Variables that a step has beside those of the workflow. */
  readonly environment: Readonly<Record<string, string>>;
  /** Folder with programs that are found before all others. */
  readonly programs: string;
  /** What stands in for an action, by its name without a version. One that is not here is refused. */
  readonly actions: Readonly<Record<string, (step: WorkflowStep) => Promise<void>>>;
  /** What stands in for a script, by all of its text. */
  readonly scripts?: Readonly<Record<string, () => Promise<void>>>;
  readonly print: (line: string) => void;
}

export type Outcome = 'success' | 'failure' | 'skipped';

export interface WalkedStep {
  readonly title: string;
  readonly outcome: Outcome;
}

export interface WalkedJob {
  readonly outcome: 'success' | 'failure';
  readonly steps: readonly WalkedStep[];
  /** All that the steps have printed, masked. */
  readonly log: string;
  readonly summary: string;
}

const WELL: JobState = { hasFailed: false, isCancelled: false };

export async function runJob(job: WorkflowJob, options: JobOptions): Promise<WalkedJob> {
  const files = await mkdtemp(path.join(tmpdir(), 'roll-out-job-'));
  try {
    return await new Walk(job, options, files).run();
  } finally {
    await rm(files, { recursive: true, force: true });
  }
}

class Walk {
  readonly #job: WorkflowJob;
  readonly #options: JobOptions;
  readonly #files: string;
  readonly #walked: WalkedStep[] = [];
  readonly #outputs: Record<string, { outcome: Outcome; outputs: Record<string, string> }> = {};
  readonly #masks = new Set<string>();
  readonly #lines: string[] = [];
  #environment: Record<string, string>;
  #summary = '';
  #state = WELL;

  constructor(job: WorkflowJob, options: JobOptions, files: string) {
    this.#job = job;
    this.#options = options;
    this.#files = files;
    this.#environment = this.#interpolateAll(job.env ?? {}, { ...options.contexts, env: {} });
  }

  async run(): Promise<WalkedJob> {
    for (const step of this.#job.steps) {
      const outcome = isMet(step.if, this.#contexts(step), this.#state) ? await this.#runStep(step) : 'skipped';
      this.#walked.push({ title: titleOf(step), outcome });
      if (step.id !== undefined) this.#outputs[step.id] = { outputs: {}, ...this.#outputs[step.id], outcome };
      if (outcome === 'failure') this.#state = { ...this.#state, hasFailed: true };
    }
    return {
      outcome: this.#state.hasFailed ? 'failure' : 'success',
      steps: this.#walked,
      log: this.#lines.join('\n'),
      summary: this.#masked(this.#summary),
    };
  }

  async #runStep(step: WorkflowStep): Promise<Outcome> {
    this.#print(`> ${titleOf(step)}`);
    try {
      const standIn = this.#standInFor(step);
      if (standIn === undefined) return (await this.#runScript(step)) === 0 ? 'success' : 'failure';
      await standIn(step);
      return 'success';
    } catch (error) {
      this.#print(error instanceof Error ? error.message : String(error));
      return 'failure';
    }
  }

  #standInFor({ uses, run }: WorkflowStep): ((step: WorkflowStep) => Promise<void>) | undefined {
    if (uses === undefined) return this.#options.scripts?.[run?.trim() ?? ''];
    const [name = ''] = uses.split('@');
    const standIn = this.#options.actions[name];
    if (standIn === undefined) throw new Error(`nothing stands in for the action ${name}`);
    return standIn;
  }

  async #runScript(step: WorkflowStep): Promise<number | null> {
    const file = (name: string): string => path.join(this.#files, name);
    await writeFile(file('script.sh'), step.run ?? '');
    await Promise.all(['env', 'output'].map((name) => writeFile(file(name), '')));
    await writeFile(file('summary'), '');
    const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', file('script.sh')], {
      cwd: this.#options.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: (step['timeout-minutes'] ?? 360) * 60_000,
      env: {
        PATH: `${this.#options.programs}${path.delimiter}${process.env['PATH'] ?? ''}`,
        HOME: process.env['HOME'],
        ...this.#options.environment,
        ...this.#environment,
        ...this.#interpolateAll(step.env ?? {}, this.#contexts(step)),
        CI: 'true',
        GITHUB_ACTIONS: 'true',
        GITHUB_ENV: file('env'),
        GITHUB_OUTPUT: file('output'),
        GITHUB_STEP_SUMMARY: file('summary'),
      },
    });
    let rest = '';
    const take = (text: string): void => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#print(line);
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', take);
    const [code] = (await once(child, 'close')) as [number | null];
    if (rest !== '') this.#print(rest);
    if (code === null) this.#print(`ended by a signal, or after ${step['timeout-minutes']} minutes`);
    Object.assign(this.#environment, readPairs(await readFile(file('env'), 'utf8')));
    this.#summary += await readFile(file('summary'), 'utf8');
    if (step.id !== undefined) {
      this.#outputs[step.id] = { outcome: 'success', outputs: readPairs(await readFile(file('output'), 'utf8')) };
    }
    return code;
  }

  #contexts(step: WorkflowStep): Contexts {
    const env = { ...this.#environment, ...step.env };
    return { ...this.#options.contexts, env, steps: this.#outputs };
  }

  #interpolateAll(values: Readonly<Record<string, string>>, contexts: Contexts): Record<string, string> {
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, interpolate(value, contexts, this.#state)]),
    );
  }

  #print(line: string): void {
    const mask = /^::add-mask::(.+)$/.exec(line)?.[1];
    if (mask !== undefined) {
      this.#masks.add(mask);
      return;
    }
    const shown = this.#masked(line);
    this.#lines.push(shown);
    this.#options.print(shown);
  }

  #masked(text: string): string {
    return [...this.#masks].reduce((shown, mask) => shown.replaceAll(mask, '***'), text);
  }
}

/** Lines of `name=value`; the form over several lines is refused. */
function readPairs(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=');
      if (at < 1) throw new Error(`expected <name>=<value>, got '${line.split('<<', 1)[0]}'`);
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}
