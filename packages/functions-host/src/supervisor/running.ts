import type { ChildProcess } from 'node:child_process';

/** A process that is up. */
export interface Running {
  readonly pid: number;
  /** Resolves when the process has ended, whoever ended it, with how it did (`code 1`, `signal SIGKILL`). */
  readonly ended: Promise<string>;
  /** Ends it gently and waits until it has ended; does nothing when it has already. */
  stop(): Promise<void>;
}

/** How a child process ends, once it does; also when it couldn't be started at all. */
export function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `code ${code ?? '?'}`));
    child.once('error', (error) => resolve(error.message));
  });
}

/** Calls `react` once when the signal aborts, or now when it has; answers how to stop listening. */
export function onAbort(signal: AbortSignal | undefined, react: () => void): () => void {
  if (signal?.aborted) react();
  signal?.addEventListener('abort', react, { once: true });
  return () => signal?.removeEventListener('abort', react);
}
