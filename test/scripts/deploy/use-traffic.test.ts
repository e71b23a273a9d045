import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { settingsOf } from '../../../scripts/deploy/two-apps';
import type { Duty } from '../../../scripts/deploy/two-apps';
import { chooseApp, useTraffic } from '../../../scripts/deploy/use-traffic';
import { answeringAzure, temporaryFolder, variablesOf } from '../../support/deploy-steps';
import type { AzureAnswer } from '../../support/deploy-steps';

/** How traffic stands between two apps, as Azure says it; and for which of the two a roll-out is then. */

const folder = temporaryFolder();
const names = { RESOURCE_GROUP: 'rg', BLUE_APP: 'b', GREEN_APP: 'g', FRONT_DOOR: 'afd' };
const SECRET = { name: 'DATABASE_URL', value: 'postgres://secret-in-it' };
const LIST = 'functionapp config appsettings list --name';
const ORIGINS = 'afd origin list --profile-name afd --origin-group-name apps --resource-group rg';
const GROUPS = 'afd origin-group list --profile-name afd --resource-group rg';

const origin = (name: string, weight: number, enabledState = 'Enabled') => ({ name, weight, enabledState });
const off = (name: string) => origin(name, 1, 'Disabled');

/** With these duties, and what else is answered. */
async function azure(blue: Duty, green: Duty, answers: Readonly<Record<string, AzureAnswer>> = {}) {
  return answeringAzure(folder.path, {
    ...answers,
    [`${LIST} b --resource-group rg`]: { json: [SECRET, ...(await settingsOf(blue))] },
    [`${LIST} g --resource-group rg`]: { json: [SECRET, ...(await settingsOf(green))] },
    [GROUPS]: { json: [{ name: 'apps' }, { name: 'others' }] },
    // First and last: theirs is the first that is found, and what is found.
    ...answers,
  });
}

async function read(origins: readonly object[], blue: Duty, green: Duty) {
  const program = await azure(blue, green, { [ORIGINS]: { json: origins } });
  const { variables } = await variablesOf(useTraffic, [], { ...program, ...names });
  return variables;
}

describe('how traffic stands', () => {
  it('is read as shares of a hundred; an origin that is off has none', async () => {
    const duties = { BLUE_DUTY: 'leads', GREEN_DUTY: 'follows', LEADER_APP_NAME: 'b' };
    const shares = (blue: string, green: string) => ({ BLUE_WEIGHT: blue, GREEN_WEIGHT: green, ...duties });
    expect(await read([origin('blue', 90), origin('green', 10)], 'leads', 'follows')).toEqual(shares('90', '10'));
    expect(await read([origin('blue', 3), origin('green', 1)], 'leads', 'follows')).toEqual(shares('75', '25'));
    expect(await read([origin('blue', 100), off('green')], 'leads', 'follows')).toEqual(shares('100', '0'));
  });

  it('has a leader only where one of the two leads', async () => {
    const both = [origin('blue', 50), origin('green', 50)];
    expect(await read(both, 'follows', 'leads')).toMatchObject({ LEADER_APP_NAME: 'g' });
    expect(await read(both, 'leads', 'leads')).toMatchObject({ LEADER_APP_NAME: '', BLUE_DUTY: 'leads' });
    expect(await read(both, 'follows', 'waits')).toMatchObject({ LEADER_APP_NAME: '', GREEN_DUTY: 'waits' });
  });

  it('is that of the app which leads where Front Door was not made, or not to its end', async () => {
    const blueLeads = { BLUE_WEIGHT: '100', GREEN_WEIGHT: '0', BLUE_DUTY: 'leads', GREEN_DUTY: 'waits' };
    const program = await azure('leads', 'waits');
    const without = await variablesOf(useTraffic, [], { ...program, ...names, FRONT_DOOR: '' });
    expect(without.variables).toMatchObject(blueLeads);
    expect(without.lines).toEqual(['blue: 100 %, leads; green: 0 %, waits; there is no Front Door yet']);

    const withoutGroup = await azure('leads', 'waits', { [GROUPS]: { json: [] } });
    expect((await variablesOf(useTraffic, [], { ...withoutGroup, ...names })).variables).toMatchObject(blueLeads);
    for (const origins of [[], [off('green')], [origin('blue', 100)]]) {
      expect(await read(origins, 'leads', 'waits')).toMatchObject(blueLeads);
    }
    expect(await read([], 'follows', 'leads')).toMatchObject({ BLUE_WEIGHT: '0', GREEN_WEIGHT: '100' });
  });

  it('is not guessed when Azure does not say it', async () => {
    const refused = await azure('leads', 'follows', { [ORIGINS]: { refusal: '(TooManyRequests) later' } });
    const reading = variablesOf(useTraffic, [], { ...refused, ...names });
    await expect(reading).rejects.toThrow('az afd origin list: ERROR: (TooManyRequests) later');
    await expect(reading).rejects.not.toThrow(/secret-in-it/);
  });

  it.each([
    ['both origins are off', [off('blue'), off('green')], 'expected traffic to go to one of them'],
    ['an origin is unknown', [origin('red', 1)], "its answer is not as expected at '0.name'"],
    ['a weight is none', [{ ...off('blue'), weight: '1' }], "its answer is not as expected at '0.weight'"],
    ['it is no list', { blue: 1 }, 'afd origin list --profile-name afd'],
  ])('is refused where %s', async (_, origins, why) => {
    await expect(read(origins as object[], 'leads', 'follows')).rejects.toThrow(why);
  });

  it('shows no setting where settings are not as expected', async () => {
    const wrong = await azure('leads', 'leads', { [`${LIST} b`]: { json: [{ ...SECRET, name: ['secret-name'] }] } });
    const reading = variablesOf(useTraffic, [], { ...wrong, ...names });
    await expect(reading).rejects.toThrow("its answer is not as expected at '0.name'");
    await expect(reading).rejects.not.toThrow(/secret/);
  });

  it.each(['RESOURCE_GROUP', 'BLUE_APP', 'GREEN_APP'])('needs %s', async (missing) => {
    await expect(useTraffic.run([], { ...names, [missing]: '' })).rejects.toThrow(`expected ${missing}`);
  });

  it('takes no files', async () => {
    await expect(useTraffic.run(['origins.json'], names)).rejects.toThrow("expected nothing, got 'origins.json'");
  });
});

