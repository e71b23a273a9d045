import { answerOf } from '../../definition/activity';
import type { StepCall } from '../../definition/activity';
import type { OpenTask } from '../../host/library-executor';

/** An activity or a child that the code asked for. */
export interface Asked {
  readonly id: number;
  readonly kind: 'activity' | 'child';
  readonly name: string;
  /** Of a saga's step: its idempotency key. */
  readonly key: string | undefined;
  /** The same as a reply says it. */
  readonly answers: readonly [key: string, attempt: number] | undefined;
  /** Milliseconds; a step's own timer is asked for right behind it. */
  readonly timeout: number | undefined;
  /** Of a child. */
  readonly instanceId: string | undefined;
  /** What made the code ask: a place in the list of what the instance was told, -1 for its start. */
  readonly by: number;
  /** Time of that turn; milliseconds since the epoch. */
  readonly turn: number;
  /** When the history has it asked for, in ticks, and the event that says so. */
  recorded: { readonly ticks: number; readonly index: number } | undefined;
  isAnswered: boolean;
}

export interface AskedTimer {
  readonly id: number;
  readonly fireAt: number;
  readonly by: number;
  readonly turn: number;
  isFired: boolean;
}

export function toAsked(task: Extract<OpenTask, { kind: 'activity' | 'child' }>, by: number, turn: number): Asked {
  const step = task.kind === 'activity' && isStepCall(task.input) ? task.input.$step : undefined;
  return {
    id: task.id,
    kind: task.kind,
    name: task.name,
    key: step?.key,
    answers: step === undefined ? undefined : answerOf(step),
    timeout: step?.timeout,
    instanceId: task.kind === 'child' ? task.instanceId : undefined,
    by,
    turn,
    recorded: undefined,
    isAnswered: false,
  };
}

function isStepCall(input: unknown): input is StepCall {
  return typeof input === 'object' && input !== null && '$step' in input;
}

/** In words, without any payload. */
export function describeAsked({ name, answers, instanceId }: Asked): string {
  return describeStep(name, answers?.[0] ?? instanceId, answers?.[1]);
}

/** `key`: without the instance, if it is the instance's own; of a child its instance id. */
export function describeStep(name: string, key: string | undefined, attempt = 1): string {
  const what = key === undefined ? name : key.startsWith(`${name}#`) ? key : `${name} (${key})`;
  return attempt > 1 ? `${what}, attempt ${attempt}` : what;
}
