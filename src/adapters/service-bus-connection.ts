import type { ServiceBusClient, ServiceBusClientOptions, ServiceBusSender } from '@azure/service-bus';
import { createCredential } from './azure-credential';
import type { IdentitySettings } from './azure-credential';

/** Where the namespace is, in the forms that Azure Functions knows: exactly one of them is needed. */
export interface ServiceBusSettings {
  readonly connectionString?: string | undefined;
  readonly fullyQualifiedNamespace?: string | undefined;
  /** Who asks, where there is no connection string. */
  readonly identity?: IdentitySettings;
}

export interface ServiceBusConnection {
  /** The one sender to a queue or topic. It connects when it first sends, and again when its connection was lost. */
  sender(entity: string): Promise<ServiceBusSender>;
  close(): Promise<void>;
}

/** Short, since whoever sends tries again too, and knows better for how long. */
const options: ServiceBusClientOptions = {
  retryOptions: { maxRetries: 1, retryDelayInMs: 200, timeoutInMs: 8_000 },
};

/** One connection to a namespace. The SDK is loaded when something is first sent: an app's start doesn't wait for it. */
export function connectServiceBus(settings: ServiceBusSettings): ServiceBusConnection {
  const senders = new Map<string, ServiceBusSender>();
  let connected: Promise<ServiceBusClient> | undefined;
  return {
    async sender(entity) {
      connected ??= connect(settings);
      const client = await connected;
      const sender = senders.get(entity) ?? client.createSender(entity);
      senders.set(entity, sender);
      return sender;
    },
    async close() {
      await (await connected?.catch(() => undefined))?.close();
    },
  };
}

async function connect(settings: ServiceBusSettings): Promise<ServiceBusClient> {
  const { connectionString, fullyQualifiedNamespace, identity } = settings;
  const { ServiceBusClient } = await import('@azure/service-bus');
  if (connectionString !== undefined) return new ServiceBusClient(connectionString, options);
  if (fullyQualifiedNamespace === undefined) {
    throw new Error('expected a connection string of Service Bus or the name of its namespace, got neither');
  }
  return new ServiceBusClient(
    fullyQualifiedNamespace,
    await createCredential(identity ?? { isManaged: false }),
    options,
  );
}
