import type { Instance } from './instance';
import type { SagaOutcome } from '../definition/settlement';
import type { OwedData, UndoStack } from './undo-stack';

/** Output of a saga that was started as a child: how it ended, and what that means for its parent. */
export type ChildEnd = SagaOutcome & {
  readonly $child: {
    /** Of its instance. */
    readonly id: string;
    /** Once it is `passed`, the parent is past its own. */
    readonly pivot: 'none' | 'passed';
    /** What the parent has to undo, should it go back; in the order of the child's steps. */
    readonly owed: readonly OwedData[];
  };
};

/** Hands over what a child owes: a completed one that can still be undone. */
export function toChildEnd({ durable, progress }: Instance, outcome: SagaOutcome, undos: UndoStack): ChildEnd {
  const pivot = progress.pivot === 'passed' ? 'passed' : 'none';
  const owed = outcome.outcome === 'completed' && pivot === 'none' ? undos.toData() : [];
  return { ...outcome, $child: { id: durable.instanceId, pivot, owed } };
}

/** Reads a child's output; undefined for what no child saga wrote. */
export function readChildEnd(value: unknown): ChildEnd | undefined {
  if (typeof value !== 'object' || value === null || !('$child' in value) || !('outcome' in value)) return undefined;
  const { $child: child } = value;
  const isEnd = typeof child === 'object' && child !== null && 'pivot' in child && 'owed' in child;
  return isEnd && Array.isArray(child.owed) ? (value as ChildEnd) : undefined;
}
