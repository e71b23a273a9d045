import type { Failure } from './history';
import type { RewindPlan } from './rewind-plan';

/**
 * What reaches an instance from outside its code. Answers to what it opened name the execution they belong to, so that
 * those of an earlier one (before a continue-as-new) are dropped. Clients' messages are acknowledged once durable.
 */
export type Message = Answer | ClientMessage | { readonly kind: 'begin' } | RewindMessage | { readonly kind: 'goOn' };

/** Takes a failed instance back to before its failure; the instance was made ready for it. */
export interface RewindMessage extends RewindPlan {
  readonly kind: 'rewind';
  readonly reason: string;
}

/** The result of something that the code opened. */
export type Answer = { readonly executionId: string; readonly id: number } & (
  | { readonly kind: 'activityCompleted'; /** JSON */ readonly result: string }
  | { readonly kind: 'activityFailed'; readonly failure: Failure }
  | { readonly kind: 'timerFired' }
  | { readonly kind: 'childCompleted'; /** JSON */ readonly result: string }
  | { readonly kind: 'childFailed'; readonly failure: Failure }
  | {
      readonly kind: 'entityAnswered';
      /** JSON; missing when there is none. */
      readonly result?: string;
      /** The operation failed; `result` says how. */
      readonly isError?: true;
    }
  | { readonly kind: 'lockGranted' }
);

export type ClientMessage =
  | { readonly kind: 'event'; readonly name: string; /** JSON */ readonly input: string; readonly at: number }
  | { readonly kind: 'terminate'; readonly reason: string }
  | { readonly kind: 'suspend'; readonly reason: string }
  | { readonly kind: 'resume'; readonly reason: string };

/** A message in an instance's inbox. */
export interface Parcel {
  readonly message: Message;
  /** Its number in the store, once it is held there. */
  seq: number | undefined;
  /** Tells the sender, where there is one to be told. */
  receipt: Receipt | undefined;
}

export interface Receipt {
  /** The message is durable; or it came too late, for an instance that had finished. */
  settle(outcome: 'accepted' | 'finished'): void;
  fail(error: Error): void;
}

/** Messages that are not kept in the store while they wait: they are made again from the history after a restart. */
export function isRederivable(message: Message): boolean {
  switch (message.kind) {
    case 'begin':
    case 'goOn':
    case 'rewind':
    case 'timerFired':
      return true;
    default:
      return false;
  }
}
