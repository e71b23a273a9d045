import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { AzureRefused, askAzure } from './azure-cli';
import type { DeployStep, Environment } from './step';
import { readSeconds, requireText, StepFailed, UsageError } from './step';

/*
 * A roll-out hands weights and duties to the infrastructure as it has read them, and chooses its app by them; a shift of
 * traffic changes both. What one of them has read must hold until it is done, so they take turns: not for the whole of a
 * roll-out, only from its reading to the change that goes by it.
 *
 * The turn is a blob beside the packages. It is made, never written over, so that of two who make it one is refused; its text
 * is the address of the run that has it, and until when. It is given back whatever becomes of the job. A run whose machine is
 * lost leaves it lying: whoever waits is told whose it is and how to take it away, and takes it himself when its time is over,
 * which is longer than all that is done in a turn may take. A run that is tried again takes what its last attempt has left.
 *
 * A deployment goes on in Azure when the job that began it is cancelled. So whoever has the turn waits for that, too.
 */

const BLOB = 'traffic-turn';

/** Minutes. The timeouts of the steps in a turn come to no more: a test adds them up. */
export const TURN_LASTS = 45;

/** Milliseconds between two looks. */
const PAUSE = 5_000;

const USAGE = `turn <take|give-back> [--within <seconds>]
  --within   how long to wait for the turn; 1800 unless told
Of the environment: STORAGE_ACCOUNT and PACKAGES_CONTAINER, where the turn is kept, RUN, the address of the run that takes it, and
DEPLOYMENT, the name under which the infrastructure is deployed.`;

export const turn: DeployStep = {
  summary: 'takes the turn to change how traffic stands, or gives it back: roll-outs and shifts wait for each other',
  usage: USAGE,
  async run(args, environment) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { within: { type: 'string' } },
    });
    const [what, ...others] = positionals;
    if (others.length > 0 || (what !== 'take' && what !== 'give-back')) {
      throw new UsageError(`expected take or give-back, got '${positionals.join(' ')}'`);
    }
    const own = new Turn(environment);
    if (what === 'take') await own.take(readSeconds('--within', values.within, 1_800));
    else await own.giveBack();
  },
};

interface Holder {
  readonly run: string;
  /** As ISO 8601 writes it. */
  readonly until: string;
}

class Turn {
  readonly #environment: Environment;
  readonly #run: string;
  readonly #deployment: string;
  readonly #place: readonly string[];

  constructor(environment: Environment) {
    const read = (name: string): string => requireText(`${name} in the environment`, environment[name]);
    this.#environment = environment;
    this.#run = read('RUN');
    this.#deployment = read('DEPLOYMENT');
    this.#place = [
      ...['--account-name', read('STORAGE_ACCOUNT'), '--container-name', read('PACKAGES_CONTAINER')],
      ...['--name', BLOB, '--auth-mode', 'login'],
    ];
  }

  async take(within: number): Promise<void> {
    const end = performance.now() + within;
    for (let told = ''; !(await this.#make());) {
      const holder = await this.#holder();
      if (holder === undefined) continue;
      if (holder.run === this.#run || isOver(holder)) {
        if (await this.#takeFrom(holder)) break;
        continue;
      }
      const said =
        `${holder.run} has the turn to change how traffic stands, until ${holder.until}. If that run has ended, ` +
        `take it away: az storage blob delete ${this.#place.join(' ')}`;
      if (performance.now() > end) throw new StepFailed(`no turn within ${within / 1_000} s: ${said}`);
      if (said !== told) console.log(`waiting: ${said}`);
      told = said;
      await pauseUntil(end);
    }
    try {
      if (await this.#hadToWait(end)) await this.#make(['--overwrite']);
    } catch (error) {
      await this.giveBack();
      throw error;
    }
    console.log(`this run has the turn to change how traffic stands, for ${TURN_LASTS} minutes`);
  }

  async giveBack(): Promise<void> {
    const holder = await this.#holder();
    if (holder?.run !== this.#run) {
      console.log(holder === undefined ? 'nobody has the turn' : `not given back: ${holder.run} has the turn`);
      return;
    }
    await askAzure(['storage', 'blob', 'delete', ...this.#place, '--output', 'none'], this.#environment);
    console.log('the turn is given back');
  }

  /** False when somebody has it. */
  async #make(how: readonly string[] = []): Promise<boolean> {
    return inFolder(async (file) => {
      await writeFile(file, `${this.#run}\n${new Date(Date.now() + TURN_LASTS * 60_000).toISOString()}\n`);
      const upload = ['storage', 'blob', 'upload', ...this.#place, '--file', file, ...how, '--output', 'none'];
      return this.#unless(/ErrorCode:(?:BlobAlreadyExists|ConditionNotMet)/, upload);
    });
  }

  /** Undefined when nobody has it. */
  async #holder(): Promise<Holder | undefined> {
    return inFolder(async (file) => {
      const download = ['storage', 'blob', 'download', ...this.#place, '--file', file, '--output', 'none'];
      if (!(await this.#unless(/ErrorCode:BlobNotFound/, download))) return undefined;
      const [run = '', until = ''] = (await readFile(file, 'utf8')).split('\n');
      return { run, until };
    });
  }

  /** Puts this run in the place of one whose turn is over; false when another one has, before it. */
  async #takeFrom(holder: Holder): Promise<boolean> {
    const show = ['storage', 'blob', 'show', ...this.#place, '--query', 'properties.etag'];
    let tag: unknown;
    if (!(await this.#unless(/ErrorCode:BlobNotFound/, show, (answer) => (tag = answer)))) return false;
    if (typeof tag !== 'string') throw new StepFailed('az storage blob show: expected the ETag of the turn');
    const now = await this.#holder();
    if (now?.run !== holder.run || now.until !== holder.until) return false;
    console.log(`the turn of ${holder.run}, until ${holder.until}, is taken over`);
    return this.#make(['--overwrite', '--if-match', tag]);
  }

  async #unless(refusal: RegExp, args: readonly string[], take?: (answer: unknown) => void): Promise<boolean> {
    try {
      const answer = await askAzure(args, this.#environment);
      take?.(answer);
      return true;
    } catch (error) {
      if (error instanceof AzureRefused && refusal.test(error.message)) return false;
      throw error;
    }
  }

  /** Waits for a deployment of the infrastructure that nobody else waits for any more, if there is one. */
  async #hadToWait(end: number): Promise<boolean> {
    const list = [
      'deployment',
      'sub',
      'list',
      '--query',
      `[?name=='${this.#deployment}'].properties.provisioningState`,
    ];
    for (let times = 0; ; times += 1) {
      const states = z.array(z.string()).safeParse(await askAzure(list, this.#environment));
      if (!states.success) throw new StepFailed('az deployment sub list: expected states of deployments');
      const running = states.data.find((state) => !/^(?:Succeeded|Failed|Canceled)$/i.test(state));
      if (running === undefined) return times > 0;
      const said = `${this.#deployment} is still being deployed (${running}), begun by a run that waits for it no longer`;
      if (performance.now() > end) throw new StepFailed(said);
      if (times === 0) console.log(`waiting: ${said}`);
      await pauseUntil(end);
    }
  }
}

const pauseUntil = (end: number): Promise<void> => pause(Math.max(0, Math.min(PAUSE, end - performance.now() + 1)));

/** What says no time is over: nobody else writes such a blob. */
const isOver = ({ until }: Holder): boolean => !(Date.parse(until) > Date.now());

async function inFolder<T>(act: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'turn-'));
  try {
    return await act(path.join(folder, 'turn'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
