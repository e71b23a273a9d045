import type { Environment } from './settings';

/** A stand-in that is up. */
export interface Running {
  /** Where it listens, for people to read. */
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

/**
 * Runs a stand-in as this process: says in one line where it listens, or why it can't and ends with exit code 1.
 * It ends in order on SIGTERM and SIGINT, and when the process that forked it is gone.
 */
export async function runProcess(name: string, start: (environment: Environment) => Promise<Running>): Promise<void> {
  let running: Running;
  try {
    running = await start(process.env);
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
  let isEnding = false;
  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    void running.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(`${name}: could not end in order:`, error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  if (process.send !== undefined) {
    process.on('disconnect', end);
    if (!process.connected) end();
  }
  console.log(`${name} listening on ${running.addresses.join(' and ')}`);
}
