import path from 'node:path';
import { blueGreenCases } from '../../scripts/deploy/dry-run/blue-green-cases';
import { deployCases, describeSteps } from '../../scripts/deploy/dry-run/cases';
import { startDryRun } from '../../scripts/deploy/dry-run/dry-run';
import type { DryRun } from '../../scripts/deploy/dry-run/dry-run';

/** The deployment's workflows, walked step by step on this machine, each time with orders under way that have to complete. */

let dryRun: DryRun;

beforeAll(async () => {
  dryRun = await startDryRun(path.join(__dirname, '../..'), () => {});
}, 240_000);
afterAll(async () => {
  // Undefined when it didn't start, whatever its type says.
  await (dryRun as DryRun | undefined)?.stop();
}, 120_000);

// In turn: each goes out to where the one before has left the app.
it.each([...deployCases, ...blueGreenCases])(
  'does what it should with $title',
  async (deployCase) => {
    const { deployment, problems } = await deployCase.run(dryRun);
    const { steps, log } = deployment.rollOut;
    expect({ problems, seen: problems.length > 0 ? [...describeSteps({ steps }), log] : [] }).toEqual({
      problems: [],
      seen: [],
    });
    if (deployCase.version.title.startsWith('a pause')) {
      // The table of the summary: two versions of one saga, before and after.
      expect(deployment.rollOut.summary).toMatch(/\| saga \| version \| before \| after \|/);
    }
  },
  600_000,
);
