import type { Carried } from './carried';
import { readCarried } from './carried';

/**
 * What the typed client starts a saga with: the author's input, and the version that it was started as. A history that
 * goes on from an earlier one finds what that has left beside them.
 */
export interface StartEnvelope {
  readonly $saga: {
    readonly version: string;
    /** Of a child: who started it, and what that means for it. */
    readonly parent?: ParentStamp;
    readonly carried?: Carried;
    /** W3C `traceparent` of who started it. Without it no trace is put into its events that come once. */
    readonly trace?: string;
  };
  readonly input: unknown;
}

export interface ParentStamp {
  readonly id: string;
  /**
   * `passed`: the parent has no way back, so the child has none from its start. `forbidden`: the child runs beside others
   * that may have to be undone with it, so it must not pass a pivot. `allowed`: a pivot of the child is one of the parent.
   */
  readonly pivot: 'passed' | 'forbidden' | 'allowed';
}

/** Version of instances that were started by something that stamps none. */
export const UNVERSIONED = '0';

export interface Start {
  readonly version: string;
  readonly parent?: ParentStamp;
  readonly input: unknown;
  readonly trace?: string;
  /** A text says what is wrong with it. */
  readonly carried?: Carried | string;
}

/** Reads what an instance was started with, by the typed client or by a plain durable client (the bare input). */
export function readStart(start: unknown, hostVersion: string | undefined): Start {
  if (typeof start === 'object' && start !== null && '$saga' in start) {
    const { $saga: stamp, input } = start as { $saga: unknown; input?: unknown };
    if (typeof stamp === 'object' && stamp !== null && 'version' in stamp && typeof stamp.version === 'string') {
      const parent = 'parent' in stamp && isParentStamp(stamp.parent) ? { parent: stamp.parent } : {};
      const carried = 'carried' in stamp ? { carried: readCarried(stamp.carried) } : {};
      const trace = 'trace' in stamp && typeof stamp.trace === 'string' ? { trace: stamp.trace } : {};
      return { version: stamp.version, input, ...parent, ...trace, ...carried };
    }
  }
  return { version: hostVersion ?? UNVERSIONED, input: start };
}

function isParentStamp(value: unknown): value is ParentStamp {
  if (typeof value !== 'object' || value === null) return false;
  const { id, pivot } = value as Partial<Record<keyof ParentStamp, unknown>>;
  return typeof id === 'string' && (pivot === 'passed' || pivot === 'forbidden' || pivot === 'allowed');
}
