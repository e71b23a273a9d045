import { readFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { ConfigError, readAppRole, readConfig } from '../src/config';

const localSettings = JSON.parse(readFileSync(path.join(__dirname, '..', 'local.settings.json'), 'utf8')) as {
  Values: Record<string, string>;
};
const settings = localSettings.Values;

function errorOf(environment: Record<string, string | undefined>): ConfigError {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the settings were accepted');
}

describe('settings', () => {
  it('are read from what local.settings.json has', () => {
    const config = readConfig(settings);
    expect(config.currency).toEqual({ code: 'usd', decimals: 2 });
    expect(config.approval).toEqual({ threshold: 500_000, timeout: 24 * 3_600_000 });
    expect(config.retentionDays).toBe(90);
    expect(config.startGrace).toBe(60_000);
    expect(config.pickUpTimeout).toBe(14 * 24 * 3_600_000);
  });

  it('are refused with one error that names every one that is missing or wrong, and what came', () => {
    const error = errorOf({
      ...settings,
      CARRIER_URL: undefined,
      OPS_EMAIL: '',
      APPROVAL_TIMEOUT: '1 fortnight',
      APPROVAL_THRESHOLD: '12.345',
      CURRENCY: 'bitcoin',
      RETENTION_DAYS: '0',
    });
    expect([...error.keys].sort()).toEqual([
      'APPROVAL_THRESHOLD',
      'APPROVAL_TIMEOUT',
      'CARRIER_URL',
      'CURRENCY',
      'OPS_EMAIL',
      'RETENTION_DAYS',
    ]);
    expect(error.message).toContain('6 settings are missing or wrong');
    expect(error.message).toContain('CARRIER_URL: expected a URL with http:// or https://, got nothing');
    expect(error.message).toContain('OPS_EMAIL: expected an e-mail address, got nothing');
    expect(error.message).toContain(
      'APPROVAL_TIMEOUT: expected a duration such as "90 seconds", "1 hour" or "3 days", got "1 fortnight"',
    );
    expect(error.message).toContain('RETENTION_DAYS: expected a whole number from 1 to 3650, got "0"');
    expect(error.message).toContain(
      'CURRENCY: expected a currency of ISO 4217 in lower case, e.g. "usd", got "bitcoin"',
    );
  });

  it('name the task hub of another app only where there is one', () => {
    expect(readConfig(settings).otherTaskHub).toBeUndefined();
    expect(readConfig({ ...settings, OTHER_TASK_HUB: ' ' }).otherTaskHub).toBeUndefined();
    expect(readConfig({ ...settings, OTHER_TASK_HUB: 'OrderSagasGreen' }).otherTaskHub).toBe('OrderSagasGreen');
    expect(errorOf({ ...settings, OTHER_TASK_HUB: 'a/b' }).message).toContain(
      'OTHER_TASK_HUB: expected the name of a task hub: 3 to 64 letters, digits and dashes, got "a/b"',
    );
  });

  it('are refused in words for whoever mends them, without a line of code', () => {
    const printed = inspect(errorOf({ ...settings, CURRENCY: 'bitcoin' }));
    expect(printed).toContain('CURRENCY: expected a currency of ISO 4217 in lower case, e.g. "usd", got "bitcoin"');
    expect(printed).not.toMatch(/^\s+at |keys:/m);
  });

  it('never show a value that may hold a secret', () => {
    const error = errorOf({ ...settings, DATABASE_URL: 'mysql://root:hunter2@db', SMTP_URL: 'hunter2' });
    expect([...error.keys]).toEqual(['DATABASE_URL', 'SMTP_URL']);
    expect(error.message).toContain(
      'DATABASE_URL: expected a URL with postgres:// or postgresql://, got something else',
    );
    expect(error.message).not.toContain('hunter2');
  });

  it('name every setting of an empty environment', () => {
    const error = errorOf({});
    const optional = ['CARRIER_CALLBACK_URL', 'MAIL_CATCHER_URL', 'FUNCTIONS_WORKER_RUNTIME'];
    expect([...error.keys].sort()).toEqual(
      Object.keys(settings)
        .filter((key) => !optional.includes(key))
        .sort(),
    );
  });

  it('accept storage by identity in place of a connection string', () => {
    const { AzureWebJobsStorage: _, ...rest } = settings;
    expect(errorOf(rest).keys).toEqual(['AzureWebJobsStorage']);
    expect(readConfig({ ...rest, AzureWebJobsStorage__accountName: 'shop' }).storage.accountName).toBe('shop');
  });

  it('accept Service Bus by identity in place of a connection string, and never show that', () => {
    const { ServiceBusConnection: _, ...rest } = settings;
    expect(errorOf(rest).message).toContain(
      'ServiceBusConnection: expected a Service Bus connection string (Endpoint=sb://...), got nothing',
    );
    const name = 'ServiceBusConnection__fullyQualifiedNamespace';
    const { serviceBus } = readConfig({ ...rest, [name]: 'shop.example.net' });
    expect(serviceBus).toEqual({
      connectionString: undefined,
      fullyQualifiedNamespace: 'shop.example.net',
      identity: { isManaged: false, clientId: undefined },
    });
    expect(errorOf({ ...rest, [name]: 'sb://shop/' }).keys).toEqual([name]);
    expect(errorOf({ ...settings, ServiceBusConnection: 'SharedAccessKey=hunter2' }).message).not.toContain('hunter2');
  });

  it('say which identity each service is asked as, in the words in which Azure Functions says it', () => {
    const config = readConfig({
      ...settings,
      AzureWebJobsStorage__credential: 'managedidentity',
      AzureWebJobsStorage__clientId: 'for-storage',
      ServiceBusConnection__clientId: 'for-service-bus',
      DATABASE_AUTHENTICATION: 'entra',
      AZURE_CLIENT_ID: 'for-the-database',
    });
    expect(config.storage.identity).toEqual({ isManaged: true, clientId: 'for-storage' });
    expect(config.serviceBus.identity).toEqual({ isManaged: false, clientId: 'for-service-bus' });
    expect(config.database.identity).toEqual({ isManaged: false, clientId: 'for-the-database' });
    expect(readConfig(settings).database.identity).toBeUndefined();
    expect(errorOf({ ...settings, ServiceBusConnection__credential: 'password' }).message).toContain(
      'ServiceBusConnection__credential: expected "managedidentity", got "password"',
    );
  });

  it('do not take a reference to Key Vault that Azure could not follow for the secret', () => {
    const reference = '@Microsoft.KeyVault(SecretUri=https://shop.vault.example.net/secrets/payment-provider-key)';
    const error = errorOf({ ...settings, PAYMENT_PROVIDER_KEY: reference, SMTP_URL: reference });
    expect([...error.keys].sort()).toEqual(['PAYMENT_PROVIDER_KEY', 'SMTP_URL']);
    expect(error.message).toContain('PAYMENT_PROVIDER_KEY: expected a secret of Key Vault, got its reference');
  });

  it('of the role that tables are for are read together', () => {
    expect(readAppRole({})).toBeUndefined();
    const principalId = '6c84fb90-12c4-11e1-840d-7b25c5ee775a';
    expect(readAppRole({ APP_DATABASE_ROLE: 'shop', APP_DATABASE_PRINCIPAL_ID: principalId })).toEqual({
      name: 'shop',
      principalId,
    });
    expect(() => readAppRole({ APP_DATABASE_ROLE: 'shop' })).toThrow(/APP_DATABASE_PRINCIPAL_ID/);
  });

  it('have telemetry off unless one says where it goes', () => {
    const otlp = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
    expect(readConfig(settings).telemetry).toBeUndefined();
    expect(readConfig({ ...settings, ...otlp, OTEL_SDK_DISABLED: 'true' }).telemetry).toBeUndefined();
    expect(readConfig({ ...settings, ...otlp }).telemetry).toEqual({
      serviceName: 'order-sagas',
      otlp: true,
      azureMonitor: undefined,
      metricInterval: 60_000,
    });
  });

  it.each([
    ['Authorization=AAD', { clientId: undefined }],
    ['Authorization=AAD;ClientId=abc-1', { clientId: 'abc-1' }],
  ])('read how Application Insights is signed in to from %p', (text, entra) => {
    const connectionString = 'InstrumentationKey=1;IngestionEndpoint=https://x.example/';
    const config = readConfig({
      ...settings,
      APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString,
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: text,
    });
    expect(config.telemetry).toMatchObject({ otlp: false, azureMonitor: { connectionString, entra } });
  });

  it('are refused where they say of telemetry what nobody can do, without showing a key', () => {
    const error = errorOf({
      ...settings,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      APPLICATIONINSIGHTS_CONNECTION_STRING: 'hush-hush',
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Password=1',
    });
    expect([...error.keys].sort()).toEqual([
      'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
      'APPLICATIONINSIGHTS_CONNECTION_STRING',
      'OTEL_EXPORTER_OTLP_PROTOCOL',
    ]);
    expect(error.message).not.toContain('hush-hush');
  });
});
