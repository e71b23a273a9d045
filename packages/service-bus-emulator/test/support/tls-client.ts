import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Emulator, startEmulator } from '../../src/emulator';
import type { EmulatorOptions } from '../../src/options';

/** What a call to Microsoft's client failed with. */
export interface ClientFailure {
  readonly name: string;
  readonly code: string;
  readonly statusCode?: number;
  readonly message: string;
}

export interface ExchangeOptions {
  readonly webSockets?: boolean;
  readonly keyName?: string;
  readonly key?: string;
}

/** Microsoft's unmodified clients in a process of their own, over TLS. */
export interface TlsClient {
  /** A method of ServiceBusAdministrationClient. Rejects with a ClientFailure. */
  admin<T = unknown>(method: string, ...args: readonly unknown[]): Promise<T>;
  pages(method: string, args: readonly unknown[], maxPageSize: number): Promise<readonly string[][]>;
  exchange(address: string, bodies: readonly unknown[], options?: ExchangeOptions): Promise<readonly unknown[]>;
}

export interface SecureNamespace extends TlsClient {
  /** Undefined for a real namespace. */
  readonly emulator: Emulator | undefined;
  close(): Promise<void>;
}

/**
 * A namespace with TLS and a client of it: an emulator of its own, or the real namespace that SERVICE_BUS_CONNECTION_STRING
 * names.
 */
export async function openSecureNamespace(options: EmulatorOptions = {}): Promise<SecureNamespace> {
  const real = process.env['SERVICE_BUS_CONNECTION_STRING'];
  if (real !== undefined) return { emulator: undefined, ...startClient({ CONNECTION_STRING: real }) };
  const folder = await mkdtemp(path.join(tmpdir(), 'tls-'));
  const emulator = await startEmulator({ ...options, tls: { folder } });
  const client = startClient({
    CONNECTION_STRING: emulator.tls!.connectionString,
    NODE_EXTRA_CA_CERTS: emulator.tls!.certificateFile,
  });
  return {
    emulator,
    ...client,
    close: async () => {
      await client.close();
      await emulator.close();
      await rm(folder, { recursive: true });
    },
  };
}

function startClient(env: Readonly<Record<string, string>>): TlsClient & { close(): Promise<void> } {
  const child = fork(path.join(__dirname, '../fixtures/tls-client.js'), {
    env: { ...process.env, ...env },
    execArgv: [],
    serialization: 'advanced',
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(failure: unknown): void }>();
  child.on('message', ({ id, result, error }: { id: number; result?: unknown; error?: ClientFailure }) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error) call?.reject(error);
    else call?.resolve(result);
  });
  const ended = new Promise<void>((resolve) => {
    child.on('exit', () => {
      for (const call of waiting.values()) call.reject(new Error('The client ended.'));
      resolve();
    });
  });
  let last = 0;
  const call = <T>(name: string, ...args: readonly unknown[]): Promise<T> =>
    new Promise<unknown>((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      child.send({ id: last, name, args });
    }) as Promise<T>;
  return {
    admin: (method, ...args) => call('admin', method, ...args),
    pages: (method, args, maxPageSize) => call('pages', method, args, maxPageSize),
    exchange: (address, bodies, options = {}) => call('exchange', address, bodies, options),
    close: async () => {
      child.disconnect();
      await ended;
    },
  };
}
