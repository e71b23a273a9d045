import { appendFile } from 'node:fs/promises';
import { z } from 'zod';
import { askAzure } from './azure-cli';
import { setVariables } from './job-environment';
import type { DeployStep, Environment } from './step';
import { requireText, StepFailed, UsageError } from './step';
import { colours, duties, dutyOf, otherThan, settingsSchema } from './two-apps';
import type { Colour, Duty } from './two-apps';

/*
 * How traffic stands between two apps is asked of Azure each time and handed to infra/ as it is: a deployment of the
 * infrastructure changes no weight and no duty but the one that it is told to. Nothing is kept elsewhere that could differ.
 *
 * The first deployment with two apps may have failed half way, and somebody may have deleted Front Door: an app is there then,
 * and no origins. Nobody comes through Front Door, so who leads says where callers go.
 */

const groupsSchema = z.array(z.object({ name: z.string() }));
const originsSchema = z.array(
  z.object({ name: z.enum(['blue', 'green']), weight: z.int(), enabledState: z.enum(['Enabled', 'Disabled']) }),
);
type Origins = z.infer<typeof originsSchema>;
type Duties = Readonly<Record<Colour, Duty>>;

/** The group of both apps' origins, as infra/modules/front-door.bicep names it. */
const GROUP = 'apps';

export const useTraffic: DeployStep = {
  summary: 'asks Azure which share of the traffic goes to each of two apps, and what each does beside',
  usage: `use-traffic
Of the environment: RESOURCE_GROUP, BLUE_APP and GREEN_APP, as use-app sets them, and FRONT_DOOR, as use-resources does.
Sets BLUE_WEIGHT and GREEN_WEIGHT, which come to 100, BLUE_DUTY, GREEN_DUTY, and LEADER_APP_NAME, to nothing where not one of the two leads.`,
  async run(args, environment) {
    if (args.length > 0) throw new UsageError(`expected nothing, got '${args.join(' ')}'`);
    const group = requireText('RESOURCE_GROUP in the environment', environment['RESOURCE_GROUP']);
    const names = {
      blue: requireText('BLUE_APP in the environment', environment['BLUE_APP']),
      green: requireText('GREEN_APP in the environment', environment['GREEN_APP']),
    };
    const ask: Ask = (schema, ...command) =>
      askAzure([...command, '--resource-group', group], environment).then((answer) => expect(schema, command, answer));
    const settings = ['functionapp', 'config', 'appsettings', 'list', '--name'];
    const duty: Duties = {
      blue: await dutyOf(await ask(settingsSchema, ...settings, names.blue)),
      green: await dutyOf(await ask(settingsSchema, ...settings, names.green)),
    };
    const origins = await originsOf(environment['FRONT_DOOR'] ?? '', ask);
    const weight = toShare(origins, duty);
    const [leader, ...others] = colours.filter((colour) => duty[colour] === 'leads');
    await setVariables(
      {
        BLUE_WEIGHT: String(100 - weight),
        GREEN_WEIGHT: String(weight),
        BLUE_DUTY: duty.blue,
        GREEN_DUTY: duty.green,
        LEADER_APP_NAME: leader === undefined || others.length > 0 ? '' : names[leader],
      },
      environment,
    );
    const aside = origins.length === 0 ? '; there is no Front Door yet' : '';
    console.log(`blue: ${100 - weight} %, ${duty.blue}; green: ${weight} %, ${duty.green}${aside}`);
  },
};

type Ask = <T>(schema: z.ZodType<T>, ...command: string[]) => Promise<T>;

async function originsOf(frontDoor: string, ask: Ask): Promise<Origins> {
  if (frontDoor === '') return [];
  const groups = await ask(groupsSchema, 'afd', 'origin-group', 'list', '--profile-name', frontDoor);
  if (!groups.some(({ name }) => name === GROUP)) return [];
  const list = ['afd', 'origin', 'list', '--profile-name', frontDoor, '--origin-group-name', GROUP];
  return ask(originsSchema, ...list);
}

/** Green's share of the traffic in hundredths. An origin that is off has no share, whatever its weight. */
function toShare(origins: Origins, duty: Duties): number {
  const of = (colour: Colour): number => {
    const origin = origins.find(({ name }) => name === colour);
    return origin?.enabledState === 'Enabled' ? origin.weight : 0;
  };
  const [blue, green] = [of('blue'), of('green')];
  if (blue + green > 0) return Math.round((100 * green) / (blue + green));
  if (origins.length > 1) throw new StepFailed('both origins are off: expected traffic to go to one of them');
  return duty.green === 'leads' && duty.blue !== 'leads' ? 100 : 0;
}

function expect<T>(schema: z.ZodType<T>, command: readonly string[], answer: unknown): T {
  const read = schema.safeParse(answer);
  if (read.success) return read.data;
  // The path alone: what stands there may be a setting.
  const [issue] = read.error.issues;
  throw new StepFailed(`az ${command.join(' ')}: its answer is not as expected at '${issue?.path.join('.') ?? ''}'`);
}

export const chooseApp: DeployStep = {
  summary: 'chooses which app a roll-out is for: the one that leads, or the one beside it',
  usage: `choose-app
Of the environment: STRATEGY (in-place, blue-green), SECOND_APP, and what use-app, use-resources and use-traffic have set, if there is
anything yet. Sets APP (blue, green), APP_NAME, APP_URL, LAST_GOOD, and of the app beside it OTHER_APP_NAME and OTHER_APP_URL. In a
workflow the output 'app' is the chosen one. Where APP is set already, it has to be the same again.`,
  async run(_args, environment) {
    const strategy = environment['STRATEGY'] || 'in-place';
    expectSecondApp(environment);
    const app = strategy === 'blue-green' ? besideLeader(environment) : leaderOf(environment);
    const before = environment['APP'];
    if (before && before !== app) {
      throw new StepFailed(
        `traffic was moved meanwhile: this roll-out is for ${before}, and would be for ${app} now. Nothing has changed; run it again`,
      );
    }
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

/**
 * A template takes nothing away: without SECOND_APP the second app would stay, with its messages and its share of the traffic,
 * and the first one would no longer know its task hub.
 */
function expectSecondApp(environment: Environment): void {
  const { GREEN_APP: green, RESOURCE_GROUP: group = '', FRONT_DOOR: frontDoor } = environment;
  if (!green || environment['SECOND_APP'] === 'true') return;
  const named = `--env ${environment['AZURE_ENV_NAME'] ?? '<environment>'}`;
  throw new StepFailed(
    [
      `there is a second app, ${green}, and the variable SECOND_APP is not true. Set it again:`,
      `  gh variable set SECOND_APP ${named} --body true`,
      'Or give the second app up, once all traffic is on blue and green is drained (docs/deployment.md, Giving the second app up):',
      `  az functionapp delete --resource-group ${group} --name ${green}`,
      ...(frontDoor ? [`  az afd profile delete --resource-group ${group} --profile-name ${frontDoor}`] : []),
    ].join('\n'),
  );
}

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

/** A duty that use-traffic has set. Throws `StepFailed`. */
export function readDuty(colour: Colour, environment: Environment): Duty {
  const found = environment[`${colour.toUpperCase()}_DUTY`] ?? '';
  const duty = duties.find((one) => one === found);
  if (duty === undefined) throw new StepFailed(`${colour}: expected its duty, as use-traffic sets it, got '${found}'`);
  return duty;
}
