import { z } from 'zod';
import { parseDuration } from './domain/duration';
import { minorDigits, parseMoney } from './domain/money';

/**
 * The app's settings: read once, at start, here and nowhere else. A wrong setting stops the start with one error that
 * names every bad one, what was expected and what came; values that may hold secrets are described, never shown.
 */

const url = (...schemes: string[]) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)), {
    error: `a URL with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  });

const text = (what: string) => z.string().min(1, { error: what });

const duration = z.string().transform((value, context) => {
  const milliseconds = parseDuration(value);
  if (milliseconds !== undefined && milliseconds > 0) return milliseconds;
  return refuse(context, 'a duration such as "90 seconds", "1 hour" or "3 days"');
});

const integer = (from: number, to: number) =>
  z.string().transform((value, context) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    return number >= from && number <= to ? number : refuse(context, `a whole number from ${from} to ${to}`);
  });

const currency = z.string().transform((value, context) => {
  const decimals = minorDigits(value);
  if (/^[a-z]{3}$/.test(value) && decimals !== undefined) return { code: value, decimals };
  return refuse(context, 'a currency of ISO 4217 in lower case, e.g. "usd"');
});

/** As Azure writes it: `Endpoint=sb://<host>/;SharedAccessKeyName=...;SharedAccessKey=...`. */
const serviceBusConnection = z.string().refine((text) => /(^|;)\s*Endpoint=sb:\/\/[^;]+/i.test(text), {
  error: 'a Service Bus connection string (Endpoint=sb://...)',
});

/** As Durable Task Scheduler has it, which is the widest of the stores that are used. */
const taskHubName = z.string().regex(/^[a-z0-9][a-z0-9-]{2,63}$/i, {
  error: 'the name of a task hub: 3 to 64 letters, digits and dashes',
});

const namespaceName = z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i, {
  error: 'the host name of a Service Bus namespace, e.g. "shop.servicebus.windows.net"',
});

const applicationInsights = z.string().regex(/(^|;)\s*InstrumentationKey=[^;]+/i, {
  error: 'a connection string of Application Insights (InstrumentationKey=...;IngestionEndpoint=...)',
});

/** As Azure Functions reads it: `Authorization=AAD`, with `;ClientId=...` for a user-assigned identity. */
const applicationInsightsSignIn = z.string().transform((text, context) => {
  const parts = new Map(text.split(';').map((part) => [part.split('=', 1)[0]?.trim().toLowerCase(), valueOf(part)]));
  if (parts.get('authorization')?.toLowerCase() === 'aad') return { clientId: parts.get('clientid') };
  return refuse(context, '"Authorization=AAD", with ";ClientId=..." for a user-assigned identity');
});

/** As Azure Functions reads it beside a connection; without it whoever is signed in on this machine is asked. */
const credential = z.literal('managedidentity', { error: '"managedidentity"' });

const clientId = text('the client id of a user-assigned identity');

const email = z.email({ error: 'an e-mail address' });

