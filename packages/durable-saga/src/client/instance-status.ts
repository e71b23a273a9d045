import type { SagaOutcome } from '../definition/settlement';
import type { SagaState, SagaStatus } from '../runner/status';
import type { FoundInstance } from './durable-client';

/** The platform's word for how an instance is; a saga that ended by itself is `Completed`, whatever its outcome. */
export type RuntimeStatus =
  'Pending' | 'Running' | 'Suspended' | 'ContinuedAsNew' | 'Completed' | 'Failed' | 'Terminated' | 'Canceled';

/**
 * Where an instance stands. Two states are not the saga's own: `terminated` (somebody stopped it on the platform) and
 * `failed` (the platform could not run it). Nothing was undone then.
 */
export type InstanceState = SagaState | 'terminated' | 'failed';

export interface InstanceStatus<Result> extends Omit<SagaStatus, 'state'> {
  readonly id: string;
  readonly state: InstanceState;
  readonly runtimeStatus: RuntimeStatus;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** How it ended, once it has. Missing after `terminated` and `failed`, which a saga does not do by itself. */
  readonly outcome?: SagaOutcome<Result>;
  /** What the platform says about a saga that is `terminated` or `failed`. */
  readonly reason?: string;
}

export function toInstanceStatus(id: string, saga: string, found: FoundInstance): InstanceStatus<unknown> {
  const runtimeStatus = found.runtimeStatus as RuntimeStatus;
  const shown = isSagaStatus(found.customStatus)
    ? found.customStatus
    : ({ saga, version: '', state: 'running', pivot: 'none', steps: [] } satisfies SagaStatus);
  const stopped = STOPPED.get(runtimeStatus);
  return {
    ...shown,
    id,
    state: stopped ?? shown.state,
    runtimeStatus,
    createdAt: new Date(found.createdTime),
    updatedAt: new Date(found.lastUpdatedTime),
    ...(runtimeStatus === 'Completed' && isOutcome(found.output) ? { outcome: found.output } : {}),
    ...(stopped !== undefined && typeof found.output === 'string' ? { reason: found.output } : {}),
  };
}

const STOPPED: ReadonlyMap<RuntimeStatus, InstanceState> = new Map([
  ['Terminated', 'terminated'],
  ['Failed', 'failed'],
  ['Canceled', 'failed'],
]);

const ENDED: ReadonlySet<InstanceState> = new Set([
  'completed',
  'compensated',
  'compensationFailed',
  'terminated',
  'failed',
]);

/** It takes nothing any more. The platform may call it running yet, while it waits for an attempt that was given up. */
export function hasEnded({ state, runtimeStatus }: InstanceStatus<unknown>): boolean {
  return runtimeStatus === 'Completed' || ENDED.has(state);
}

function isSagaStatus(value: unknown): value is SagaStatus {
  return typeof value === 'object' && value !== null && 'state' in value && 'steps' in value && 'pivot' in value;
}

function isOutcome(value: unknown): value is SagaOutcome {
  return (
    typeof value === 'object' &&
    value !== null &&
    'outcome' in value &&
    ('result' in value || 'failure' in value || value.outcome === 'completed')
  );
}
