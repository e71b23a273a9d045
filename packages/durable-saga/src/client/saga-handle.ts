import { randomUUID } from 'node:crypto';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { isMany, stampEvent } from '../definition/many-events';
import type { ClaimCheck } from '../store/claim-check';
import { openOf } from '../definition/claimed';
import type { EventSchemas } from '../definition/saga';
import type { DeepReadonly, In } from '../definition/schema';
import { whyNoJson } from '../definition/json';
import { listIssues, parseWith } from '../definition/schema';
import { addTrace } from '../definition/single-event';
import type { SagaOutcome } from '../definition/settlement';
import type { Answer } from './answer';
import { refuse, whyNot } from './answer';
import type { CancelOptions } from './cancel';
import { cancelSaga } from './cancel';
import type { InstanceStatus } from './instance-status';
import type { Reach } from './reach';
import { send } from './reach';
import type { RecoveryAnswer, RecoveryHandle } from './recover';
import { recoverSaga, recoveryOf } from './recover';
import type { Decision, ResolveOptions } from './resolve';
import { resolveParked } from './resolve';
import type { ResultOptions } from './result';
import { awaitResult } from './result';

export interface RaiseOptions {
  /**
   * Of an event that may come many times: raised again with the same id, soon after, it is still taken once. For senders
   * that try again when they got no answer. Default: an id that nobody else has.
   */
  readonly id?: string;
}

/** One instance of a saga. It keeps nothing: each call asks the host. */
export interface SagaHandle<Result, Events extends EventSchemas> {
  readonly id: string;
  /** Where the instance stands; undefined when there is none. */
  status(): Promise<InstanceStatus<Result> | undefined>;
  /**
   * Waits for the end and gives the outcome, whatever it is. Throws `SagaResultTimeout` when it has not ended in time,
   * and `SagaResultError` when there won't be an outcome: unknown, terminated, or failed by the platform.
   */
  result(options?: ResultOptions): Promise<SagaOutcome<Result>>;
  /** Sends a declared event. */
  raise<Name extends keyof Events & string>(
    event: Name,
    payload: DeepReadonly<In<Events[Name]>>,
    options?: RaiseOptions,
  ): Promise<Answer>;
  /** Asks the saga to undo itself, and waits until it says whether it does: past the pivot it does not. */
  cancel(options?: CancelOptions): Promise<Answer>;
  /** Decides about what is parked (try again, or count it as done or as failed), and waits until the saga goes on. */
  resolve(decision: Decision, options?: ResolveOptions): Promise<Answer>;
  /** Runs the undos that the saga owes after somebody terminated it, or the platform failed it, before its pivot. */
  recover(): Promise<RecoveryAnswer>;
  /** The handle of the recovery that `recover` started, at whatever time. */
  recovery(): RecoveryHandle;
}

/** A handle's reach, and where it puts large values. */
type Connected = Reach & { readonly claims: ClaimCheck };

export function createHandle(reach: Connected): SagaHandle<unknown, EventSchemas> {
  return {
    id: reach.id,
    status: reach.status,
    result: (options = {}) => awaitResult(reach, options),
    raise: (event, payload, options = {}) => raise(reach, event, payload, options),
    cancel: (options = {}) => cancelSaga(reach, options),
    resolve: (decision, options = {}) => resolveParked(reach, decision, options),
    recover: () => recoverSaga(reach),
    recovery: () => recoveryOf(reach),
  };
}

async function raise(
  reach: Connected,
  event: string,
  payload: unknown,
  { id: eventId = randomUUID() }: RaiseOptions,
): Promise<Answer> {
  const { saga, id, claims } = reach;
  const schema: StandardSchemaV1 | undefined = Object.hasOwn(saga.events, event) ? saga.events[event] : undefined;
  if (schema === undefined) {
    const known = Object.keys(saga.events).join(', ') || 'none';
    return refuse('unknownEvent', `saga '${saga.name}' declares no event '${event}', only: ${known}`);
  }
  const parsed = parseWith(openOf(schema), payload);
  if (!parsed.ok) {
    const message = `payload of event '${event}' does not match its schema: ${listIssues(parsed.issues)}`;
    return { ...refuse('invalid', message), issues: parsed.issues };
  }
  const refusal = whyNot(id, await reach.status());
  if (refusal !== undefined) return refusal;
  const closed = await claims.close(schema, parsed.value, payload);
  const wrong = whyNoJson(closed) ?? claims.tooLarge(`payload of event '${event}'`, closed);
  if (wrong !== undefined) return { ...refuse('invalid', wrong), issues: [{ path: '', message: wrong }] };
  const refused = await send(reach, event, (trace, startedIn) => {
    if (isMany(schema)) return stampEvent({ id: eventId, ...(trace !== undefined && { trace }) }, closed);
    // One that was started without a trace may be of a version whose schema takes less.
    if (trace === undefined || startedIn === undefined) return closed;
    const traced = addTrace(schema, closed, trace);
    return claims.tooLarge(event, traced) === undefined ? traced : closed;
  });
  return refused ?? { accepted: true, confirmed: true };
}
