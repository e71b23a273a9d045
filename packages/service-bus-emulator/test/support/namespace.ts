/**
 * A namespace for the suites with Microsoft's client: an emulator of its own in this process, or, where
 * SERVICE_BUS_CONNECTION_STRING is set, entities with names of their own on a real namespace. What a test needs a
 * virtual clock for is skipped there.
 */
import { randomUUID } from 'node:crypto';
import {
  type CorrelationRuleFilter,
  ServiceBusAdministrationClient,
  ServiceBusClient,
  type ServiceBusClientOptions,
  type ServiceBusReceivedMessage,
  type SqlRuleFilter,
} from '@azure/service-bus';
import { createAmqpFront } from '../../src/amqp/front';
import { openAmqpPort } from '../../src/amqp-port';
import { createBroker } from '../../src/broker/create-broker';
import type { Namespace, QueueOptions, SubscriptionDeclaration, TopicOptions } from '../../src/broker/entities';
import { realClock } from '../../src/clock';
import type { Filter } from '../../src/rules/filter';
import { createTokenCheck, type SasKey } from '../../src/sas';
import { FakeClock } from './fake-clock';

/** The real namespace to test against, if one is given. */
const REAL_NAMESPACE = process.env['SERVICE_BUS_CONNECTION_STRING'];

/** For what only the emulator can show: a clock that is moved by hand, connections counted. */
export const onEmulatorOnly: typeof it = REAL_NAMESPACE === undefined ? it : it.skip;

export interface Entities {
  readonly queues?: Readonly<Record<string, Partial<QueueOptions>>>;
  readonly topics?: Readonly<
    Record<
      string,
      { readonly options?: Partial<TopicOptions>; readonly subscriptions: readonly SubscriptionDeclaration[] }
    >
  >;
}

export interface TestNamespace {
  readonly client: ServiceBusClient;
  readonly connectionString: string;
  /** The name under which an entity goes here; a real namespace has more tests than one. */
  name(entity: string): string;
  /** Another client, with a connection of its own. Closed with the namespace. */
  newClient(options?: ServiceBusClientOptions): ServiceBusClient;
  /** Moves the emulator's clock (which stands still otherwise, if the namespace was opened with `frozen`). */
  advance(milliseconds: number): void;
  /** Connections that the emulator has open. */
  readonly connections: number;
  close(): Promise<void>;
}

export interface NamespaceSettings {
  /** The emulator's clock stands still until it is moved. */
  readonly frozen?: boolean;
  readonly sasKeys?: readonly SasKey[];
  readonly maxMessageBytes?: number;
  readonly maxConnections?: number;
}

const declare = (entities: Entities): Namespace => ({
  queues: Object.entries(entities.queues ?? {}).map(([name, options]) => ({ name, options })),
  topics: Object.entries(entities.topics ?? {}).map(([name, topic]) => ({ name, ...topic })),
});

/** Opens a namespace with these entities. */
export const openNamespace = (entities: Entities, settings: NamespaceSettings = {}): Promise<TestNamespace> =>
  REAL_NAMESPACE === undefined ? openEmulator(entities, settings) : openReal(entities, REAL_NAMESPACE);

async function openEmulator(entities: Entities, settings: NamespaceSettings): Promise<TestNamespace> {
  const frozen = new FakeClock();
  frozen.advance(Date.now() - frozen.now());
  const clock = settings.frozen === true ? frozen : realClock;
  const quotas = {
    ...(settings.maxMessageBytes === undefined ? {} : { maxMessageBytes: settings.maxMessageBytes }),
    ...(settings.maxConnections === undefined ? {} : { maxConnections: settings.maxConnections }),
  };
  const broker = createBroker({ clock, namespace: declare(entities), quotas });
  const checkToken = createTokenCheck(settings.sasKeys, clock);
  const front = createAmqpFront({ broker, clock, checkToken, quotas });
  const port = await openAmqpPort('127.0.0.1', 0, front.accept);
  const connectionString = `Endpoint=sb://127.0.0.1:${port.port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;`;
  const clients = new Clients(connectionString);
  return {
    connectionString,
    client: clients.open(),
    name: (entity) => entity,
    newClient: (options) => clients.open(options),
    advance: (milliseconds) => frozen.advance(milliseconds),
    get connections() {
      return front.connections;
    },
    close: async () => {
      await clients.close();
      await port.close(front.close());
    },
  };
}

class Clients {
  readonly #connectionString: string;
  readonly #open: ServiceBusClient[] = [];

