import { askApp } from '../app-client';
import type { Deployment, DryRun } from './dry-run';
import type { WalkedJob } from './run-job';
import type { LocalApp } from './local-app';
import { createRunningOrders } from './running-orders';
import type { Place } from './running-orders';
import type { Version } from './versions';
import { versions } from './versions';

/** One deployment of the dry run: what is rolled out, and what has to come of it. */
export interface DeployCase {
  readonly title: string;
  readonly version: Version;
  /** Deploys while orders are under way, and has them finish afterwards. */
  run(dryRun: DryRun): Promise<CaseResult>;
}

export interface CaseResult {
  readonly deployment: Deployment;
  /** Other jobs that were walked. */
  readonly shifts?: readonly WalkedJob[];
  /** What was not as it should be. */
  readonly problems: readonly string[];
}

export interface Expected {
  readonly outcome: 'success' | 'failure';
  /** Title of the step that fails, if one does. */
  readonly failed?: string;
  /** Whether the new version answers afterwards, or the one before. */
  readonly answers: 'new' | 'old';
  readonly hasRolledBack: boolean;
}

const GATE = 'Replay running sagas against the new code';
export const SMOKE = 'Send a saga through it';
const ROLL_BACK = 'Roll back to the last good package';
const DEPLOY = 'Deploy the package';
const KNOWS_HUBS = 'See that the app that leads knows of task hubs';
/** Steps that change something. */
const CHANGES = ['Change what is to change in Azure', 'Migrate the database', DEPLOY];

/** A roll-out to the second app. */
export const BESIDE = { strategy: 'blue-green', hasSecondApp: true } as const;

export const placeOf = ({ url, keys }: LocalApp): Place => ({ url, key: keys.host.default });

function deployCase(title: string, version: Version, expected: Expected): DeployCase {
  return {
    title,
    version,
    async run(dryRun) {
      const old = await buildOf(dryRun);
      const orders = old === undefined ? undefined : createRunningOrders(placeOf(dryRun.app), dryRun.settings);
      await orders?.place();
      const deployment = await dryRun.deploy(version);
      const problems = judge(deployment.rollOut, expected);
      const wanted = expected.answers === 'new' ? deployment.build : old;
      const answering = await buildOf(dryRun);
      if (answering !== wanted) problems.push(`build ${answering} answers, expected ${wanted}`);
      problems.push(...shownSecrets([dryRun.app], deployment.rollOut));
      try {
        await orders?.finish();
      } catch (error) {
        problems.push(`an order that was under way: ${error instanceof Error ? error.message : String(error)}`);
      }
      return { deployment, problems: [...problems, ...dryRun.app.failures] };
    },
  };
}

/** A version that is refused before anything is changed. */
function refusedBeside(title: string, version: Version, failed: string): DeployCase {
  return {
    title,
    version,
    async run(dryRun) {
      const old = await buildOf(dryRun);
      const deployment = await dryRun.deploy(version, BESIDE);
      const { rollOut } = deployment;
      const problems = judge(rollOut, { outcome: 'failure', failed, answers: 'old', hasRolledBack: false });
      const changed = rollOut.steps.filter(
        ({ title: step, outcome }) => CHANGES.includes(step) && outcome !== 'skipped',
      );
      problems.push(...changed.map(({ title: step }) => `"${step}" was done all the same`));
      const answering = await buildOf(dryRun);
      if (answering !== old) problems.push(`build ${answering} answers, expected ${old}`);
      return { deployment, problems: [...problems, ...shownSecrets([dryRun.app], rollOut)] };
    },
  };
}

export const deployCases: readonly DeployCase[] = [
  deployCase('the first deployment', versions.beforeHubs, { outcome: 'success', answers: 'new', hasRolledBack: false }),
  refusedBeside('a version beside one that knows nothing of task hubs', versions.today, KNOWS_HUBS),
  deployCase('a version that running sagas cannot go on in', versions.incompatible, {
    outcome: 'failure',
    failed: GATE,
    answers: 'old',
    hasRolledBack: false,
  }),
  deployCase('a version whose smoke saga fails', versions.broken, {
    outcome: 'failure',
    failed: SMOKE,
    answers: 'old',
    hasRolledBack: true,
  }),
  deployCase('a compatible version', versions.compatible, { outcome: 'success', answers: 'new', hasRolledBack: false }),
];

export function judge({ outcome, steps }: WalkedJob, expected: Expected): string[] {
  const problems = outcome === expected.outcome ? [] : [`the job ended with ${outcome}, expected ${expected.outcome}`];
  const failed = steps.filter((step) => step.outcome === 'failure').map(({ title }) => title);
  const wanted = expected.failed === undefined ? [] : [expected.failed];
  if (failed.join() !== wanted.join()) {
    problems.push(`failed: ${failed.join(', ') || 'no step'}; expected ${wanted.join(', ') || 'none'}`);
  }
  const outcomeOf = (title: string): string => steps.find((step) => step.title === title)?.outcome ?? 'not there';
  const rolledBack = expected.hasRolledBack ? 'success' : 'skipped';
  if (outcomeOf(ROLL_BACK) !== rolledBack)
    problems.push(`"${ROLL_BACK}": ${outcomeOf(ROLL_BACK)}, expected ${rolledBack}`);
  if (expected.failed === GATE && outcomeOf(DEPLOY) !== 'skipped') problems.push('it was deployed all the same');
  return problems;
}

async function buildOf({ app }: DryRun): Promise<string | undefined> {
  const { status, body } = await askApp(app.url, app.keys.host.default)('GET', '/api/version');
  return status === 200 ? (body as { build: string }).build : undefined;
}

/** Keys of these apps that a job's log or summary shows. */
export function shownSecrets(apps: readonly LocalApp[], { log, summary }: WalkedJob): string[] {
  const secrets = apps.flatMap(({ keys: { master, host, system } }) => Object.entries({ master, ...host, ...system }));
  return secrets
    .filter(([, secret]) => log.includes(secret) || summary.includes(secret))
    .map(([name]) => `the log or the summary has ${name} in it`);
}

const MARKS = { success: 'done   ', failure: 'FAILED ', skipped: 'skipped' } as const;

/** Each step with what became of it, a line each. */
export function describeSteps({ steps }: Pick<WalkedJob, 'steps'>): string[] {
  return steps.map(({ title, outcome }) => `${MARKS[outcome]} ${title}`);
}
