import path from 'node:path';
import { isMet } from '../../scripts/deploy/dry-run/expression';
import { TURN_LASTS } from '../../scripts/deploy/turn';
import { readJob, titleOf } from '../../scripts/deploy/dry-run/workflow';
import type { WorkflowJob } from '../../scripts/deploy/dry-run/workflow';

/** Which steps of a roll-out run when one of them fails or the job is cancelled in it, by their conditions alone. */

const SMOKE = 'Send a saga through it';
const DEPLOY = 'Deploy the package';
const ROLL_BACK = 'Roll back to the last good package';
const STAYS = 'Leave the version where it is, which has passed';
const TRAFFIC = 'Leave the traffic where it is';
const KEEP = 'Keep it as the last good package';

const GIVES_BACK = 'Give the turn ';

type End = 'failure' | 'cancelled';
type Strategy = 'in-place' | 'blue-green';

let job: WorkflowJob;
beforeAll(
  async () => (job = await readJob(path.resolve(__dirname, '../../.github/workflows/roll-out.yml'), 'roll-out')),
);

/** The titles of the steps that run when the one of this title ends like that, in their order. */
function walk(title: string, end: End, strategy: Strategy): string[] {
  const steps: Record<string, { outcome: string; outputs: Record<string, string> }> = {};
  const env = { APP_NAME: 'a', OTHER_APP_NAME: 'b', GREEN_APP: 'b' };
  const inputs = { environment: 'staging', 'skip-replay-gate': false, strategy, weight: '0', 'take-over': '' };
  let state = { hasFailed: false, isCancelled: false };
  const ran: string[] = [];
  for (const step of job.steps) {
    const isRun = isMet(step.if, { env, inputs, vars: {}, github: {}, steps }, state);
    const outcome = !isRun ? 'skipped' : titleOf(step) === title ? end : 'success';
    // What is given back whatever happens is no part of how it goes on.
    if (isRun && !titleOf(step).startsWith(GIVES_BACK)) ran.push(titleOf(step));
    if (step.id !== undefined) steps[step.id] = { outcome, outputs: { build: 'a1b2' } };
    if (outcome === 'failure') state = { ...state, hasFailed: true };
    if (outcome === 'cancelled') state = { ...state, isCancelled: true };
  }
  return ran;
}

const titles = (from: string, to?: string): string[] => {
  const all = job.steps.map(titleOf);
  return all.slice(all.indexOf(from), to === undefined ? undefined : all.indexOf(to));
};
/** Those of `some` that a job walks in which nothing fails. */
const walked = (strategy: Strategy, some: readonly string[]): string[] => {
  const all = walk('', 'failure', strategy);
  return some.filter((title) => all.includes(title));
};

describe.each<End>(['failure', 'cancelled'])('a roll-out with a %s', (end) => {
  it('before anything was deployed brings nothing back', () => {
    const before = walked('in-place', job.steps.map(titleOf).slice(0, job.steps.map(titleOf).indexOf(DEPLOY)));
    expect(before.length).toBeGreaterThan(10);
    for (const title of before) expect(walk(title, end, 'in-place').at(-1)).toBe(title);
  });

  it('from the deployment to the smoke saga brings the last good version back', () => {
    const unproven = walked('in-place', [...titles(DEPLOY, SMOKE), SMOKE]);
    expect(unproven).toContain('Wait until the new version answers');
    for (const title of unproven) {
      const ran = walk(title, end, 'in-place');
      expect({ title, back: ran.includes(ROLL_BACK), kept: ran.includes(KEEP) }).toEqual({
        title,
        back: true,
        kept: false,
      });
      expect(ran).not.toContain(STAYS);
    }
  });

  it('after the smoke saga leaves the version that has passed, and says what is left to do', () => {
    const later = walked('in-place', titles(KEEP, ROLL_BACK));
    expect(later).toEqual(
      expect.arrayContaining([KEEP, 'Have it told of uploaded files', 'Count running sagas after']),
    );
    for (const title of later) {
      const ran = walk(title, end, 'in-place');
      expect({ title, after: ran.slice(ran.indexOf(title) + 1) }).toEqual({ title, after: [STAYS] });
    }
  });

  it('of a version beside another leaves the traffic where it is', () => {
    for (const title of walked('blue-green', titles(DEPLOY, ROLL_BACK))) {
      const ran = walk(title, end, 'blue-green');
      expect(ran).not.toContain(ROLL_BACK);
      expect(ran.at(-1)).toBe(TRAFFIC);
      expect(ran.includes(STAYS)).toBe(titles(SMOKE).slice(1).includes(title));
    }
  });
});

it('keeps a version as the last good one before anything else that may fail is done with it', () => {
  const [first, second] = walked('in-place', titles(SMOKE));
  expect([first, second]).toEqual([SMOKE, KEEP]);
});

describe('the turn to change how traffic stands', () => {
  const walkTurns = (workflow: WorkflowJob) => {
    const turns: { readonly taken: string; readonly minutes: number; readonly back: string | undefined }[] = [];
    let open: { id: string | undefined; minutes: number } | undefined;
    for (const step of workflow.steps) {
      const { id, run = '', 'timeout-minutes': minutes = 360 } = step;
      if (run.includes('turn give-back')) {
        turns.push({ taken: open?.id ?? '', minutes: open?.minutes ?? 0, back: step.if });
        open = undefined;
      } else if (run.includes('turn take')) open = { id, minutes: 0 };
      else if (open !== undefined) open.minutes += minutes;
    }
    expect(open).toBeUndefined();
    return turns;
  };

  it.each([
    ['roll-out', ['turn-to-read', 'turn', 'turn-beside', 'turn-for-uploads']],
    ['shift-traffic', ['turn']],
  ])('is given back by %s whatever happens, before it is over', async (name, ids) => {
    const turns = walkTurns(await readJob(path.resolve(__dirname, `../../.github/workflows/${name}.yml`), name));
    expect(turns.map(({ taken }) => taken)).toEqual(ids);
    for (const { taken, minutes, back } of turns) {
      expect(minutes).toBeLessThanOrEqual(TURN_LASTS);
      expect(back).toBe(`always() && steps.${taken}.outcome != '' && steps.${taken}.outcome != 'skipped'`);
    }
  });
});

describe.each([
  ['roll-out', 2, ['https://storage.azure.com', 'https://ossrdbms-aad.database.windows.net']],
  ['shift-traffic', 1, ['https://storage.azure.com']],
])('who signs in to Azure in %s', (name, times, audiences) => {
  it('fetches the tokens of all audiences at once, since GitHub’s word for who it is lasts minutes', async () => {
    const { steps } = await readJob(path.resolve(__dirname, `../../.github/workflows/${name}.yml`), name);
    const signs = steps.flatMap(({ uses = '' }, index) => (uses.startsWith('azure/login@') ? [index] : []));
    expect(signs).toHaveLength(times);
    for (const index of signs) {
      const fetched = [...(steps[index + 1]?.run ?? '').matchAll(/get-access-token --resource (\S+)/g)];
      expect(fetched.map(([, audience]) => audience)).toEqual(audiences);
    }
    // A token that is left from the sign-in before would end before the job does.
    expect(signs.slice(1).map((index) => steps[index - 1]?.run)).toEqual(signs.slice(1).map(() => 'az account clear'));
  });
});
