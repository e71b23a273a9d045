import type { Clock } from '../clock';
import type { Turn } from './turn';

/** What all parts of one broker share. */
export interface BrokerContext {
  readonly clock: Clock;
  readonly turn: Turn;
  readonly newLockToken: () => string;
  readonly log: (message: string) => void;
  /** Something is due at that time. */
  readonly wakeAt: (at: number) => void;
}
