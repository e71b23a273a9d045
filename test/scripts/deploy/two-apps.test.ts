import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { callerKeys } from '../../../scripts/deploy/caller-keys';
import { drained } from '../../../scripts/deploy/drained';
import { planShift } from '../../../scripts/deploy/plan-shift';
import type { DeployStep } from '../../../scripts/deploy/step';
import { settingsOf } from '../../../scripts/deploy/two-apps';
import type { Duty } from '../../../scripts/deploy/two-apps';
import { chooseApp, useTraffic } from '../../../scripts/deploy/use-traffic';
import { runStep, startAnswering } from '../../support/deploy-steps';

/** Traffic between two apps: how it is read, what a roll-out and a shift make of it, and what they refuse. */

let folder: string;
let printed: jest.SpyInstance;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'two-apps-'));
  printed = jest.spyOn(console, 'log').mockImplementation(() => {});
});
afterEach(async () => {
  jest.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
  await Promise.all(['blue', 'green'].map((name) => rm(`${name}-settings.json`, { force: true })));
});

/** What a step leaves for those that follow. */
async function run(step: DeployStep, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const file = path.join(folder, 'env');
  await writeFile(file, '');
  await step.run(args, { ...environment, GITHUB_ENV: file });
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => line.split('=', 2) as [string, string]));
}

async function put(name: string, content: unknown): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, JSON.stringify(content));
  return file;
}

const origin = (name: string, weight: number, enabledState = 'Enabled') => ({ name, weight, enabledState });

async function read(origins: readonly object[], blue: Duty, green: Duty) {
  const files = [
    await put('origins.json', origins),
    await put('blue.json', [{ name: 'DATABASE_URL', value: 'postgres://x' }, ...(await settingsOf(blue))]),
    await put('green.json', await settingsOf(green)),
  ];
  return run(useTraffic, ['--origins', files[0] ?? '', '--blue', files[1] ?? '', '--green', files[2] ?? '']);
}

describe('how traffic stands', () => {
  it('is read as shares of a hundred; an origin that is off has none', async () => {
    const duties = { BLUE_DUTY: 'leads', GREEN_DUTY: 'follows' };
    const shares = (blue: string, green: string) => ({ BLUE_WEIGHT: blue, GREEN_WEIGHT: green, ...duties });
    expect(await read([origin('blue', 90), origin('green', 10)], 'leads', 'follows')).toEqual(shares('90', '10'));
    expect(await read([origin('blue', 3), origin('green', 1)], 'leads', 'follows')).toEqual(shares('75', '25'));
    expect(await read([origin('blue', 100), origin('green', 1, 'Disabled')], 'leads', 'follows')).toEqual(
      shares('100', '0'),
    );
  });

  it('is no longer in a file afterwards, and what can’t be read is not shown', async () => {
    await read([origin('blue', 100), origin('green', 1, 'Disabled')], 'leads', 'waits');
    await expect(stat(path.join(folder, 'blue.json'))).rejects.toThrow('ENOENT');
    const wrong = await put('wrong.json', [{ name: 'secret-in-it' }]);
    const reading = run(useTraffic, ['--origins', wrong, '--blue', wrong, '--green', wrong]);
    await expect(reading).rejects.toThrow(/expected JSON/);
    await expect(reading).rejects.not.toThrow(/secret-in-it/);
  });

  it.each([
    [[origin('blue', 1, 'Disabled'), origin('green', 1, 'Disabled')], 'both origins are off'],
    [[origin('blue', 1)], 'expected an origin green'],
  ])('is refused when it makes no sense: %j', async (origins, why) => {
    await expect(read(origins, 'leads', 'follows')).rejects.toThrow(why);
  });
});

const TWO = { SECOND_APP: 'true', BLUE_APP: 'b', BLUE_URL: 'http://b', GREEN_APP: 'g', GREEN_URL: 'http://g' };
const LEADS_BLUE = { ...TWO, BLUE_WEIGHT: '100', GREEN_WEIGHT: '0', BLUE_DUTY: 'leads', GREEN_DUTY: 'follows' };
const LEADS_GREEN = { ...TWO, BLUE_WEIGHT: '0', GREEN_WEIGHT: '100', BLUE_DUTY: 'follows', GREEN_DUTY: 'leads' };