const TWO = { SECOND_APP: 'true', BLUE_APP: 'b', BLUE_URL: 'http://b', GREEN_APP: 'g', GREEN_URL: 'http://g' };
const LEADS_BLUE = { ...TWO, BLUE_WEIGHT: '100', GREEN_WEIGHT: '0', BLUE_DUTY: 'leads', GREEN_DUTY: 'follows' };
const LEADS_GREEN = { ...TWO, BLUE_WEIGHT: '0', GREEN_WEIGHT: '100', BLUE_DUTY: 'follows', GREEN_DUTY: 'leads' };

const choose = async (environment: Readonly<Record<string, string>>) =>
  (await variablesOf(chooseApp, [], environment)).variables;

describe('the app that a roll-out is for', () => {
  it('is the only one, or the one that leads', async () => {
    expect(await choose({ STRATEGY: 'in-place' })).toMatchObject({ APP: 'blue', APP_NAME: '' });
    expect(await choose({ STRATEGY: 'in-place', ...LEADS_GREEN })).toMatchObject({
      APP: 'green',
      APP_NAME: 'g',
      LAST_GOOD: 'last-good-green.tgz',
    });
    expect(await choose(LEADS_BLUE)).toMatchObject({ APP: 'blue' });
  });

  it('is the one beside it with blue-green', async () => {
    expect(await choose({ STRATEGY: 'blue-green', ...LEADS_GREEN })).toEqual({
      APP: 'blue',
      APP_NAME: 'b',
      APP_URL: 'http://b',
      OTHER_APP_NAME: 'g',
      OTHER_APP_URL: 'http://g',
      LAST_GOOD: 'last-good.tgz',
    });
    const first = { SECOND_APP: 'true', BLUE_APP: 'b', BLUE_URL: 'http://b' };
    expect(await choose({ STRATEGY: 'blue-green', ...first })).toMatchObject({ APP: 'green', APP_NAME: '' });
  });

  it('is an output for the jobs that follow', async () => {
    const file = folder.file('output');
    writeFileSync(file, '');
    appendFileSync(file, 'before=1\n');
    await choose({ STRATEGY: 'blue-green', ...LEADS_BLUE, GITHUB_OUTPUT: file });
    expect(readFileSync(file, 'utf8')).toBe('before=1\napp=green\n');
  });

  it('has to be the same when it is asked for again', async () => {
    expect(await choose({ ...LEADS_GREEN, APP: 'green' })).toMatchObject({ APP: 'green' });
    await expect(choose({ ...LEADS_GREEN, APP: 'blue' })).rejects.toThrow(
      'traffic was moved meanwhile: this roll-out is for blue, and would be for green now. Nothing has changed; run it again',
    );
    const beside = { STRATEGY: 'blue-green', APP: 'green', ...LEADS_BLUE, GREEN_WEIGHT: '10' };
    await expect(choose(beside)).rejects.toThrow('green still has 10 % of the traffic: shift it to blue');
  });

  it.each([
    ['blue-green has one app', { STRATEGY: 'blue-green', BLUE_APP: 'b' }, 'set the variable SECOND_APP'],
    ['nothing runs yet', { STRATEGY: 'blue-green', SECOND_APP: 'true' }, 'nothing runs yet'],
    [
      'the app beside has traffic',
      { STRATEGY: 'blue-green', ...LEADS_BLUE, GREEN_WEIGHT: '5' },
      'green still has 5 % of the traffic',
    ],
    ['both lead', { STRATEGY: 'in-place', ...LEADS_BLUE, GREEN_DUTY: 'leads' }, 'both apps lead: shift the traffic'],
    ['neither leads', { STRATEGY: 'in-place', ...LEADS_BLUE, BLUE_DUTY: 'follows' }, 'neither app leads: shift the'],
    ['the strategy is unknown', { STRATEGY: 'canary' }, "expected in-place or blue-green, got 'canary'"],
  ])('is refused where %s', async (_, environment, why) => {
    await expect(choose(environment as Record<string, string>)).rejects.toThrow(why);
  });

  it.each(['in-place', 'blue-green'])(
    'is refused while the second app is there without SECOND_APP: %s',
    async (STRATEGY) => {
      const there = { ...LEADS_BLUE, RESOURCE_GROUP: 'rg', FRONT_DOOR: 'afd', AZURE_ENV_NAME: 'staging', STRATEGY };
      for (const SECOND_APP of ['', 'false']) {
        await expect(choose({ ...there, SECOND_APP })).rejects.toThrow(
          [
            'there is a second app, g, and the variable SECOND_APP is not true. Set it again:',
            '  gh variable set SECOND_APP --env staging --body true',
            'Or give the second app up, once all traffic is on blue and green is drained (docs/deployment.md, Giving the second app up):',
            '  az functionapp delete --resource-group rg --name g',
            '  az afd profile delete --resource-group rg --profile-name afd',
          ].join('\n'),
        );
      }
      const withoutFrontDoor = choose({ ...there, SECOND_APP: '', FRONT_DOOR: '' });
      await expect(withoutFrontDoor).rejects.not.toThrow(/afd profile delete/);
    },
  );
});
