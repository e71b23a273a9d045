import { callerKeys } from './deploy/caller-keys';
import { checkMigrations } from './deploy/check-migrations';
import { checkVariables } from './deploy/check-variables';
import { countVersions } from './deploy/count-versions';
import { drained } from './deploy/drained';
import { duty, planShift } from './deploy/plan-shift';
import { replaceable } from './deploy/replaceable';
import { running } from './deploy/running';
import { smoke } from './deploy/smoke';
import { smokeProduct } from './deploy/smoke-product';
import type { DeployStep } from './deploy/step';
import { StepFailed, UsageError } from './deploy/step';
import { taskHubs } from './deploy/task-hubs';
import { turn } from './deploy/turn';
import { useApp, useKeys, useOutputs, useResources } from './deploy/use-azure';
import { chooseApp, useTraffic } from './deploy/use-traffic';
import { waitReady } from './deploy/wait-ready';
import { ConfigError } from '../src/config';

/** `npm run deploy:step -- <step> [options]`: the steps of a deployment that are the same wherever the app runs. */

const steps: Readonly<Record<string, DeployStep>> = {
  'check-variables': checkVariables,
  'use-app': useApp,
  'use-keys': useKeys,
  'use-outputs': useOutputs,
  'use-resources': useResources,
  'use-traffic': useTraffic,
  'choose-app': chooseApp,
  turn,
  'plan-shift': planShift,
  duty,
  'caller-keys': callerKeys,
  'task-hubs': taskHubs,
  replaceable,
  drained,
  running,
  'check-migrations': checkMigrations,
  'smoke-product': smokeProduct,
  'count-versions': countVersions,
  'wait-ready': waitReady,
  smoke,
};

const width = Math.max(...Object.keys(steps).map((name) => name.length));
const list = Object.entries(steps).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
const USAGE = `Usage: npm run deploy:step -- <step> [options]
${list.join('\n')}
\`<step> --help\` tells its options. Ends with 0: done; 1: the deployment must not go on; 2: called wrongly.`;

async function main([name, ...args]: readonly string[]): Promise<number> {
  const step = name !== undefined && Object.hasOwn(steps, name) ? steps[name] : undefined;
  if (step === undefined) {
    const isHelp = name === '--help' || name === '-h';
    if (isHelp) console.log(USAGE);
    else console.error(`${name === undefined ? 'expected a step' : `there is no step '${name}'`}\n\n${USAGE}`);
    return isHelp ? 0 : 2;
  }
  if (args.includes('--help') || args.includes('-h')) {
    console.log(step.usage);
    return 0;
  }
  try {
    await step.run(args, process.env);
    return 0;
  } catch (error) {
    if (error instanceof UsageError || isParseError(error)) {
      console.error(`${name}: ${error.message}\n\n${step.usage}`);
      return 2;
    }
    if (!(error instanceof StepFailed || error instanceof ConfigError)) console.error(error);
    else console.error(`${name}: ${error.message}`);
    return 1;
  }
}

function isParseError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
