import type { Failure } from '../definition/failure';
import type { OwedData } from '../runner/undo-stack';

/**
 * What a saga that the platform ended leaves behind. The verdicts:
 *
 * - `owes`       its undos, which may be none where only its `settled` is still to be told
 * - `nothing`    it has done its work, or undone it
 * - `pastPivot`  its pivot, or that of a child, has started: it can't be undone
 * - `notStopped` it runs, or has ended by itself
 * - `unreadable` there is no history (any more), or the saga as it is now does not follow it
 */
export type OwedReport =
  | {
      readonly verdict: 'owes';
      readonly saga: string;
      readonly owed: readonly OwedData[];
      /** An operator had given up an undo. */
      readonly isIncomplete: boolean;
      /** Why the saga goes back. */
      readonly failure: Failure;
    }
  | {
      readonly verdict: Refused;
      readonly message: string;
      /** Of a child that owes nothing more, since an operator had given an undo up. */
      readonly isIncomplete?: boolean;
    };

export type Refused = 'nothing' | 'pastPivot' | 'notStopped' | 'unreadable';

/** Input of the activity that reads it. */
export interface OwedCall {
  readonly id: string;
  /** It is asked for its parent: one that has completed owes its undos, too, and one that still runs is told to go back. */
  readonly asChild?: boolean;
}

/** The name of that activity. */
export const READ_OWED = 'durableSagaReadOwed';
