import { type Address, isLoopback, stripBrackets } from './addresses';

/** Where the emulator's AMQP is when a connection string names no port. */
const emulatorPort = 5672;
/** Of AMQP over TLS, which the clients speak with everything but an emulator. */
const tlsPort = 5671;

/** A setting that is a connection string of Service Bus, taken apart. */
export interface ServiceBusSetting {
  readonly name: string;
  readonly address: Address;
  /** It asks for the emulator (`UseDevelopmentEmulator=true`): clients then speak AMQP without TLS. */
  readonly isEmulator: boolean;
  /** Its address is on this machine. */
  readonly isLocal: boolean;
}

/**
 * Takes a connection string (`Endpoint=sb://...;SharedAccessKeyName=...`) apart; `undefined` when the value is none. Those of Event
 * Hubs look the same.
 */
export function readServiceBusSetting(name: string, value: string): ServiceBusSetting | undefined {
  const parts = new Map(
    value.split(';').flatMap((part): [string, string][] => {
      const at = part.indexOf('=');
      return at > 0 ? [[part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()]] : [];
    }),
  );
  const endpoint = parts.get('endpoint');
  if (endpoint === undefined || !/^sb:\/\//i.test(endpoint) || !URL.canParse(endpoint)) return undefined;
  const url = new URL(endpoint);
  if (url.hostname === '') return undefined;
  const isEmulator = parts.get('usedevelopmentemulator')?.toLowerCase() === 'true';
  const host = stripBrackets(url.hostname);
  const port = url.port === '' ? (isEmulator ? emulatorPort : tlsPort) : Number(url.port);
  return { name, address: { host, port }, isEmulator, isLocal: isLoopback(host) };
}
