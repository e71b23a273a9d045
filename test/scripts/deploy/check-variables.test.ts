import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { appVariables, checkVariables } from '../../../scripts/deploy/check-variables';
import { variableRules } from '../../../scripts/deploy/variables';
import { runStep, temporaryFolder } from '../../support/deploy-steps';

/** Variables of an environment, good and bad: all that is wrong is told at once, with what was expected. */

const root = path.join(__dirname, '../../..');
const folder = temporaryFolder();
const infra = path.join(root, 'infra');
beforeEach(() => makePackage('scheduler'));
const makePackage = (taskHub: string): void =>
  writeFileSync(folder.file('build.json'), JSON.stringify({ build: 'a', taskHub, functions: ['a'] }));

const guid = '00000000-1111-2222-3333-444444444444';
const needed = {
  AZURE_CLIENT_ID: guid,
  AZURE_TENANT_ID: guid,
  AZURE_SUBSCRIPTION_ID: guid,
  AZURE_ENV_NAME: 'staging',
  AZURE_LOCATION: 'westeurope',
  AZURE_PRINCIPAL_ID: guid,
  AZURE_PRINCIPAL_NAME: 'order-sagas-staging',
  PAYMENT_PROVIDER_URL: 'https://pay.example.com',
  CARRIER_URL: 'https://carrier.example.com',
  MAIL_FROM: 'orders@example.com',
  OPS_EMAIL: 'ops@example.com',
  CURRENCY: 'eur',
  APPROVAL_THRESHOLD: '5000.00',
};

const check = (variables: Readonly<Record<string, string>>) =>
  runStep(checkVariables, ['--package', folder.path, '--infra', infra], { ...needed, ...variables });
const problemsOf = async (variables: Readonly<Record<string, string>>): Promise<string[]> => {
  const error: unknown = await check(variables).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof Error ? error.message.split('\n').slice(1) : [];
};

