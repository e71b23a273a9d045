import type { Handle } from '../host/durable-port';

/** Why work under way should not begin anything new: the saga is cancelled, or another member of its group failed. */
export interface Halt {
  halted(): boolean;
  /** What a wait must include to notice. */
  handles(): readonly Handle[];
}

const NOTHING: readonly Handle[] = [];

/** For what must go on whatever happens: what follows the pivot, and undos. */
export const NEVER_HALT: Halt = { halted: () => false, handles: () => NOTHING };

/** Halts when either does. */
export function eitherHalt(outer: Halt, halted: () => boolean): Halt {
  return { halted: () => halted() || outer.halted(), handles: () => outer.handles() };
}
