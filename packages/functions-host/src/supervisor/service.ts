import type { ChildProcess } from 'node:child_process';
import type { ChildKind } from './children';
import type { Running } from './running';

/** Something to start and keep running. */
export interface Service {
  /** As messages call it: `PostgreSQL`, `carrier`. */
  readonly name: string;
  /** Where it is and why, for people: `127.0.0.1:54329 (DATABASE_URL)`. */
  readonly summary: string;
  /** No setting of the app names it: nothing but the host can use it. */
  readonly isForHostAlone?: boolean;
  /** Resolves when it is up; rejects with what was wrong. An aborted start ends the process again and rejects. */
  start(call: StartCall): Promise<Running>;
}

export interface StartCall {
  readonly signal: AbortSignal;
  /** Told of the process as soon as there is one. */
  readonly onSpawn: (child: ChildProcess, kind?: ChildKind) => void;
}
