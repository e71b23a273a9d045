import type { ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Address, loopbackIp } from './addresses';
import { startNodeService } from './node-service';
import type { Running } from './running';

export interface ServiceBusEmulatorOptions {
  /** The entities, in the official emulator's format. */
  readonly configFile: string;
  /** Messages are kept here. */
  readonly dataDir: string;
  readonly address: Address;
  readonly logFile: string;
  readonly onSpawn?: (child: ChildProcess) => void;
  /** Aborting ends a start that is under way. */
  readonly signal?: AbortSignal;
}

/** Starts the emulator of Service Bus (AMQP without TLS), which keeps its messages in a folder. */
export async function startServiceBusEmulator(options: ServiceBusEmulatorOptions): Promise<Running> {
  const { configFile, dataDir, address, logFile, onSpawn, signal } = options;
  await mkdir(dataDir, { recursive: true });
  const host = loopbackIp(address.host);
  return startNodeService({
    name: 'Service Bus emulator',
    entry: findServiceBusEmulator().entry,
    args: ['--config', configFile, '--host', host, '--port', String(address.port), '--data', dataDir, '--no-health'],
    cwd: dataDir,
    env: process.env,
    logFile,
    addresses: [{ host, port: address.port }],
    ...(onSpawn && { onSpawn }),
    ...(signal && { signal }),
  });
}

/** Where the emulator is installed. @throws if its package is missing. */
export function findServiceBusEmulator(): { readonly entry: string; readonly packageFile: string } {
  const packageFile = createRequire(__filename).resolve('service-bus-emulator/package.json');
  return { packageFile, entry: path.join(path.dirname(packageFile), 'bin', 'service-bus-emulator.js') };
}
