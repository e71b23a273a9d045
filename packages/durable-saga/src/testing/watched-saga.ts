import type { StepInstruction } from '../definition/operation';
import { SagaStepError } from '../definition/failure';
import type { Failure } from '../definition/failure';
import type { EventSchemas, Saga, SagaContext } from '../definition/saga';

/** What bodies did with their steps, by key: the same however often they are replayed. */
export interface BodyNotes {
  /** Steps that owe an undo, by key: the name of their activity. */
  readonly undoable: Map<string, string>;
  /** Failures that were thrown into a body, by the instance's id and then by the key of the step, or by their code. */
  readonly thrown: Map<string, Map<string, Failure>>;
}

/** The saga, with notes taken of what its body asks for and is told. */
export function watchSaga(saga: Saga<never, unknown>, notes: BodyNotes): Saga<never, unknown> {
  return {
    ...saga,
    body: (context, input) => {
      const { instanceId } = context;
      return watchBody(saga.body(watchContext(context, notes), input), (failure) => {
        let thrown = notes.thrown.get(instanceId);
        if (thrown === undefined) notes.thrown.set(instanceId, (thrown = new Map<string, Failure>()));
        thrown.set(failure.step ?? failure.code, failure);
      });
    },
  };
}

function watchContext(
  context: SagaContext<EventSchemas, unknown>,
  notes: BodyNotes,
): SagaContext<EventSchemas, unknown> {
  const step: SagaContext<EventSchemas>['step'] = (activity, input, options) => {
    const operation = context.step(activity, input, options);
    if (activity.undoName !== undefined) notes.undoable.set(keyOf(operation), activity.name);
    return operation;
  };
  return { ...context, step };
}

function keyOf(operation: object): string {
  const { instruction } = operation as { readonly instruction: Pick<StepInstruction, 'key'> };
  return instruction.key;
}

function watchBody(
  body: Generator<unknown, unknown, unknown>,
  tell: (failure: Failure) => void,
): Generator<unknown, unknown, unknown> {
  const watched = {
    next: (value?: unknown) => body.next(value),
    throw: (error: unknown) => {
      if (error instanceof SagaStepError) tell(error.failure);
      return body.throw(error);
    },
    return: (value: unknown) => body.return(value),
    [Symbol.iterator]: () => watched,
  };
  return watched as unknown as Generator<unknown, unknown, unknown>;
}