const settingsSchema = z.object({
  DATABASE_URL: url('postgres', 'postgresql'),
  DATABASE_POOL_SIZE: integer(1, 100).default(10),
  DATABASE_AUTHENTICATION: z.enum(['password', 'entra'], { error: '"password" or "entra"' }).default('password'),
  AZURE_CLIENT_ID: clientId.optional(),
  AzureWebJobsStorage: text('a storage connection string').optional(),
  AzureWebJobsStorage__accountName: text('the name of a storage account').optional(),
  AzureWebJobsStorage__blobServiceUri: url('https', 'http').optional(),
  AzureWebJobsStorage__credential: credential.optional(),
  AzureWebJobsStorage__clientId: clientId.optional(),
  BLOB_TRIGGER_SOURCE: z
    .enum(['LogsAndContainerScan', 'EventGrid'], { error: '"LogsAndContainerScan" or "EventGrid"' })
    .default('LogsAndContainerScan'),
  ServiceBusConnection: serviceBusConnection.optional(),
  ServiceBusConnection__fullyQualifiedNamespace: namespaceName.optional(),
  ServiceBusConnection__credential: credential.optional(),
  ServiceBusConnection__clientId: clientId.optional(),
  PAYMENT_PROVIDER_URL: url('http', 'https'),
  PAYMENT_PROVIDER_KEY: text("the payment provider's API key"),
  PAYMENT_TIMEOUT: duration.default(3 * 86_400_000),
  CARRIER_URL: url('http', 'https'),
  CARRIER_CALLBACK_URL: url('http', 'https').optional(),
  PICK_UP_TIMEOUT: duration.default(14 * 86_400_000),
  SMTP_URL: url('smtp', 'smtps'),
  MAIL_FROM: email,
  OPS_EMAIL: email,
  PAYMENTS_TEAM_EMAIL: email.optional(),
  DATABASE_TEAM_EMAIL: email.optional(),
  SENDERS_EMAIL: email.optional(),
  ON_CALL_EMAIL: email.optional(),
  DEAD_LETTER_QUIET: duration.default(15 * 60_000),
  CURRENCY: currency,
  APPROVAL_THRESHOLD: text('an amount, e.g. "5000.00"'),
  APPROVAL_TIMEOUT: duration,
  START_GRACE: duration.default(60_000),
  OTHER_TASK_HUB: taskHubName.optional(),
  RETENTION_DAYS: integer(1, 3650),
  STUCK_AFTER: duration,
  OTEL_SDK_DISABLED: z.enum(['true', 'false'], { error: '"true" or "false"' }).default('false'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http', 'https').optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.literal('http/protobuf', { error: '"http/protobuf"' }).optional(),
  OTEL_METRIC_EXPORT_INTERVAL: integer(100, 3_600_000).default(60_000),
  OTEL_SERVICE_NAME: text('the name under which telemetry is found').default('order-sagas'),
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsights.optional(),
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: applicationInsightsSignIn.optional(),
});
type Settings = z.infer<typeof settingsSchema>;

/** Every setting that the app reads. */
export const settingNames: readonly string[] = Object.keys(settingsSchema.shape);

function toConfig(settings: Settings, approvalThreshold: number) {
  return {
    database: { ...toDatabasePlace(settings), poolSize: settings.DATABASE_POOL_SIZE },
    /** As Azure Functions reads it: a connection string, or the identity-based form. */
    storage: {
      connectionString: settings.AzureWebJobsStorage,
      accountName: settings.AzureWebJobsStorage__accountName,
      blobServiceUri: settings.AzureWebJobsStorage__blobServiceUri,
      identity: toIdentity(settings.AzureWebJobsStorage__credential, settings.AzureWebJobsStorage__clientId),
    },
    /** How uploads are noticed: by polling, or by Event Grid, which Flex Consumption needs. */
    blobTriggerSource: settings.BLOB_TRIGGER_SOURCE,
    /** The same for Service Bus: a connection string, or the namespace's host name. */
    serviceBus: {
      connectionString: settings.ServiceBusConnection,
      fullyQualifiedNamespace: settings.ServiceBusConnection__fullyQualifiedNamespace,
      identity: toIdentity(settings.ServiceBusConnection__credential, settings.ServiceBusConnection__clientId),
    },
    payments: { url: settings.PAYMENT_PROVIDER_URL, key: settings.PAYMENT_PROVIDER_KEY },
    /** An order whose payment the provider has not decided after this long (milliseconds) is undone. */
    paymentTimeout: settings.PAYMENT_TIMEOUT,
    /** `callbackUrl`: where the carrier tells that it has collected a pick-up, with `{returnId}` in it. */
    carrier: { url: settings.CARRIER_URL, callbackUrl: settings.CARRIER_CALLBACK_URL },
    /** A return that the carrier has not collected after this long (milliseconds) is undone. */
    pickUpTimeout: settings.PICK_UP_TIMEOUT,
    mail: { smtpUrl: settings.SMTP_URL, from: settings.MAIL_FROM, ops: settings.OPS_EMAIL },
    /** Who is told of dead letters, by whose business they are. */
    teamMail: {
      payments: settings.PAYMENTS_TEAM_EMAIL ?? settings.OPS_EMAIL,
      database: settings.DATABASE_TEAM_EMAIL ?? settings.OPS_EMAIL,
      senders: settings.SENDERS_EMAIL ?? settings.OPS_EMAIL,
      onCall: settings.ON_CALL_EMAIL ?? settings.OPS_EMAIL,
    },
    /** After a mail about dead letters of one reason, the next about more of them is this long after it (milliseconds). */
    deadLetterQuiet: settings.DEAD_LETTER_QUIET,
    /** The shop's one currency and how many decimals it has. */
    currency: settings.CURRENCY,
    /** Orders above `threshold` (minor units) wait for approval for at most `timeout` (milliseconds). */
    approval: { threshold: approvalThreshold, timeout: settings.APPROVAL_TIMEOUT },
    /** An order accepted, or an import claimed, this long ago (milliseconds) whose saga isn't known to be started gets started by the sweep. */
    startGrace: settings.START_GRACE,
    /** The task hub of the other app where two versions run beside each other; undefined where there is one app. */
    otherTaskHub: settings.OTHER_TASK_HUB,
    /** How many days histories, ledger entries and import files are kept. */
    retentionDays: settings.RETENTION_DAYS,
    /** A saga that has been waiting for longer than this (milliseconds) is reported. */
    stuckAfter: settings.STUCK_AFTER,
    telemetry: toTelemetry(settings),
  };
}

/** Where telemetry goes; undefined where it is off. What the SDK's other variables say (`OTEL_*`) it reads by itself. */
function toTelemetry(settings: Settings) {
  const connectionString = settings.APPLICATIONINSIGHTS_CONNECTION_STRING;
  const otlp = settings.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined;
  if (settings.OTEL_SDK_DISABLED === 'true' || !(otlp || connectionString !== undefined)) return undefined;
  const entra = settings.APPLICATIONINSIGHTS_AUTHENTICATION_STRING;
  return {
    serviceName: settings.OTEL_SERVICE_NAME,
    otlp,
    azureMonitor: connectionString === undefined ? undefined : { connectionString, entra },
    /** Milliseconds. */
    metricInterval: settings.OTEL_METRIC_EXPORT_INTERVAL,
  };
}
export type Config = ReturnType<typeof toConfig>;

/** Who the app is to a service that knows identities of Entra ID. */
function toIdentity(credential: 'managedidentity' | undefined, clientId: string | undefined) {
  return { isManaged: credential === 'managedidentity', clientId };
}

const databaseSchema = settingsSchema.pick({
  DATABASE_URL: true,
  DATABASE_AUTHENTICATION: true,
  AZURE_CLIENT_ID: true,
});

/** With `identity`, PostgreSQL is signed in to by a token of Entra ID, under the URL's user, and the URL's password is not used. */
function toDatabasePlace(settings: z.infer<typeof databaseSchema>) {
  const isEntra = settings.DATABASE_AUTHENTICATION === 'entra';
  return {
    url: settings.DATABASE_URL,
    identity: isEntra ? toIdentity(undefined, settings.AZURE_CLIENT_ID) : undefined,
  };
}

const secrets: readonly string[] = [
  'PAYMENT_PROVIDER_KEY',
  'AzureWebJobsStorage',
  'ServiceBusConnection',
  'DATABASE_URL',
  'SMTP_URL',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
];

/** Thrown once, with one line for every setting that is missing or wrong. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly #problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(
      `${problems.length === 1 ? 'A setting is' : `${problems.length} settings are`} missing or wrong ` +
        `(local.settings.json here, application settings in Azure):\n${problems.map(({ message }) => `  ${message}`).join('\n')}`,
    );
    this.#problems = problems;
    // Hosts print the stack. Which line of ours noticed helps nobody who has to mend a setting.
    this.stack = `${this.name}: ${this.message}`;
  }

  get keys(): readonly string[] {
    return this.#problems.map(({ key }) => key);
  }

  /** What is wrong, setting by setting, as the message has it. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }
}

/** Reads the settings from the environment. Throws `ConfigError`. */
export function readConfig(environment: Environment = process.env): Config {
  const given = givenOf(environment);
  const parsed = settingsSchema.safeParse(given);
  const problems = parsed.success ? [] : parsed.error.issues.map((issue) => toProblem(issue, given));
  problems.push(...unresolvedSecrets(given, problems));
  if (!hasStorage(given)) {
    problems.push(missing('AzureWebJobsStorage'));
  }
  if (!('ServiceBusConnection' in given || 'ServiceBusConnection__fullyQualifiedNamespace' in given)) {
    problems.push(missing('ServiceBusConnection'));
  }
  const decimals = minorDigits(given['CURRENCY'] ?? '') ?? 2;
  const threshold = parseMoney(given['APPROVAL_THRESHOLD'] ?? '', decimals);
  if (threshold === undefined && given['APPROVAL_THRESHOLD']) {
    problems.push(wrong('APPROVAL_THRESHOLD', given, `an amount of at most ${decimals} decimals, e.g. "5000.00"`));
  }
  if (!parsed.success || threshold === undefined || problems.length > 0) throw new ConfigError(problems);
  return toConfig(parsed.data, threshold);
}

/** Reads what is needed to reach the database, and nothing else. Throws `ConfigError`. */
export function readDatabaseConfig(environment: Environment): ReturnType<typeof toDatabasePlace> {
  return toDatabasePlace(readSome(databaseSchema, environment));
}

const appRoleSchema = z.object({
  APP_DATABASE_ROLE: text('the name of the identity that the app runs under'),
  APP_DATABASE_PRINCIPAL_ID: z.guid({ error: "the object id of the app's identity" }),
});

/** Reads for whom the tables are, where that is another than their owner. Throws `ConfigError`. */
export function readAppRole(
  environment: Environment,
): { readonly name: string; readonly principalId: string } | undefined {
  if (!environment['APP_DATABASE_ROLE']?.trim()) return undefined;
  const { APP_DATABASE_ROLE, APP_DATABASE_PRINCIPAL_ID } = readSome(appRoleSchema, environment);
  return { name: APP_DATABASE_ROLE, principalId: APP_DATABASE_PRINCIPAL_ID };
}

function readSome<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>, environment: Environment) {
  const given = givenOf(environment);
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map((issue) => toProblem(issue, given)));
  return parsed.data;
}

