/*
 * What the variables of an environment may be: those that docs/deployment.md lists. Azure would say it too, of one after another and
 * minutes later, or when it makes something of them; and of some it takes what the app then does not start with.
 *
 * Settings that the app reads are not in here: their rules are those of src/config.ts.
 */

/** `expected`: in words, for the log. A variable that is not required may be empty, and has a default then. */
export interface VariableRule {
  readonly expected: string;
  readonly isRequired: boolean;
  accepts(value: string): boolean;
}

const rule = (expected: string, accepts: RegExp | ((value: string) => boolean)): VariableRule => ({
  expected,
  isRequired: false,
  accepts: (value) => (accepts instanceof RegExp ? accepts.test(value) : accepts(value)),
});
const required = (inner: VariableRule): VariableRule => ({ ...inner, isRequired: true });

const oneOf = (...values: readonly string[]): VariableRule =>
  rule(`one of ${values.join(', ')}`, (value) => values.includes(value));
const integer = (from: number, to: number): VariableRule =>
  rule(
    to === Infinity ? `a whole number from ${from} on` : `a whole number from ${from} to ${to}`,
    (value) => /^\d{1,9}$/.test(value) && Number(value) >= from && Number(value) <= to,
  );
const flag = oneOf('true', 'false');
const guid = rule('a GUID', /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i);
const address = /^[^\s@,]+@[^\s@,]+\.[^\s@,.]+$/;

/** Without it Azure takes no budget; and it never takes one that is older. */
const FIRST_BUDGET = '2017-06-01';

export const variableRules: Readonly<Record<string, VariableRule>> = {
  AZURE_CLIENT_ID: required(guid),
  AZURE_TENANT_ID: required(guid),
  AZURE_SUBSCRIPTION_ID: required(guid),
  AZURE_ENV_NAME: required(
    rule('a name of at most 20 small letters, digits and hyphens', /^(?=.{1,20}$)[a-z\d]+(?:-[a-z\d]+)*$/),
  ),
  AZURE_LOCATION: required(rule('a region, e.g. westeurope', /^[a-z]+\d*$/)),
  AZURE_RESOURCE_GROUP: rule(
    'a name of at most 90 letters, digits, and _ - . ( ), without . at its end',
    /^[\w().-]{0,89}[\w()-]$/,
  ),
  AZURE_PRINCIPAL_ID: required(guid),
  AZURE_PRINCIPAL_NAME: required(rule('the name of whoever deploys, as Entra ID shows it', /\S/)),
  AZURE_PRINCIPAL_TYPE: oneOf('ServicePrincipal', 'User', 'Group'),
  PRIVATE_NETWORKING: flag,
  SECOND_APP: flag,
  TASK_HUB_PROVIDER: oneOf('scheduler', 'storage'),
  SCHEDULER_SKU: oneOf('Consumption', 'Dedicated'),
  ALWAYS_READY_INSTANCES: integer(0, 1000),
  MAXIMUM_INSTANCES: integer(1, 1000),
  INSTANCE_MEMORY_MB: oneOf('512', '2048', '4096'),
  STORAGE_SKU: oneOf('Standard_LRS', 'Standard_ZRS', 'Standard_GZRS'),
  SERVICE_BUS_UNITS: oneOf('1', '2', '4', '8', '16'),
  DATABASE_SKU: rule('a size such as Standard_B2s or Standard_D2ds_v5', /^Standard_[A-Z]\w+$/),
  DATABASE_TIER: oneOf('Burstable', 'GeneralPurpose', 'MemoryOptimized'),
  DATABASE_STANDBY: flag,
  DATABASE_BACKUP_DAYS: integer(7, 35),
  DATABASE_GEO_BACKUP: flag,
  DATABASE_POOL_SIZE: integer(1, 100),
  LOG_RETENTION_DAYS: integer(30, 730),
  LOG_DAILY_QUOTA_GB: rule(
    '-1, or a whole number from 1 to 4000',
    (value) => value === '-1' || integer(1, 4000).accepts(value),
  ),
  ALERT_EMAILS: rule('mail addresses with commas and no blanks between them', (value) =>
    value.split(',').every((one) => address.test(one)),
  ),
  MONTHLY_BUDGET: integer(0, Infinity),
  BUDGET_START: rule(
    `the first day of a month, e.g. 2026-11-01, not before ${FIRST_BUDGET}`,
    (value) => /^\d{4}-(?:0[1-9]|1[0-2])-01$/.test(value) && value >= FIRST_BUDGET,
  ),
};

/** What is wrong with variables that don't go together. Each of them is all right by itself, or empty. */
export function findContradictions(read: (name: string) => string): string[] {
  const found: string[] = [];
  const number = (name: string, otherwise: number): number => Number(read(name) || otherwise);
  if (number('MONTHLY_BUDGET', 0) > 0 && read('BUDGET_START') === '') {
    found.push(`BUDGET_START: expected ${variableRules['BUDGET_START']?.expected}, with MONTHLY_BUDGET, got nothing`);
  }
  const [ready, most] = [number('ALWAYS_READY_INSTANCES', 0), number('MAXIMUM_INSTANCES', 40)];
  if (ready > most) found.push(`ALWAYS_READY_INSTANCES: expected at most MAXIMUM_INSTANCES (${most}), got ${ready}`);
  const [sku, tier] = [read('DATABASE_SKU') || 'Standard_B2s', read('DATABASE_TIER') || 'Burstable'];
  const tierOfSku = { B: 'Burstable', D: 'GeneralPurpose', E: 'MemoryOptimized' }[
    sku.slice('Standard_'.length)[0] ?? ''
  ];
  if (tierOfSku !== undefined && tierOfSku !== tier) {
    found.push(`DATABASE_TIER: expected ${tierOfSku}, to which ${sku} belongs, got ${tier}`);
  }
  if (read('DATABASE_STANDBY') === 'true' && tier === 'Burstable') {
    found.push('DATABASE_STANDBY: expected false, since Burstable servers can have none, got true');
  }
  return found;
}