describe('the step `check-variables`', () => {
  it('is content with those that are required, whatever is empty besides', async () => {
    const empty = Object.fromEntries(Object.keys(variableRules).map((name) => [name, '']));
    expect(await check({ ...empty, ...needed })).toEqual(['all variables are as they should be']);
  });

  it.each([
    { MONTHLY_BUDGET: '500', BUDGET_START: '2026-11-01' },
    { DATABASE_SKU: 'Standard_D2ds_v5', DATABASE_TIER: 'GeneralPurpose', DATABASE_STANDBY: 'true' },
    { ALERT_EMAILS: 'a@example.com,b@example.com', ALERT_THRESHOLDS: '{"dead-letters": 20, "error-rate": 1.5}' },
    { LOG_DAILY_QUOTA_GB: '-1', PRIVATE_NETWORKING: 'true', SERVICE_BUS_UNITS: '16' },
    { AZURE_RESOURCE_GROUP: 'rg.orders_(staging)', APPROVAL_TIMEOUT: '2 days', PAYMENTS_TEAM_EMAIL: 'p@example.com' },
  ])('is content with %j', async (variables) => {
    expect(await problemsOf(variables)).toEqual([]);
  });

  it.each([
    ['BUDGET_START', '2026-11-02', 'expected the first day of a month, e.g. 2026-11-01, not before 2017-06-01'],
    ['BUDGET_START', '2026-13-01', 'expected the first day of a month'],
    ['BUDGET_START', '2016-01-01', 'not before 2017-06-01'],
    ['BUDGET_START', '1 November', 'expected the first day of a month'],
    ['AZURE_CLIENT_ID', 'me', 'expected a GUID'],
    ['AZURE_LOCATION', 'West Europe', 'expected a region, e.g. westeurope'],
    ['AZURE_ENV_NAME', 'a-name-of-21-signs-ab', 'expected a name of at most 20 small letters'],
    ['AZURE_RESOURCE_GROUP', 'orders.', 'without . at its end'],
    ['PRIVATE_NETWORKING', 'yes', 'expected one of true, false'],
    ['MAXIMUM_INSTANCES', '1001', 'expected a whole number from 1 to 1000'],
    ['INSTANCE_MEMORY_MB', '1024', 'expected one of 512, 2048, 4096'],
    ['LOG_DAILY_QUOTA_GB', '0', 'expected -1, or a whole number from 1 to 4000'],
    ['ALERT_EMAILS', 'a@example.com, b@example.com', 'no blanks between them'],
    ['ALERT_THRESHOLDS', '{"dead-letters": "20"}', 'expected a JSON object of numbers'],
    ['ALERT_THRESHOLDS', 'dead-letters=20', 'expected a JSON object of numbers'],
    ['ALERT_THRESHOLDS', '{"dead-leters": 20}', 'expected the id of an alert (sagas-parked, '],
    ['CURRENCY', 'EUR', 'expected a currency of ISO 4217 in lower case'],
    ['CARRIER_URL', 'carrier', 'expected a URL with http:// or https://'],
    ['APPROVAL_THRESHOLD', '5.001', 'expected an amount of at most 2 decimals'],
    ['STUCK_AFTER', '1', 'expected a duration such as'],
    ['RETENTION_DAYS', '0', 'expected a whole number from 1 to 3650'],
    ['OPS_EMAIL', 'ops', 'expected an e-mail address'],
  ])('refuses %s %j', async (name, value, why) => {
    const problems = await problemsOf({ [name]: value });
    expect(problems).toEqual([expect.stringContaining(`  ${name}: expected `) as unknown]);
    expect(problems[0]).toContain(why);
  });

  it.each([
    [{ MONTHLY_BUDGET: '500' }, 'BUDGET_START: expected the first day of a month, e.g. 2026-11-01'],
    [{ DATABASE_SKU: 'Standard_D2ds_v5' }, 'DATABASE_TIER: expected GeneralPurpose, to which Standard_D2ds_v5 belongs'],
    [{ DATABASE_STANDBY: 'true' }, 'DATABASE_STANDBY: expected false, since Burstable servers can have none'],
    [{ ALWAYS_READY_INSTANCES: '41' }, 'ALWAYS_READY_INSTANCES: expected at most MAXIMUM_INSTANCES (40), got 41'],
    [
      { TASK_HUB_PROVIDER: 'storage' },
      'TASK_HUB_PROVIDER: expected scheduler, for which the package is made, got storage',
    ],
  ])('refuses what does not go together: %j', async (variables, why) => {
    expect(await problemsOf(variables)).toEqual([expect.stringContaining(why) as unknown]);
  });

  it('takes the task hub for which the package was made', async () => {
    makePackage('storage');
    expect(await problemsOf({ TASK_HUB_PROVIDER: 'storage' })).toEqual([]);
    expect(await problemsOf({})).toEqual([expect.stringContaining('got nothing (scheduler)') as unknown]);
  });

  it('lists all that is wrong at once, of nothing as well', async () => {
    const none = Object.fromEntries(Object.keys(needed).map((name) => [name, ' ']));
    const problems = await problemsOf({ ...none, BUDGET_START: 'soon', STUCK_AFTER: 'late' });
    expect(problems.map((problem) => problem.trim().replace(/:.*/, '')).sort()).toEqual(
      [...Object.keys(needed), 'BUDGET_START', 'STUCK_AFTER'].sort(),
    );
    expect(problems).toContain('  AZURE_CLIENT_ID: expected a GUID, got nothing');
    await expect(check(none)).rejects.toThrow(
      /^13 variables are missing or wrong \(docs\/deployment\.md, Variables\):\n/,
    );
  });

  it('needs a package and infrastructure to check them for', async () => {
    await expect(runStep(checkVariables, [], needed)).rejects.toThrow('expected --package <folder>');
    const nowhere = ['--package', folder.path, '--infra', folder.path];
    await expect(runStep(checkVariables, nowhere, needed)).rejects.toThrow(
      /^could not read the alerts in .*alerts\.json/,
    );
  });

  it('knows every variable that the roll-out hands on', () => {
    const { jobs } = parse(readFileSync(path.join(root, '.github/workflows/roll-out.yml'), 'utf8')) as {
      jobs: { 'roll-out': { env: Record<string, string>; steps: { run?: string; env?: Record<string, string> }[] } };
    };
    const own = jobs['roll-out'].steps.find(({ run }) => run?.includes('check-variables'))?.env ?? {};
    const handed = Object.entries({ ...jobs['roll-out'].env, ...own })
      .filter(([, value]) => value.includes('vars.') || value.includes('inputs.'))
      .map(([name]) => name);
    const known = [...Object.keys(variableRules), ...appVariables, 'ALERT_THRESHOLDS'];
    expect(handed.filter((name) => !known.includes(name) && name !== 'DEPLOYMENT')).toEqual([]);
    expect(known.filter((name) => !handed.includes(name) && name !== 'AZURE_PRINCIPAL_TYPE')).toEqual([]);
  });
});
