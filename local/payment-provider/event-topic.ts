import type * as AzureServiceBus from '@azure/service-bus';
import type { ServiceBusSender } from '@azure/service-bus';
import type { Publish } from './events';

const TOPIC = 'payment-events';
/** Short: whoever sends tries again. */
const LONGEST_SEND_MS = 5_000;

/** The topic of the namespace that a connection string names. It is connected to, and its SDK loaded, with the first event. */
export function connectEventTopic(connectionString: string | undefined): {
  readonly publish: Publish;
  close(): Promise<void>;
} {
  let connected: { readonly sender: ServiceBusSender; close(): Promise<void> } | undefined;
  const connect = () => {
    if (!connectionString) throw new Error('expected a connection string in ServiceBusConnection, got nothing');
    // `require` takes the CommonJS build into the bundle.
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const { ServiceBusClient } = require('@azure/service-bus') as typeof AzureServiceBus;
    const retryOptions = { maxRetries: 0, timeoutInMs: LONGEST_SEND_MS };
    const client = new ServiceBusClient(connectionString, { retryOptions });
    return { sender: client.createSender(TOPIC), close: () => client.close() };
  };
  return {
    async publish(event, orderId) {
      connected ??= connect();
      const message = {
        messageId: event.id,
        subject: event.type,
        contentType: 'application/json',
        body: Buffer.from(JSON.stringify(event)),
        ...(orderId !== undefined && { correlationId: orderId }),
      };
      await connected.sender.sendMessages(message, { abortSignal: AbortSignal.timeout(LONGEST_SEND_MS) });
    },
    close: async () => connected?.close(),
  };
}
