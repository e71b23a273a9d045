/*
 * Service Bus through Microsoft's client library.
 *
 * One connection receives for all triggers of a namespace, another sends for all outputs, each made when first used. The
 * receiving one leaves it to this host how often something is tried again: the library tries a link for ever, here with
 * short pauses, and everything else once. Messages are taken as they came over the wire: bytes stay bytes, dates stay
 * dates.
 */
import { createRequire } from 'node:module';
import type * as Library from '@azure/service-bus';
import type { ServiceBusClient, ServiceBusClientOptions } from '@azure/service-bus';
import type { Settings } from '../host/settings';
import { toCredential } from './identity-credential';
import { findServiceBusConnection, type ServiceBusConnection } from './service-bus-connection';
import type { ServiceBusOptions } from './service-bus-options';
import { createMessageSource, createSessionSource } from './service-bus-receiver';
import type { MessageSource, MessageTarget, SessionSource } from './service-bus-source';

/** Namespaces by the settings that say how to reach them. */
export interface ServiceBusClients {
  /**
   * Checks that a connection can be used for a queue or topic.
   * @param owner undefined if its name is not known yet.
   * @throws StartError, or Error for a connection string that is bound to another entity.
   */
  check(connection: string, owner: string | undefined): void;
  source(connection: string, path: string): MessageSource;
  sessions(connection: string, path: string): SessionSource;
  target(connection: string, name: string): MessageTarget;
  close(): Promise<void>;
}

/** The library tries to open a link again after this, at first and at most; a minute without a broker is not long then. */
const firstRetryMs = 500;
const longestRetryMs = 5000;

/** Clients for what `settings` name; nothing is connected before it is used. */
export function createServiceBusClients(settings: Settings, options: ServiceBusOptions): ServiceBusClients {
  const clients = new Map<string, Promise<ServiceBusClient>>();
  const open = (connection: string, use: 'receive' | 'send'): Promise<ServiceBusClient> => {
    const key = `${use} ${connection.toLowerCase()}`;
    let client = clients.get(key);
    if (client === undefined) {
      client = connect(findServiceBusConnection(settings, connection), toClientOptions(options, use));
      clients.set(key, client);
      // A failed load is tried again.
      client.catch(() => clients.delete(key));
    }
    return client;
  };
  return {
    check: (connection, owner) => {
      checkOwner(findServiceBusConnection(settings, connection), owner);
    },
    source: (connection, path) => createMessageSource(() => open(connection, 'receive'), path),
    sessions: (connection, path) => createSessionSource(() => open(connection, 'receive'), path),
    target: (connection, name) => createTarget(() => open(connection, 'send'), name),
    close: async () => {
      const opened = await Promise.allSettled(clients.values());
      await Promise.allSettled(
        opened.flatMap((client) => (client.status === 'fulfilled' ? [client.value.close()] : [])),
      );
    },
  };
}

function checkOwner(connection: ServiceBusConnection, owner: string | undefined): void {
  if (connection.kind !== 'connectionString' || connection.entityPath === undefined || owner === undefined) return;
  if (connection.entityPath.toLowerCase() === owner.toLowerCase()) return;
  throw new Error(
    `its connection string is for '${connection.entityPath}' alone (EntityPath), and it uses '${owner}': use a connection string of the namespace.`,
  );
}

function toClientOptions({ retry, transport }: ServiceBusOptions, use: 'receive' | 'send'): ServiceBusClientOptions {
  const { RetryMode } = loadLibrary();
  const retryOptions =
    use === 'receive'
      ? {
          mode: RetryMode.Exponential,
          maxRetries: 0,
          retryDelayInMs: firstRetryMs,
          maxRetryDelayInMs: longestRetryMs,
          timeoutInMs: retry.tryTimeoutMs,
        }
      : {
          mode: retry.mode === 'fixed' ? RetryMode.Fixed : RetryMode.Exponential,
          maxRetries: retry.maxRetries,
          retryDelayInMs: retry.delayMs,
          maxRetryDelayInMs: retry.maxDelayMs,
          timeoutInMs: retry.tryTimeoutMs,
        };
  return transport === 'tcp' ? { retryOptions } : { retryOptions, webSocketOptions: { webSocket: loadWebSocket() } };
}

/** Loaded when first used, and kept; required for the reason that `storage-account` gives. */
const load = createRequire(__filename);
let library: typeof Library | undefined;
const loadLibrary = (): typeof Library => (library ??= load('@azure/service-bus') as typeof Library);

function loadWebSocket(): Library.WebSocketImpl {
  return load('ws') as Library.WebSocketImpl;
}

async function connect(connection: ServiceBusConnection, options: ServiceBusClientOptions): Promise<ServiceBusClient> {
  const { ServiceBusClient: Client } = loadLibrary();
  if (connection.kind === 'identity') {
    return new Client(connection.namespace, await toCredential(connection.identity), options);
  }
  // The library compares the path by case, and knows no dead-letter queue of it: `check` has done that better.
  return new Client(connection.text.replace(/(^|;)\s*EntityPath\s*=[^;]*/i, '$1'), options);
}

function createTarget(open: () => Promise<ServiceBusClient>, name: string): MessageTarget {
  let sender: Promise<Library.ServiceBusSender> | undefined;
  return {
    async send(messages) {
      sender ??= open().then((client) => client.createSender(name));
      // A failed load is tried again.
      sender.catch(() => (sender = undefined));
      const opened = await sender;
      for (const message of messages) await opened.sendMessages(message);
    },
  };
}
