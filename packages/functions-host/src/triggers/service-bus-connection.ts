import type { Settings } from '../host/settings';
import { StartError } from '../host/start-error';
import { checkCredential, findConnection, type HostIdentity, readSetting, toIdentity } from './connection-settings';

/** How to reach a namespace. */
export type ServiceBusConnection =
  | {
      readonly kind: 'connectionString';
      readonly text: string;
      /** Host, and port if there is one. */
      readonly namespace: string;
      /** The one queue or topic that the string is for, if it is. */
      readonly entityPath: string | undefined;
    }
  | { readonly kind: 'identity'; readonly namespace: string; readonly identity: HostIdentity };

/** What a binding's connection names when it names nothing. */
const defaultConnection = 'ServiceBus';

/** The connection that a binding names: a setting, with or without Azure's prefix. */
export function toServiceBusConnectionName(connection: unknown): string {
  return typeof connection === 'string' && connection !== '' ? connection : defaultConnection;
}

/**
 * Finds how to reach the namespace of a connection.
 * @throws StartError naming every setting that was tried, or the one that is wrong and what was expected.
 */
export function findServiceBusConnection(settings: Settings, connection: string): ServiceBusConnection {
  const tried: string[] = [];
  const found = findConnection<ServiceBusConnection>(settings, connection, tried, (name, value) =>
    value === undefined ? findIdentity(settings, name) : parseConnectionString(name, value),
  );
  if (found !== undefined) return found;
  if (/;|Endpoint=/i.test(connection)) {
    throw new StartError(
      'its connection is a connection string: it must be the name of a setting that has it, e.g. ServiceBusConnection.',
    );
  }
  throw new StartError(
    `Service Bus connection '${connection}' is not there (tried settings ${tried.join(', ')}): expected a connection string (Endpoint=sb://...;SharedAccessKeyName=...;SharedAccessKey=...), or an identity's ${connection}__fullyQualifiedNamespace.`,
  );
}

function findIdentity(settings: Settings, name: string): ServiceBusConnection | undefined {
  const of = (key: string): string | undefined => readSetting(settings, `${name}__${key}`);
  const namespace = of('fullyQualifiedNamespace');
  if (namespace === undefined) return undefined;
  if (!/^[\w.-]+$/.test(namespace)) {
    throw new StartError(
      `Setting '${name}__fullyQualifiedNamespace' must be a host name such as NAME.servicebus.windows.net; got '${namespace}'.`,
    );
  }
  checkCredential(of, name);
  return { kind: 'identity', namespace, identity: toIdentity(of) };
}

function parseConnectionString(name: string, text: string): ServiceBusConnection {
  const parts = new Map(
    text.split(';').map((part): [string, string] => {
      const at = part.indexOf('=');
      return [part.slice(0, Math.max(at, 0)).trim().toLowerCase(), part.slice(at + 1).trim()];
    }),
  );
  const namespace = /^(?:sb|amqps?):\/\/([^/]+)/i.exec(parts.get('endpoint') ?? '')?.[1];
  const hasKey = parts.has('sharedaccesskey') && parts.has('sharedaccesskeyname');
  if (namespace === undefined || !(hasKey || parts.has('sharedaccesssignature'))) {
    throw new StartError(
      `Setting '${name}' must be a Service Bus connection string such as Endpoint=sb://...;SharedAccessKeyName=...;SharedAccessKey=...; got ${text.length} characters that are none.`,
    );
  }
  return { kind: 'connectionString', text, namespace, entityPath: parts.get('entitypath') };
}
