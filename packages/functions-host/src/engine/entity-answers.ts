import type { OperationResult } from './entity-call';
import type { Caller } from './entity-messages';
import type { EntityWork, OperationParcel } from './entity-queue';
import type { Answer } from './messages';

/** An answer of an entity, and who waits for it. */
export interface AnswerTo {
  readonly caller: Caller;
  readonly answer: Answer;
}

/** An answer with its place in the inbox of its caller. */
export interface AddressedAnswer extends AnswerTo {
  /** The caller's number. */
  readonly no: number;
  readonly seq: number;
}

/** Numbers of callers that have failed. */
export type FailedCallers = ReadonlyMap<Caller, number>;

/** The answer to an operation; none to a signal. */
export function toAnswer({ message }: OperationParcel, { isError, result }: OperationResult): AnswerTo[] {
  const { caller } = message;
  if (caller === undefined) return [];
  const { executionId, taskId: id } = caller;
  return [
    {
      caller,
      answer: {
        ...{ kind: 'entityAnswered', executionId, id },
        ...(result !== undefined && { result }),
        ...(isError && { isError }),
      },
    },
  ];
}

/** What tells those who have got their locks. */
export function grants({ granted }: EntityWork): AnswerTo[] {
  return granted.map((caller) => ({
    caller,
    answer: { kind: 'lockGranted', executionId: caller.executionId, id: caller.taskId },
  }));
}
