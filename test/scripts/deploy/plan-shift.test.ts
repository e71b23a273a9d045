import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { duty, planShift } from '../../../scripts/deploy/plan-shift';
import { settingsOf } from '../../../scripts/deploy/two-apps';
import { temporaryFolder, variablesOf } from '../../support/deploy-steps';

/** What a shift of traffic changes, in which order, and what it refuses. */

const folder = temporaryFolder();
const FILES = ['blue-settings.json', 'green-settings.json'];
afterEach(() => Promise.all(FILES.map((file) => rm(file, { force: true }))));

const TWO = { FRONT_DOOR: 'afd', BLUE_APP: 'b', BLUE_URL: 'http://b', GREEN_APP: 'g', GREEN_URL: 'http://g' };
const LEADS_BLUE = { ...TWO, BLUE_WEIGHT: '100', GREEN_WEIGHT: '0', BLUE_DUTY: 'leads', GREEN_DUTY: 'follows' };
const LEADS_GREEN = { ...TWO, BLUE_WEIGHT: '0', GREEN_WEIGHT: '100', BLUE_DUTY: 'follows', GREEN_DUTY: 'leads' };

const shift = async (app: string, weight: string, environment: Readonly<Record<string, string>>) =>
  (await variablesOf(planShift, [`--app=${app}`, `--weight=${weight}`], environment)).variables;
const written = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as unknown;

describe('a shift of traffic', () => {
  it('below half moves requests only', async () => {
    expect(await shift('green', '10', LEADS_BLUE)).toEqual({
      ...{ GAINS_APP: 'green', GAINS_APP_NAME: 'g', GAINS_APP_URL: 'http://g' },
      ...{ GAINS_WEIGHT: '10', GAINS_STATE: 'Enabled', GAINS_SETTINGS: '' },
      ...{ LOSES_APP: 'blue', LOSES_APP_NAME: 'b', LOSES_APP_URL: 'http://b' },
      ...{ LOSES_WEIGHT: '90', LOSES_STATE: 'Enabled', LOSES_SETTINGS: '' },
      LEADER_APP_NAME: 'b',
    });
    expect(FILES.filter((file) => existsSync(file))).toEqual([]);
  });

  it('of half or more moves messages too: the app that gains takes them before the other leaves them', async () => {
    expect(await shift('green', '100', LEADS_BLUE)).toMatchObject({
      ...{ GAINS_APP: 'green', GAINS_SETTINGS: 'green-settings.json', LEADER_APP_NAME: 'g' },
      ...{ LOSES_APP: 'blue', LOSES_WEIGHT: '1', LOSES_STATE: 'Disabled', LOSES_SETTINGS: 'blue-settings.json' },
    });
    expect(written('green-settings.json')).toEqual(await settingsOf('leads'));
    expect(written('blue-settings.json')).toEqual(await settingsOf('follows'));
  });

  it('back is the same the other way round, said by either app', async () => {
    const back = await shift('green', '0', LEADS_GREEN);
    expect(back).toMatchObject({ GAINS_APP: 'blue', GAINS_WEIGHT: '100', LOSES_STATE: 'Disabled' });
    expect(await shift('blue', '100', LEADS_GREEN)).toEqual(back);
  });

  it('of a weight that is so already mends duties that an earlier one left half done', async () => {
    const both = { ...LEADS_GREEN, BLUE_DUTY: 'leads' };
    expect(await shift('green', '100', both)).toMatchObject({
      ...{ GAINS_APP: 'green', GAINS_SETTINGS: '', LOSES_SETTINGS: 'blue-settings.json', LEADER_APP_NAME: 'g' },
    });
    expect(written('blue-settings.json')).toEqual(await settingsOf('follows'));
    const neither = { ...LEADS_GREEN, GREEN_DUTY: 'follows' };
    expect(await shift('blue', '0', neither)).toMatchObject({
      GAINS_APP: 'green',
      GAINS_SETTINGS: 'green-settings.json',
    });
  });

  it('leaves an app waiting whose version has not sent a saga through, and gives it no traffic', async () => {
    const waits = { ...LEADS_BLUE, GREEN_DUTY: 'waits' };
    expect(await shift('blue', '100', waits)).toMatchObject({ LOSES_APP: 'green', LOSES_SETTINGS: '' });
    const why = 'green gets no traffic: its version has not sent a saga through yet';
    await expect(shift('green', '1', waits)).rejects.toThrow(why);
    await expect(shift('blue', '60', waits)).rejects.toThrow(why);
  });

  it.each([
    ['there is one app only', { GREEN_APP: '' }, 'there is one app only: it has all of the traffic'],
    ['there is no Front Door', { FRONT_DOOR: '' }, 'there is no Front Door yet that traffic could be moved by'],
    ['a duty is unknown', { GREEN_DUTY: 'rests' }, "green: expected its duty, as use-traffic sets it, got 'rests'"],
    ['nobody has read how traffic stands', { BLUE_DUTY: '' }, 'blue: expected its duty, as use-traffic sets it'],
  ])('is refused where %s', async (_, environment, why) => {
    await expect(shift('green', '10', { ...LEADS_BLUE, ...environment })).rejects.toThrow(why);
  });

  it.each([
    ['red', '10', "--app: expected blue or green, got 'red'"],
    ['', '10', 'expected --app <blue|green>'],
    ['green', '101', "--weight: expected 0 to 100, got '101'"],
    ['green', '-1', "--weight: expected 0 to 100, got '-1'"],
    ['green', '5.5', "--weight: expected 0 to 100, got '5.5'"],
    ['green', '', 'expected --weight <0 to 100>'],
  ])('of app %j and weight %j is refused', async (app, weight, why) => {
    await expect(shift(app, weight, LEADS_BLUE)).rejects.toThrow(why);
  });
});

describe('a duty', () => {
  it('is written as the settings that make it', async () => {
    const file = folder.file('settings.json');
    for (const name of ['leads', 'follows', 'waits'] as const) {
      await duty.run([name, file], {});
      expect(written(file)).toEqual(await settingsOf(name));
    }
  });

  it.each([[['rests', 'file']], [['leads']], [[]]])('is refused of %j', async (args) => {
    await expect(duty.run(args, {})).rejects.toThrow('expected a duty and a file');
  });
});
