import type { SagaOutcome } from '../definition/settlement';
import type { SagaStatus } from '../runner/status';

/** What a run reads from the status and the output that an instance shows. */
export function readStatus(json: string | undefined): SagaStatus | undefined {
  return json === undefined ? undefined : (JSON.parse(json) as SagaStatus);
}

/** A child's output has its outcome, too. */
export function readOutcome(output: unknown): SagaOutcome | undefined {
  if (typeof output !== 'object' || output === null || !('outcome' in output)) return undefined;
  return output as SagaOutcome;
}

export function canCancel({ state, pivot }: SagaStatus): boolean {
  return pivot === 'none' && (state === 'running' || state === 'waiting');
}

export function describeChange(before: SagaStatus | undefined, now: SagaStatus | undefined): string | undefined {
  if (now === undefined || (before?.state === now.state && before.pivot === now.pivot)) return undefined;
  const why = now.failure === undefined ? '' : `: ${now.failure.kind} ${now.failure.code}: ${now.failure.message}`;
  if (before?.state === now.state) return `pivot ${now.pivot}`;
  return `is ${now.state}${why}`;
}
