import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { ConfigError, readConfig } from '../../src/config';
import { readPackageMark } from './package-mark';
import type { DeployStep, Environment } from './step';
import { requireText, StepFailed } from './step';
import { findContradictions, variableRules } from './variables';

const USAGE = `check-variables --package <folder> --infra <folder>
  --package  where \`npm run package\` has put build.json
  --infra    the infrastructure that is to be made of them
The variables are taken from the environment: those of infra/main.bicepparam, and by which the workflow signs in to Azure.`;

export const checkVariables: DeployStep = {
  summary: 'checks all variables of the environment at once, before Azure is asked for anything',
  usage: USAGE,
  async run(args, environment) {
    const { values } = parseArgs({
      args: [...args],
      options: { package: { type: 'string' }, infra: { type: 'string' } },
    });
    const { taskHub } = await readPackageMark(requireText('--package <folder>', values.package));
    const alerts = await readAlertIds(requireText('--infra <folder>', values.infra));
    const read = (name: string): string => environment[name]?.trim() ?? '';
    const problems = [
      ...findWrong(read),
      ...findContradictions(read),
      ...findWrongThresholds(read('ALERT_THRESHOLDS'), alerts),
      ...findWrongSettings(environment),
      ...findOtherTaskHub(read('TASK_HUB_PROVIDER'), taskHub),
    ];
    if (problems.length > 0) {
      const count = problems.length === 1 ? 'a variable is' : `${problems.length} variables are`;
      throw new StepFailed(
        `${count} missing or wrong (docs/deployment.md, Variables):\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
      );
    }
    console.log('all variables are as they should be');
  },
};

function findWrong(read: (name: string) => string): string[] {
  return Object.entries(variableRules).flatMap(([name, { expected, isRequired, accepts }]) => {
    const value = read(name);
    if (value === '' ? !isRequired : accepts(value)) return [];
    return [`${name}: expected ${expected}, got ${value === '' ? 'nothing' : JSON.stringify(value)}`];
  });
}

const alertsSchema = z.object({
  queries: z.array(z.object({ id: z.string() })),
  metrics: z.array(z.object({ id: z.string() })),
});

async function readAlertIds(infra: string): Promise<readonly string[]> {
  const file = path.join(infra, 'operations/alerts.json');
  try {
    const { queries, metrics } = alertsSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    return [...queries, ...metrics].map(({ id }) => id);
  } catch (error) {
    throw new StepFailed(`could not read the alerts in ${file}: ${String(error)}`);
  }
}

function findWrongThresholds(text: string, alerts: readonly string[]): string[] {
  if (text === '') return [];
  const expected =
    'ALERT_THRESHOLDS: expected a JSON object of numbers by the id of an alert, e.g. {"dead-letters": 20}';
  let thresholds: unknown;
  try {
    thresholds = JSON.parse(text);
  } catch {
    return [`${expected}, got ${JSON.stringify(text)}`];
  }
  const read = z.record(z.string(), z.number()).safeParse(thresholds);
  if (!read.success) return [`${expected}, got ${JSON.stringify(thresholds)}`];
  return Object.keys(read.data)
    .filter((id) => !alerts.includes(id))
    .map((id) => `ALERT_THRESHOLDS: expected the id of an alert (${alerts.join(', ')}), got ${JSON.stringify(id)}`);
}

/** What infra/main.bicep gives the app itself, or has a default for, so that only the others can be wrong. */
const GIVEN = {
  DATABASE_URL: 'postgres://app@database/orders',
  AzureWebJobsStorage__blobServiceUri: 'https://storage',
  ServiceBusConnection__fullyQualifiedNamespace: 'messages',
  PAYMENT_PROVIDER_KEY: 'from the vault',
  SMTP_URL: 'smtps://from-the-vault',
  APPROVAL_TIMEOUT: '24 hours',
  RETENTION_DAYS: '90',
  STUCK_AFTER: '1 hour',
};

/** The variables that become settings of the app, and are none of infra/'s own. */
export const appVariables = [
  ...['PAYMENT_PROVIDER_URL', 'CARRIER_URL', 'MAIL_FROM', 'OPS_EMAIL', 'CURRENCY', 'APPROVAL_THRESHOLD'],
  ...['PAYMENTS_TEAM_EMAIL', 'DATABASE_TEAM_EMAIL', 'SENDERS_EMAIL', 'ON_CALL_EMAIL'],
  ...['APPROVAL_TIMEOUT', 'PAYMENT_TIMEOUT', 'PICK_UP_TIMEOUT', 'RETENTION_DAYS', 'STUCK_AFTER'],
];

/** What the app would say of its settings when it starts. */
function findWrongSettings(environment: Environment): string[] {
  const chosen = appVariables.flatMap((name) =>
    environment[name]?.trim() ? [[name, environment[name]] as const] : [],
  );
  try {
    readConfig({ ...GIVEN, ...Object.fromEntries(chosen) });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ message }) => message);
    throw error;
  }
}

/** host.json of the package says where the task hub is, and the scale controller of Flex Consumption reads that alone. */
function findOtherTaskHub(provider: string, ofPackage: string): string[] {
  if ((provider || 'scheduler') === ofPackage) return [];
  return [
    `TASK_HUB_PROVIDER: expected ${ofPackage}, for which the package is made, got ${provider || 'nothing (scheduler)'}; ` +
      'the package is made for that of the repository, so it can be no other in an environment',
  ];
}
