import type { ExplorationSetup } from '../exploration-setup';
import type { Run } from '../run';
import type { Report, Schedule } from './runs';

/* What a thread that explores and its workers say to each other: text, so that nothing is shared. */

/** What a worker is started with: where its setup is. */
export type SetupModule = NonNullable<ExplorationSetup<never, never>['module']>;

export type Request =
  | { readonly id: number; readonly schedules: readonly Schedule[]; readonly wants: 'verdict' | 'reach' }
  | { readonly id: number; readonly show: Schedule };

export type Answer =
  /** The setup is loaded. */
  | { readonly saga: string }
  | { readonly id: number; readonly reports: readonly Report[] }
  | { readonly id: number; readonly run: Run }
  /** Without an id: the setup can't be loaded. */
  | { readonly id?: number; readonly error: string };
