import { createSettings } from '../../src/host/settings';
import { findServiceBusConnection, toServiceBusConnectionName } from '../../src/triggers/service-bus-connection';
import { createServiceBusClients } from '../../src/triggers/service-bus-client';
import { readSource, readTarget } from '../../src/triggers/service-bus-entity';
import { readServiceBusOptions } from '../../src/triggers/service-bus-options';

const text = 'Endpoint=sb://127.0.0.1:5673;SharedAccessKeyName=Root;SharedAccessKey=abc=;UseDevelopmentEmulator=true;';
const binding = { type: 'serviceBusTrigger', name: 'm', direction: 'in' } as const;

describe('a connection of Service Bus', () => {
  const find = (values: Record<string, string>, connection = 'BUS') =>
    findServiceBusConnection(createSettings(values), connection);

  it('is a setting by its name, with or without Azure’s prefix, or the default one', () => {
    const expected = { kind: 'connectionString', text, namespace: '127.0.0.1:5673', entityPath: undefined };
    expect(find({ BUS: text })).toEqual(expected);
    expect(find({ AzureWebJobsBUS: text, BUS: 'never read' })).toEqual(expected);
    expect(find({ ConnectionStrings__BUS: text })).toEqual(expected);
    expect(find({ AzureWebJobsServiceBus: text }, toServiceBusConnectionName(''))).toEqual(expected);
    expect(toServiceBusConnectionName('X')).toBe('X');
  });

  it('is an identity in a namespace', () => {
    expect(find({ BUS__fullyQualifiedNamespace: 'a.servicebus.windows.net', BUS__tenantId: 't' })).toEqual({
      kind: 'identity',
      namespace: 'a.servicebus.windows.net',
      identity: { kind: 'default', tenantId: 't' },
    });
    expect(
      find({ BUS__fullyQualifiedNamespace: 'a.b', BUS__credential: 'managedidentity', BUS__clientId: 'c' }),
    ).toMatchObject({ identity: { kind: 'managed', clientId: 'c' } });
  });

  it.each([
    [
      {},
      'BUS',
      /'BUS' is not there \(tried settings ConnectionStrings:AzureWebJobsBUS, AzureWebJobsBUS, ConnectionStrings:BUS, BUS\)/,
    ],
    [{}, text, /its connection is a connection string: it must be the name of a setting/],
    [
      { BUS: 'secret' },
      'BUS',
      /Setting 'BUS' must be a Service Bus connection string .* got 6 characters that are none/,
    ],
    [{ BUS: 'Endpoint=sb://a;SharedAccessKeyName=b' }, 'BUS', /must be a Service Bus connection string/],
    [{ BUS__fullyQualifiedNamespace: 'sb://a/' }, 'BUS', /must be a host name such as/],
    [
      { BUS__fullyQualifiedNamespace: 'a', BUS__credential: 'x' },
      'BUS',
      /must be 'managedidentity' or left out; got 'x'/,
    ],
  ] as [Record<string, string>, string, RegExp][])('is refused when it is %j for %s', (values, connection, message) => {
    expect(() => find(values, connection)).toThrow(message);
  });

  it('that is for one entity serves no other', () => {
    const settings = createSettings({ BUS: `${text}EntityPath=Orders;` });
    const clients = createServiceBusClients(settings, readServiceBusOptions({}));
    expect(() => {
      clients.check('BUS', 'orders');
    }).not.toThrow();
    expect(() => {
      clients.check('BUS', 'others');
    }).toThrow("its connection string is for 'Orders' alone (EntityPath), and it uses 'others'");
  });
});

describe('an entity of Service Bus', () => {
  it('is a queue, a subscription, or the dead letters of one', () => {
    expect(readSource({ ...binding, queueName: 'orders' })).toMatchObject({ path: 'orders', title: "queue 'orders'" });
    expect(readSource({ ...binding, queueName: 'orders/$DeadLetterQueue' })).toMatchObject({
      path: 'orders/$DeadLetterQueue',
      owner: 'orders',
    });
    expect(readSource({ ...binding, topicName: 't', subscriptionName: 's/$DeadLetterQueue' })).toEqual({
      path: 't/Subscriptions/s/$DeadLetterQueue',
      owner: 't',
      title: "subscription 's/$DeadLetterQueue' of topic 't'",
    });
    expect(readTarget({ ...binding, topicName: 't' })).toEqual({ name: 't', kind: 'topic' });
  });

  it('must be named', () => {
    expect(() => readSource(binding)).toThrow('it needs a queueName, or a topicName and a subscriptionName.');
    expect(() => readSource({ ...binding, queueName: ' ' })).toThrow('its queueName must be a name; got " ".');
    expect(() => readSource({ ...binding, topicName: 't' })).toThrow('its subscriptionName must be a name');
    expect(() => readTarget(binding)).toThrow("binding 'm' needs a queueName or a topicName.");
  });
});

describe('extensions.serviceBus of host.json', () => {
  it('is read without case, and the older keys where the newer are not set', () => {
    expect(
      readServiceBusOptions({
        PrefetchCount: 5,
        maxAutoLockRenewalDuration: '-00:00:00.001',
        sessionIdleTimeout: '00:00:10',
        transportType: 'AmqpWebSockets',
        messageHandlerOptions: { maxConcurrentCalls: 4, autoComplete: false },
        clientRetryOptions: { mode: 'Fixed', tryTimeout: '00:00:30', maxRetries: 1 },
      }),
    ).toMatchObject({
      ...{ prefetchCount: 5, maxLockRenewalMs: Infinity, sessionIdleMs: 10_000, transport: 'webSockets' },
      ...{ maxConcurrentCalls: 4, autoCompleteMessages: false },
      retry: { mode: 'fixed', tryTimeoutMs: 30_000, maxRetries: 1, delayMs: 800 },
    });
  });

  it.each([
    [
      { maxConcurrentCalls: 0 },
      'extensions.serviceBus.maxConcurrentCalls must be a whole number of at least 1; got 0.',
    ],
    [{ maxBatchWaitTime: '00:03:00' }, 'maxBatchWaitTime must be a time span hh:mm:ss of at most 150 seconds'],
    [
      { minMessageBatchSize: 5, maxMessageBatchSize: 4 },
      'minMessageBatchSize (5) must not be above maxMessageBatchSize (4)',
    ],
    [{ autoCompleteMessages: 'no' }, 'autoCompleteMessages must be true or false; got "no"'],
    [{ transportType: 'tcp' }, 'transportType must be one of amqptcp, amqpwebsockets; got "tcp"'],
    [{ enableCrossEntityTransactions: true }, 'enableCrossEntityTransactions is not in this host: the client library'],
    [{ webProxy: 'http://a' }, 'webProxy is not in this host'],
  ])('is refused when it is %j', (json, message) => {
    expect(() => readServiceBusOptions(json)).toThrow(message);
  });

  it('may say that there are no transactions', () => {
    expect(() => readServiceBusOptions({ enableCrossEntityTransactions: false, webProxy: '' })).not.toThrow();
  });
});
