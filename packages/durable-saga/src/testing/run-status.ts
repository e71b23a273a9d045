import type { SagaOutcome } from '../definition/settlement';
import type { Reply } from '../definition/activity';
import type { SagaStatus } from '../runner/status';
import type { Attempt } from './treatment';

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

/** e.g. `undo of reserve#apple, attempt 2: done`; a key of the instance's own is without its id. */
export function describeAttempt({ instanceId, name, key, attempt }: Attempt, result: unknown): string {
  const step = key.startsWith(`${instanceId}/`) ? key.slice(instanceId.length + 1) : key;
  const what = `${key.includes(`/${name}#`) ? '' : 'undo of '}${step}, attempt ${attempt}`;
  const reply = result as Reply;
  if (reply.ok) return `${what}: done`;
  const { kind, code, message } = reply.failure;
  return `${what}: ${kind} ${code}: ${message}`;
}
