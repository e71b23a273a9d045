import path from 'node:path';
import { parseArgs } from 'node:util';
import { blueGreenCases } from './deploy/dry-run/blue-green-cases';
import { deployCases, describeSteps } from './deploy/dry-run/cases';
import { startDryRun } from './deploy/dry-run/dry-run';

/** `npm run deploy:dry`: the deployment's workflows, walked on this machine with versions that pass, are stopped and are rolled back. */

const USAGE = `Usage: npm run deploy:dry -- [--verbose]
Walks the steps of .github/workflows/deploy.yml, roll-out.yml and shift-traffic.yml on this machine, with orders under way:
a first deployment, one beside a version that knows of no other app, one that the replay gate stops, one that is rolled back, and one
that passes; then two versions at once, with traffic by weight, there and back, and one that hangs beside the other until it is mended.
  --verbose   prints what the steps print
Ends with 0 when each did what it should.`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const print = values.verbose ? (line: string) => console.log(`    ${line}`) : () => {};
  const dryRun = await startDryRun(path.resolve(__dirname, '../..'), print);
  let failed = 0;
  try {
    for (const one of [...deployCases, ...blueGreenCases]) {
      console.log(`${one.title}: ${one.version.title}`);
      const startedAt = performance.now();
      const { deployment, shifts = [], problems } = await one.run(dryRun);
      for (const job of [deployment.rollOut, ...shifts]) {
        for (const line of describeSteps(job)) console.log(`  ${line}`);
      }
      if (problems.length > 0) {
        failed += 1;
        console.log(values.verbose ? '' : deployment.rollOut.log);
      }
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
      console.log(`${problems.length === 0 ? 'as it should be' : problems.join('\n')} (${seconds} s)\n`);
    }
  } finally {
    await dryRun.stop();
  }
  console.log(
    failed === 0 ? 'All deployments did what they should.' : `${failed} deployments did not do what they should.`,
  );
  return failed === 0 ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
