import type { ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { loopbackIp } from './addresses';
import type { Address } from './addresses';
import { startNodeService } from './node-service';
import type { Running } from './running';

/** A storage account other than Azurite's own `devstoreaccount1`, as a connection string names it. */
export interface StorageAccount {
  readonly name: string;
  /** Base64. */
  readonly key: string;
}

export interface AzuriteOptions {
  readonly dataDir: string;
  readonly blob: Address;
  readonly queue: Address;
  readonly table: Address;
  readonly accounts: readonly StorageAccount[];
  readonly logFile: string;
  readonly onSpawn?: (child: ChildProcess) => void;
  /** Aborting ends a start that is under way. */
  readonly signal?: AbortSignal;
}

/**
 * Starts Azurite (blobs, queues and tables) with its data in a folder. API versions are not checked: current storage
 * clients speak newer ones than the last Azurite that runs on Node 20 knows by name.
 */
export async function startAzurite({
  dataDir,
  accounts,
  logFile,
  onSpawn,
  signal,
  ...services
}: AzuriteOptions): Promise<Running> {
  await mkdir(dataDir, { recursive: true });
  const addresses = (['blob', 'queue', 'table'] as const).map((kind) => {
    const { host, port } = services[kind];
    return { kind, host: loopbackIp(host), port };
  });
  return startNodeService({
    name: 'Azurite',
    entry: createRequire(__filename).resolve('azurite/dist/src/azurite.js'),
    args: [
      ...['--location', dataDir, '--silent', '--disableTelemetry', '--skipApiVersionCheck'],
      ...addresses.flatMap(({ kind, host, port }) => [`--${kind}Host`, host, `--${kind}Port`, String(port)]),
    ],
    cwd: dataDir,
    env: { ...process.env, ...toAccountsVariable(accounts) },
    logFile,
    addresses,
    ...(onSpawn && { onSpawn }),
    ...(signal && { signal }),
  });
}

/** Azurite knows only its own account unless this variable names others, and then only those. */
function toAccountsVariable(accounts: readonly StorageAccount[]): Record<string, string> {
  if (accounts.length === 0) return {};
  return { AZURITE_ACCOUNTS: accounts.map(({ name, key }) => `${name}:${key}`).join(';') };
}
