import type { Activity } from '../definition/activity';
import { checkMayPivot, describeChild } from './child';
import { findActivity } from '../definition/definitions';
import { fractionOf, uuidOf } from '../definition/deterministic';
import { toMilliseconds, toTimeout } from '../definition/duration';
import { copyAsJson } from '../definition/json';
import type { Instance } from './instance';
import { groupOperations } from '../definition/group-operations';
import type { StepInstruction } from '../definition/operation';
import { DescribedOperation } from '../definition/operation';
import type { ChildOptions, EventSchemas, Saga, SagaContext, StepOptions } from '../definition/saga';
import { planRetries } from '../definition/retry';
import { listIssues, parseWith } from '../definition/schema';

/** Makes what a saga's body works with. Operations only describe; keys are given in the order of the calls. */
export function createContext(
  instance: Instance,
  { name, input: inputSchema, events }: Saga<never, unknown>,
): SagaContext<EventSchemas, unknown> {
  const { durable, drawn } = instance;

  function describeStep(
    as: StepInstruction['as'],
    activity: Activity<never, unknown, never>,
    input: unknown,
    options: StepOptions = {},
  ): StepInstruction {
    findActivity(instance.definitions, activity.name);
    const where = `step '${activity.name}'`;
    // What was asked for stays as it was, whatever the body does to it afterwards: a retry and the undo get the same.
    const asked = copyAsJson(`input of ${where}`, input);
    checkSize(`input of ${where}`, asked);
    if (options.retry !== undefined) planRetries('step', { ...activity.retry, ...options.retry }, where);
    return {
      do: 'step',
      as,
      activity,
      key: instance.keys.next(activity.name, options.key),
      input: asked,
      retry: options.retry,
      timeout: options.timeout === undefined ? undefined : toTimeout(options.timeout, `${where}: timeout`),
    };
  }

  /** An error in the saga, told before the host is asked for something that it may not take. */
  function checkSize(what: string, value: unknown): void {
    const tooLarge = instance.definitions.claims.tooLarge(what, value);
    if (tooLarge !== undefined) throw new RangeError(tooLarge);
  }

  return {
    instanceId: durable.instanceId,
    version: instance.version,
    step: (activity, input, options) => new DescribedOperation('step', describeStep('step', activity, input, options)),
    call: (activity, input, options) => new DescribedOperation('call', describeStep('call', activity, input, options)),
    pivot: (activity, input, options) => {
      checkMayPivot(instance, activity.name);
      return new DescribedOperation('pivot', describeStep('pivot', activity, input, options));
    },
    child: (other: Saga<never, unknown>, input: unknown, options?: ChildOptions) =>
      new DescribedOperation('child', describeChild(instance, other, input, options)),
    ...groupOperations,
    sleep: (duration) =>
      new DescribedOperation('sleep', { do: 'sleep', milliseconds: toMilliseconds(duration, 'saga.sleep') }),
    waitFor: (event: string, options?: { readonly timeout: number | string }) => {
      if (!Object.hasOwn(events, event)) {
        throw new Error(
          `the event '${event}' is not declared; this saga declares ${JSON.stringify(Object.keys(events))}`,
        );
      }
      const timeout = options?.timeout as Parameters<typeof toMilliseconds>[0] | undefined;
      const milliseconds =
        timeout === undefined ? undefined : toMilliseconds(timeout, `saga.waitFor('${event}'): timeout`);
      return new DescribedOperation('waitFor', { do: 'waitFor', event, milliseconds });
    },
    fail: ({ code, message, details }) =>
      new DescribedOperation('fail', {
        do: 'fail',
        failure: {
          kind: 'declared',
          code,
          message,
          retriable: false,
          effect: 'none',
          ...(details === undefined ? {} : { details: copyAsJson('saga.fail: details', details) }),
        },
      }),
    continueAs: (input) => {
      const parsed = parseWith(inputSchema, input);
      if (parsed.ok)
        return new DescribedOperation('continueAs', {
          do: 'continueAs',
          input: copyAsJson('saga.continueAs: input', input),
        });
      throw new TypeError(
        `saga.continueAs: the input of saga '${name}' does not match its schema: ${listIssues(parsed.issues)}`,
      );
    },
    now: () => new Date(durable.now()),
    newId: () => uuidOf(durable.instanceId, String(instance.startedAt), String((drawn.ids += 1))),
    random: () => fractionOf(durable.instanceId, String(instance.startedAt), 'random', String((drawn.numbers += 1))),
  };
}
