import type { ChildProcess } from 'node:child_process';
import { formatAddress, isListening } from './addresses';
import type { Address } from './addresses';
import { DiedAtStart } from './failures';
import { openLogFile } from './log-files';
import { pollUntil } from './poll';
import { onAbort } from './running';
import type { Running } from './running';
import { forkTethered, toRunning } from './tethered';

export interface NodeServiceOptions {
  /** As messages call it. */
  readonly name: string;
  readonly entry: string;
  readonly args?: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
  /** It is up when all of these accept connections. */
  readonly addresses: readonly Address[];
  readonly readyWithinMs?: number;
  readonly onSpawn?: (child: ChildProcess) => void;
  /** Aborting ends a start that is under way. */
  readonly signal?: AbortSignal;
}

/**
 * Starts a service that is a Node program, and resolves when it listens wherever it should. Rejects with `DiedAtStart`,
 * which holds its last words, when it ends or stays silent instead.
 */
export async function startNodeService(options: NodeServiceOptions): Promise<Running> {
  const { name, addresses, readyWithinMs = 30_000 } = options;
  const log = await openLogFile(options.logFile);
  const child = forkTethered({ ...options, output: log.fd });
  log.close();
  options.onSpawn?.(child);
  const running = toRunning(child);
  const stopListening = onAbort(options.signal, () => void running.stop());

  let end: string | undefined;
  void running.ended.then((how) => (end = how));
  const waiting = new Set(addresses);
  await pollUntil(
    async () => {
      for (const address of waiting) if (await isListening(address)) waiting.delete(address);
      return end !== undefined || waiting.size === 0;
    },
    { timeoutMs: readyWithinMs },
  );
  stopListening();
  if (end === undefined && waiting.size === 0) return running;
  const problem =
    end === undefined
      ? `does not listen on ${[...waiting].map(formatAddress).join(', ')} after ${readyWithinMs / 1000} s`
      : `ended with ${end} before it listened on ${addresses.map(formatAddress).join(', ')}`;
  await running.stop();
  throw new DiedAtStart(`${name} ${problem}. Its last lines, of ${log.path}:\n${await log.tail()}`);
}
