import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { setVariables } from './job-environment';
import type { DeployStep } from './step';
import { requireText, StepFailed, UsageError } from './step';
import { colours, duties, otherThan, settingsOf } from './two-apps';
import type { Colour, Duty } from './two-apps';
import { readDuty } from './use-traffic';

/*
 * What a shift of traffic changes, and in which order: the app that gains is made ready first (its functions are switched on,
 * its origin gets its weight), and only then is anything taken from the other one. Cut short in between, both do the work of
 * one, which is safe; neither would not be.
 */

const USAGE = `plan-shift --app <blue|green> --weight <0 to 100>
  --app      the app that is to have the weight; the other one gets the rest
  --weight   so many of a hundred requests
What use-app, use-resources and use-traffic have set is taken from the environment. Sets GAINS_APP_NAME, GAINS_APP_URL, LEADER_APP_NAME and, for
the app that gains and for the one that loses, <GAINS|LOSES>_APP, _WEIGHT, _STATE and, where its duty changes, _SETTINGS, a file.`;

export const planShift: DeployStep = {
  summary: 'works out how traffic is moved between two apps, and refuses what makes no sense',
  usage: USAGE,
  async run(args, environment) {
    const { values } = parseArgs({
      args: [...args],
      options: { app: { type: 'string' }, weight: { type: 'string' } },
    });
    const app = readColour(values.app);
    const weight = readWeight(values.weight);
    if (!environment['GREEN_APP']) throw new StepFailed('there is one app only: it has all of the traffic');
    if (!environment['FRONT_DOOR']) {
      throw new StepFailed(
        'there is no Front Door yet that traffic could be moved by: a roll-out makes it (with SECOND_APP), so run `deploy` again',
      );
    }
    const before = { blue: readDuty('blue', environment), green: readDuty('green', environment) };
    const weightBefore = Number(environment[`${app.toUpperCase()}_WEIGHT`]);
    const after: Record<Colour, number> = { blue: 100 - weight, green: 100 - weight };
    after[app] = weight;
    for (const colour of colours) {
      if (after[colour] > 0 && before[colour] === 'waits') {
        throw new StepFailed(`${colour} gets no traffic: its version has not sent a saga through yet`);
      }
    }
    const leader = weight >= 50 ? app : otherThan(app);
    const gains = weight === weightBefore ? leader : weight > weightBefore ? app : otherThan(app);
    const duty = (colour: Colour): Duty =>
      colour === leader ? 'leads' : before[colour] === 'waits' ? 'waits' : 'follows';
    const variables: Record<string, string> = { LEADER_APP_NAME: nameOf(leader, environment) };
    for (const [part, colour] of [
      ['GAINS', gains],
      ['LOSES', otherThan(gains)],
    ] as const) {
      variables[`${part}_APP`] = colour;
      variables[`${part}_APP_NAME`] = nameOf(colour, environment);
      variables[`${part}_APP_URL`] = environment[`${colour.toUpperCase()}_URL`] ?? '';
      // Front Door knows weights from 1 on: none at all is an origin that is off.
      variables[`${part}_WEIGHT`] = String(Math.max(1, after[colour]));
      variables[`${part}_STATE`] = after[colour] === 0 ? 'Disabled' : 'Enabled';
      variables[`${part}_SETTINGS`] = '';
      if (duty(colour) === before[colour]) continue;
      variables[`${part}_SETTINGS`] = `${colour}-settings.json`;
      await writeFile(`${colour}-settings.json`, JSON.stringify(await settingsOf(duty(colour))));
    }
    await setVariables(variables, environment);
    console.log(colours.map((one) => `${one}: ${after[one]} %, ${duty(one)}`).join('; '));
  },
};

const nameOf = (colour: Colour, environment: Readonly<Record<string, string | undefined>>): string =>
  environment[`${colour.toUpperCase()}_APP`] ?? '';

function readColour(value: string | undefined): Colour {
  const text = requireText('--app <blue|green>', value);
  const colour = colours.find((one) => one === text);
  if (colour === undefined) throw new UsageError(`--app: expected blue or green, got '${text}'`);
  return colour;
}

function readWeight(value: string | undefined): number {
  const text = requireText('--weight <0 to 100>', value);
  if (!/^(?:\d{1,2}|100)$/.test(text)) throw new UsageError(`--weight: expected 0 to 100, got '${text}'`);
  return Number(text);
}

export const duty: DeployStep = {
  summary: 'writes the settings by which an app has a duty: leads, follows or waits',
  usage: 'duty <leads|follows|waits> <file>',
  async run([name, file]) {
    const found = duties.find((one) => one === name);
    if (found === undefined || file === undefined) throw new UsageError('expected a duty and a file');
    await writeFile(file, JSON.stringify(await settingsOf(found)));
  },
};
