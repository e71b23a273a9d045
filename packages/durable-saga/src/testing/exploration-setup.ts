import type { Activity } from '../definition/activity';
import type { Saga } from '../definition/saga';
import type { PathEvent } from '../diagram/path';
import type { FaultKind, OperatorDecision } from './fault';
import type { Books, Run } from './run';

/** What a run of a saga meets outside: made fresh for each run, so that no run knows of another. */
export interface World<Ports> {
  readonly ports: Ports;
  /** What there is of everything. With it the explorer can see whether something had an effect twice. */
  books?(): Books | Promise<Books>;
  /** Throws if something is not as it must be at the end of a run. */
  check?(run: Run): void | Promise<void>;
}

/** The simulated time of a run, for ports that ask what time it is. */
export interface WorldClock {
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Throws, or gives false, for what must not be; `ports` are those of the run's world. */
export type Invariant<Ports> = (run: Run, ports: Ports) => unknown;

export interface ExplorationSetup<Ports, Input> {
  readonly input: Input;
  /** Events that normally come, by their time after the start. */
  readonly events?: readonly PathEvent[];
  readonly world: (clock: WorldClock) => World<Ports> | Promise<World<Ports>>;
  /** Every activity that the saga and its children use, `settled` and `parked` ones included. */
  readonly activities: readonly Activity<never, unknown, NoInfer<Ports>>[];
  /** Further sagas: its children. */
  readonly sagas?: readonly Saga<never, unknown>[];
  readonly invariants?: Readonly<Record<string, Invariant<NoInfer<Ports>>>>;
  /**
   * Names of activities whose failure for good the body catches to go on: elsewhere a saga that ends completed with a
   * failed step has swallowed a failure.
   */
  readonly tolerated?: readonly string[];
  /** Kinds of faults to try. Default: all. */
  readonly faults?: readonly FaultKind[];
  /**
   * What operators are tried to say of what is parked. Default: `retry`, `skip` and `fail`. Books don't survive a
   * `skipBlind`, unless the saga looks after that.
   */
  readonly operator?: readonly OperatorDecision[];
  /** How many pairs of faults are tried, beside every single one. Default: 500. */
  readonly budget?: { readonly pairs: number };
  /** Decides which pairs. Default: 1. */
  readonly seed?: number;
  /** Default: `explored`. */
  readonly instanceId?: string;
  /** Where the setup is to be found by workers and by a printed test: an export that has `saga` and `setup`. */
  readonly module?: { readonly file: string; readonly name: string };
}
