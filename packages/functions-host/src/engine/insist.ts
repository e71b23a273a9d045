import type { Clock } from '../clock';
import { StoreUnavailable } from '../store/store';

export interface Insistence {
  /** Real time. */
  readonly clock: Clock;
  /** Whether to give up: the failure then reaches the caller. */
  readonly isOver: () => boolean;
  /** The store can't be read; called for each failed attempt. */
  readonly failed: (error: StoreUnavailable, retryInMs: number) => void;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** Reads from the store, for which it is waited, with growing pauses, while it is away. Other failures reach the caller. */
export async function insist<T>({ clock, isOver, failed }: Insistence, read: () => Promise<T>): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || isOver()) throw error;
      failed(error, pause);
      await new Promise<void>((resolve) => clock.schedule(clock.now() + pause, resolve));
    }
  }
}
