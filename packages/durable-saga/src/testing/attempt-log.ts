import type { Reply } from '../definition/activity';

/** What one attempt came to. */
export type Came = 'done' | 'none' | 'unknown';

/** An attempt as a run knows it while it goes on. */
export interface LoggedAttempt {
  readonly instanceId: string;
  readonly name: string;
  readonly key: string;
  readonly step: string;
  readonly isUndo: boolean;
  readonly attempt: number;
  readonly at: number;
  readonly turn: number;
  readonly timeout: number | undefined;
  readonly calls: string[];
  /** How often it has begun to run. */
  runs: number;
  /** What the saga may know of it: the platform may have lost its reply. */
  came: Came;
}

/** What an attempt's reply says of its effect. */
export function cameTo(reply: Reply): Came {
  if (reply.ok) return 'done';
  return reply.failure.effect === 'none' ? 'none' : 'unknown';
}
