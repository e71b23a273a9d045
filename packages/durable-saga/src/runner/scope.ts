import type { Halt } from './halt';
import type { UndoStack } from './undo-stack';

/** Where an operation stands: in the saga's body, in a member of a group, in a member of a race. */
export interface Scope {
  /** What has to be undone of it is put here before it is tried. */
  readonly undos: UndoStack;
  /** Says that nothing new is to be begun: the saga is cancelled, another member of the group failed, the race is lost. */
  readonly halt: Halt;
  /** Ends also what runs forward after the pivot: its race is lost. */
  readonly lost: Halt;
}