function givenOf(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim()));
}

type Environment = Readonly<Record<string, string | undefined>>;
/** What is wrong with one setting: `<key>: expected ..., got ...`. */
interface Problem {
  readonly key: string;
  readonly message: string;
}

/** A reference that Azure could not follow is left as it is, and would be sent on as if it were the secret. */
function unresolvedSecrets(given: Environment, found: readonly Problem[]): Problem[] {
  return settingNames
    .filter((key) => given[key]?.startsWith('@Microsoft.KeyVault(') && !found.some((problem) => problem.key === key))
    .map((key) => ({
      key,
      message: `${key}: expected a secret of Key Vault, got its reference: it could not be read`,
    }));
}

function hasStorage(given: Environment): boolean {
  return ['', '__accountName', '__blobServiceUri'].some((ending) => `AzureWebJobsStorage${ending}` in given);
}

function toProblem(issue: z.core.$ZodIssue, given: Environment): Problem {
  const key = String(issue.path[0]);
  return given[key] === undefined ? missing(key) : wrong(key, given, issue.message);
}

/** A missing setting is told in the words that its schema has for a wrong one. */
function missing(key: string): Problem {
  const schema = z.record(z.string(), z.unknown()).parse(settingsSchema.shape)[key];
  const expected = schema instanceof z.ZodType ? schema.safeParse('').error?.issues[0]?.message : undefined;
  return { key, message: `${key}: expected ${expected ?? 'a value'}, got nothing` };
}

function wrong(key: string, given: Environment, expected: string): Problem {
  return { key, message: `${key}: expected ${expected}, got ${describe(key, given[key])}` };
}

function describe(key: string, value: string | undefined): string {
  if (value === undefined) return 'nothing';
  return secrets.includes(key) ? `something else (${value.length} characters, not shown)` : JSON.stringify(value);
}

function valueOf(part: string): string | undefined {
  return part.split('=').slice(1).join('=').trim() || undefined;
}

function refuse(context: z.core.$RefinementCtx, expected: string): never {
  context.addIssue({ code: 'custom', message: expected });
  return z.NEVER;
}