describe('the app that a roll-out is for', () => {
  it('is the only one, or the one that leads', async () => {
    expect(await run(chooseApp, [], { STRATEGY: 'in-place' })).toMatchObject({ APP: 'blue', APP_NAME: '' });
    expect(await run(chooseApp, [], { STRATEGY: 'in-place', ...LEADS_GREEN })).toMatchObject({
      APP: 'green',
      APP_NAME: 'g',
      LAST_GOOD: 'last-good-green.tgz',
    });
  });

  it('is the one beside it with blue-green', async () => {
    expect(await run(chooseApp, [], { STRATEGY: 'blue-green', ...LEADS_GREEN })).toEqual({
      APP: 'blue',
      APP_NAME: 'b',
      APP_URL: 'http://b',
      OTHER_APP_NAME: 'g',
      OTHER_APP_URL: 'http://g',
      LAST_GOOD: 'last-good.tgz',
    });
    const first = { SECOND_APP: 'true', BLUE_APP: 'b', BLUE_URL: 'http://b' };
    expect(await run(chooseApp, [], { STRATEGY: 'blue-green', ...first })).toMatchObject({
      APP: 'green',
      APP_NAME: '',
    });
  });

  it.each([
    [{ STRATEGY: 'blue-green', BLUE_APP: 'b' }, 'set the variable SECOND_APP'],
    [{ STRATEGY: 'blue-green', SECOND_APP: 'true' }, 'nothing runs yet'],
    [{ STRATEGY: 'blue-green', ...LEADS_BLUE, GREEN_WEIGHT: '5' }, 'green still has 5 % of the traffic'],
    [{ STRATEGY: 'in-place', ...LEADS_BLUE, GREEN_DUTY: 'leads' }, 'both apps lead'],
    [{ STRATEGY: 'canary' }, "expected in-place or blue-green, got 'canary'"],
  ])('is refused where %j', async (environment, why) => {
    await expect(run(chooseApp, [], environment as Record<string, string>)).rejects.toThrow(why);
  });
});

const shift = (app: string, weight: string, environment: Readonly<Record<string, string>>) =>
  run(planShift, ['--app', app, '--weight', weight], environment);

describe('a shift of traffic', () => {
  it('below half moves requests only', async () => {
    expect(await shift('green', '10', LEADS_BLUE)).toMatchObject({
      ...{ GAINS_APP: 'green', GAINS_WEIGHT: '10', GAINS_STATE: 'Enabled', GAINS_SETTINGS: '' },
      ...{ LOSES_APP: 'blue', LOSES_WEIGHT: '90', LOSES_STATE: 'Enabled', LOSES_SETTINGS: '' },
      LEADER_APP_NAME: 'b',
    });
  });

  it('of half or more moves messages too: the app that gains takes them before the other leaves them', async () => {
    expect(await shift('green', '100', LEADS_BLUE)).toMatchObject({
      ...{ GAINS_APP: 'green', GAINS_SETTINGS: 'green-settings.json', LEADER_APP_NAME: 'g' },
      ...{ LOSES_APP: 'blue', LOSES_WEIGHT: '1', LOSES_STATE: 'Disabled', LOSES_SETTINGS: 'blue-settings.json' },
    });
    const written = async (file: string) => JSON.parse(await readFile(file, 'utf8')) as unknown;
    expect(await written('green-settings.json')).toEqual(await settingsOf('leads'));
    expect(await written('blue-settings.json')).toEqual(await settingsOf('follows'));
  });

  it('back is the same the other way round, said by either app', async () => {
    const back = await shift('green', '0', LEADS_GREEN);
    expect(back).toMatchObject({ GAINS_APP: 'blue', GAINS_WEIGHT: '100', LOSES_STATE: 'Disabled' });
    expect(await shift('blue', '100', LEADS_GREEN)).toEqual(back);
  });

  it('gives an app no traffic whose version has not sent a saga through', async () => {
    await expect(shift('green', '1', { ...LEADS_BLUE, GREEN_DUTY: 'waits' })).rejects.toThrow('green gets no traffic');
    await expect(shift('blue', '60', { ...LEADS_BLUE, GREEN_DUTY: 'waits' })).rejects.toThrow('green gets no traffic');
  });

  it.each([
    ['red', '10', 'expected blue or green'],
    ['green', '101', 'expected 0 to 100'],
    ['green', '-1', 'expected 0 to 100'],
    ['green', '5.5', 'expected 0 to 100'],
    ['green', '', 'expected --weight'],
  ])('of app %s and weight %s is refused', async (app, weight, why) => {
    await expect(planShift.run([`--app=${app}`, `--weight=${weight}`], LEADS_BLUE)).rejects.toThrow(why);
  });
});

it('hands the keys of callers on by a file of one’s own, hidden in the log', async () => {
  const keys = await put('keys.json', { masterKey: 'm', functionKeys: { default: 'k-1', shops: 'k-2' } });
  const file = path.join(folder, 'callers.txt');
  await callerKeys.run([keys, file], { GITHUB_ACTIONS: 'true' });
  expect(await readFile(file, 'utf8')).toBe('default\tk-1\nshops\tk-2\n');
  expect((await stat(file)).mode & 0o077).toBe(0);
  await expect(stat(keys)).rejects.toThrow('ENOENT');
  const lines = printed.mock.calls.map(([line]) => String(line));
  expect(lines).toEqual(['::add-mask::k-1', '::add-mask::k-2', 'keys of callers: default, shops']);
});

it('says what an app still carries, its rows and what no row tells of', async () => {
  const app = await startAnswering((request) =>
    request.startsWith('GET /api/task-hub')
      ? [200, { taskHub: 'Old', unfinished: { orders: 1, returns: 0 }, drained: false }]
      : [200, [{ instanceId: 'a', name: 'placeOrder', runtimeStatus: 'Running', customStatus: { version: '1' } }]],
  );
  try {
    const lines = (await runStep(drained, ['--url', app.url])).join('\n');
    expect(lines).toMatch(/orders\t1\n {2}returns\t0\n {2}instances\t1\nOld is not drained yet$/);
  } finally {
    await app.stop();
  }
});