  constructor(connectionString: string) {
    this.#connectionString = connectionString;
  }

  open(options: ServiceBusClientOptions = { retryOptions: { maxRetries: 0, timeoutInMs: 10_000 } }): ServiceBusClient {
    const client = new ServiceBusClient(this.#connectionString, options);
    this.#open.push(client);
    return client;
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((client) => client.close()));
  }
}

/** ISO 8601 duration of milliseconds, as the administration client takes it. */
const duration = (milliseconds: number): string => `PT${milliseconds / 1000}S`;

/** A filter as the administration client takes it. */
function toRealFilter(filter: Filter): SqlRuleFilter | CorrelationRuleFilter {
  if (filter.kind === 'correlation') {
    const { kind: _, label, properties, ...rest } = filter;
    return {
      ...rest,
      ...(label === undefined ? {} : { subject: label }),
      ...(properties === undefined
        ? {}
        : { applicationProperties: properties as NonNullable<CorrelationRuleFilter['applicationProperties']> }),
    };
  }
  if (filter.kind !== 'sql') return { sqlExpression: filter.kind === 'true' ? '1=1' : '1=0' };
  const { expression, parameters } = filter;
  return {
    sqlExpression: expression,
    ...(parameters === undefined ? {} : { sqlParameters: parameters as NonNullable<SqlRuleFilter['sqlParameters']> }),
  };
}

async function openReal(entities: Entities, connectionString: string): Promise<TestNamespace> {
  const suffix = randomUUID().slice(0, 8);
  const name = (entity: string): string => `${entity}-${suffix}`;
  const administration = new ServiceBusAdministrationClient(connectionString);
  const toReal = (options: Partial<QueueOptions>): Record<string, unknown> => {
    const {
      lockDurationMs,
      defaultTimeToLiveMs,
      duplicateDetectionWindowMs,
      forwardTo,
      forwardDeadLetteredMessagesTo,
      ...rest
    } = options;
    return {
      ...rest,
      ...(lockDurationMs === undefined ? {} : { lockDuration: duration(lockDurationMs) }),
      ...(defaultTimeToLiveMs === undefined ? {} : { defaultMessageTimeToLive: duration(defaultTimeToLiveMs) }),
      ...(duplicateDetectionWindowMs === undefined
        ? {}
        : { duplicateDetectionHistoryTimeWindow: duration(duplicateDetectionWindowMs) }),
      ...(forwardTo === undefined ? {} : { forwardTo: name(forwardTo) }),
      ...(forwardDeadLetteredMessagesTo === undefined
        ? {}
        : { forwardDeadLetteredMessagesTo: name(forwardDeadLetteredMessagesTo) }),
    };
  };
  // Whoever is forwarded to has to be there first.
  const queues = Object.entries(entities.queues ?? {}).sort(
    ([, a], [, b]) => Number(!!a.forwardTo) - Number(!!b.forwardTo),
  );
  for (const [queue, options] of queues) await administration.createQueue(name(queue), toReal(options));
  for (const [topic, { options = {}, subscriptions }] of Object.entries(entities.topics ?? {})) {
    await administration.createTopic(name(topic), toReal(options));
    for (const { name: subscription, options: own = {}, rules = [] } of subscriptions) {
      await administration.createSubscription(name(topic), subscription, toReal(own));
      if (rules.length > 0) await administration.deleteRule(name(topic), subscription, '$Default');
      for (const { name: rule, filter, action } of rules) {
        const then = action === undefined ? {} : { sqlExpression: action };
        await administration.createRule(name(topic), subscription, rule, toRealFilter(filter), then);
      }
    }
  }
  const clients = new Clients(connectionString);
  return {
    connectionString,
    client: clients.open(),
    name,
    newClient: (options) => clients.open(options),
    advance: () => {
      throw new Error('the clock of a real namespace cannot be moved: use onEmulatorOnly');
    },
    get connections(): number {
      throw new Error('the connections of a real namespace are not known: use onEmulatorOnly');
    },
    close: async () => {
      await clients.close();
      for (const [queue] of queues) await administration.deleteQueue(name(queue));
      for (const topic of Object.keys(entities.topics ?? {})) await administration.deleteTopic(name(topic));
    },
  };
}

/** The bodies of messages, in their order. */
export const bodies = (messages: readonly ServiceBusReceivedMessage[]): unknown[] =>
  messages.map(({ body }) => body as unknown);
