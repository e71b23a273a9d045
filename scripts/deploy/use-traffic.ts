import { appendFile, readFile, rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { setVariables } from './job-environment';
import type { DeployStep, Environment } from './step';
import { requireText, StepFailed, UsageError } from './step';
import { colours, duties, dutyOf, otherThan, settingsSchema } from './two-apps';
import type { Colour, Duty } from './two-apps';

/*
 * How traffic stands between two apps is asked of Azure each time and handed to infra/ as it is: a deployment of the
 * infrastructure changes no weight and no duty but the one that it is told to. Nothing is kept elsewhere that could differ.
 */

const originsSchema = z.array(
  z.object({ name: z.enum(['blue', 'green']), weight: z.int(), enabledState: z.enum(['Enabled', 'Disabled']) }),
);

export const useTraffic: DeployStep = {
  summary: 'says which share of the traffic goes to each of two apps, and what each does beside',
  usage: `use-traffic --origins <file> --blue <file> --green <file>
  --origins          what \`az afd origin list\` says
  --blue, --green    what \`az functionapp config appsettings list\` says of the app
Sets BLUE_WEIGHT and GREEN_WEIGHT, which come to 100, BLUE_DUTY and GREEN_DUTY; removes the files.`,
  async run(args, environment) {
    const { values } = parseArgs({
      args: [...args],
      options: { origins: { type: 'string' }, blue: { type: 'string' }, green: { type: 'string' } },
    });
    const files = {
      origins: requireText('--origins <file>', values.origins),
      blue: requireText('--blue <file>', values.blue),
      green: requireText('--green <file>', values.green),
    };
    const weight = toShare(await read(files.origins, originsSchema));
    const duty = {
      blue: await dutyOf(await read(files.blue, settingsSchema)),
      green: await dutyOf(await read(files.green, settingsSchema)),
    };
    const variables = { BLUE_WEIGHT: String(100 - weight), GREEN_WEIGHT: String(weight) };
    await setVariables({ ...variables, BLUE_DUTY: duty.blue, GREEN_DUTY: duty.green }, environment);
    await Promise.all(Object.values(files).map((file) => rm(file)));
    console.log(`blue: ${100 - weight} %, ${duty.blue}; green: ${weight} %, ${duty.green}`);
  },
};

/** Green's share of the traffic in hundredths. An origin that is off has no share, whatever its weight. */
function toShare(origins: z.infer<typeof originsSchema>): number {
  const of = (colour: Colour): number => {
    const origin = origins.find(({ name }) => name === colour);
    if (origin === undefined) throw new StepFailed(`expected an origin ${colour}, got ${origins.length} others`);
    return origin.enabledState === 'Enabled' ? origin.weight : 0;
  };
  const [blue, green] = [of('blue'), of('green')];
  if (blue + green === 0) throw new StepFailed('both origins are off: expected traffic to go to one of them');
  return Math.round((100 * green) / (blue + green));
}

export const chooseApp: DeployStep = {
  summary: 'chooses which app a roll-out is for: the one that leads, or the one beside it',
  usage: `choose-app
Of the environment: STRATEGY (in-place, blue-green), SECOND_APP, and what use-outputs and use-traffic have set, if there is anything yet.
Sets APP (blue, green), APP_NAME, APP_URL, LAST_GOOD, and of the app beside it OTHER_APP_NAME and OTHER_APP_URL. In a workflow the
output 'app' is the chosen one.`,
  async run(_args, environment) {
    const strategy = environment['STRATEGY'] || 'in-place';
    const app = strategy === 'blue-green' ? besideLeader(environment) : leaderOf(environment);
    if (strategy !== 'blue-green' && strategy !== 'in-place') {
      throw new UsageError(`STRATEGY: expected in-place or blue-green, got '${strategy}'`);
    }
    const of = (colour: Colour, what: 'APP' | 'URL') => environment[`${colour.toUpperCase()}_${what}`] ?? '';
    const other = otherThan(app);
    await setVariables(
      {
        APP: app,
        APP_NAME: of(app, 'APP'),
        APP_URL: of(app, 'URL'),
        OTHER_APP_NAME: of(other, 'APP'),
        OTHER_APP_URL: of(other, 'URL'),
        LAST_GOOD: app === 'blue' ? 'last-good.tgz' : 'last-good-green.tgz',
      },
      environment,
    );
    if (environment['GITHUB_OUTPUT']) await appendFile(environment['GITHUB_OUTPUT'], `app=${app}\n`);
    console.log(`this roll-out is for ${app}`);
  },
};

/** The app that reads messages: the one that there is, or the one of two that leads. */
function leaderOf(environment: Environment): Colour {
  if (!environment['GREEN_APP']) return 'blue';
  const leaders = colours.filter((colour) => environment[`${colour.toUpperCase()}_DUTY`] === 'leads');
  const [leader, ...others] = leaders;
  if (leader !== undefined && others.length === 0) return leader;
  // A shift of traffic was cut short: both read messages for a while, or neither does.
  throw new StepFailed(
    `${leaders.length === 0 ? 'neither app leads' : 'both apps lead'}: shift the traffic once more, to where it should be`,
  );
}

function besideLeader(environment: Environment): Colour {
  if (environment['SECOND_APP'] !== 'true') {
    throw new StepFailed('blue-green needs two apps: set the variable SECOND_APP to true');
  }
  if (!environment['BLUE_APP']) throw new StepFailed('nothing runs yet that a second version could be put beside');
  const app = otherThan(leaderOf(environment));
  const weight = Number(environment[`${app.toUpperCase()}_WEIGHT`] ?? 0);
  if (weight > 0) {
    throw new StepFailed(
      `${app} still has ${weight} % of the traffic: shift it to ${otherThan(app)} before ${app} is changed`,
    );
  }
  return app;
}

async function read<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // What stands in it is not shown: settings may say more than a log should.
    throw new StepFailed(`${file}: expected JSON, as \`az ... --output json\` writes it`);
  }
}

/** A duty that use-traffic has set. Throws `StepFailed`. */
export function readDuty(colour: Colour, environment: Environment): Duty {
  const found = environment[`${colour.toUpperCase()}_DUTY`] ?? '';
  const duty = duties.find((one) => one === found);
  if (duty === undefined) throw new StepFailed(`${colour}: expected its duty, as use-traffic sets it, got '${found}'`);
  return duty;
}
