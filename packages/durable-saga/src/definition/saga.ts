import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Activity } from './activity';
import { checkName } from './activity';
import type { Duration } from './duration';
import { toTimeout } from './duration';
import type { Settled } from './failure';
import type {
  GroupOptions,
  MappedMember,
  MapTolerance,
  Member,
  RaceResult,
  ResultOf,
  Results,
  SettledResults,
} from './members';
import type { BodyTurn, Operation, Turn } from './operation';
import type { ParkNotice } from './park-notice';
import type { RetryPolicy } from './retry';
import type { DeepReadonly, In, Out } from './schema';
import type { Settlement } from './settlement';

export interface StepOptions {
  /** The author's own key in place of the count: `<instance>/<step>#<key>`. Must differ between calls of one step. */
  readonly key?: string;
  /** Fields that differ from the activity's policy. */
  readonly retry?: RetryPolicy;
  /** In place of the activity's. */
  readonly timeout?: Duration;
}

export interface ChildOptions {
  /** The author's own key in place of the count: `<instance>/<saga>#<key>`. Must differ between calls of one saga. */
  readonly key?: string;
  /** Of the child's instance; default: `<instance>:<saga>:<key>`, hashed where that is no valid id. */
  readonly id?: string;
}

export type EventSchemas = Readonly<Record<string, StandardSchemaV1>>;

/** What a saga's body works with. Every operation takes effect behind `yield*` only. */
export interface SagaContext<Events extends EventSchemas, Input = never> {
  readonly instanceId: string;
  /** Version that the instance was started with; `'0'` when it was started by something that stamps none. */
  readonly version: string;

  /**
   * Runs an activity. Its undo is registered before the first attempt. A failure for good throws into the body and,
   * uncaught, makes the saga undo; after the pivot it parks the saga instead.
   */
  step<Input, Output>(
    activity: Activity<Input, Output, never>,
    input: DeepReadonly<NoInfer<Input>>,
    options?: StepOptions,
  ): Operation<Output, 'step'>;

  /** Runs an activity and registers no undo. */
  call<Input, Output>(
    activity: Activity<Input, Output, never>,
    input: DeepReadonly<NoInfer<Input>>,
    options?: StepOptions,
  ): Operation<Output, 'call'>;

  /**
   * The point of no return. An unknown outcome is tried again under the same key until it is known, and never undone;
   * a definite refusal (not retriable, no effect) throws and leads back. Afterwards the saga only goes forward.
   */
  pivot<Input, Output>(
    activity: Activity<Input, Output, never>,
    input: DeepReadonly<NoInfer<Input>>,
    options?: StepOptions,
  ): Operation<Output, 'pivot'>;

  /**
   * Runs another saga as a part of this one, in an instance of its own, and gives its result. One that completed is
   * undone with this saga, should it go back; one that was undone is a failed step; one that passed a pivot has taken this
   * saga past its own, so that in a group it must have none. Its input is checked by its own schema. It must be among the
   * sagas that `registerSagas` is given.
   */
  child<Input, Result, ChildEvents extends EventSchemas>(
    other: Saga<Input, Result, ChildEvents>,
    input: DeepReadonly<NoInfer<Input>>,
    options?: ChildOptions,
  ): Operation<Result, 'child'>;

  /**
   * Runs members side by side, at most `concurrency` at a time (all at once by default), and gives their results in
   * order. A member is an operation, or a branch: `function* () { ... }`, written like a body. After one failure no
   * further member starts, waits end, attempts under way settle, and the failure is thrown. The group is undone as one:
   * its members side by side, what a branch did in reverse.
   */
  all<const Members extends readonly Member[]>(
    members: Members,
    options?: GroupOptions,
  ): Operation<Results<Members>, 'all'>;

  /**
   * As `all`, but tries every member and tells of each what became of it. What a failed member did is undone before the
   * results are given.
   */
  allSettled<const Members extends readonly Member[]>(
    members: Members,
    options?: GroupOptions,
  ): Operation<SettledResults<Members>, 'allSettled'>;

  /**
   * Runs a member for each item: an operation, or a branch where the mapper is a generator function. Without a tolerance
   * it fails as `all` does. With `minSuccess`, `maxFailures` or both all items are tried, as `allSettled` does, until the
   * tolerance can't be met any more: then nothing more starts and it fails with the code `toleranceExceeded`.
   */
  map<Item, M extends MappedMember>(
    items: readonly Item[],
    each: (item: Item, index: number) => M,
    options: GroupOptions & MapTolerance,
  ): Operation<Settled<ResultOf<M>>[], 'map'>;
  map<Item, M extends MappedMember>(
    items: readonly Item[],
    each: (item: Item, index: number) => M,
    options?: GroupOptions,
  ): Operation<ResultOf<M>[], 'map'>;

  /**
   * Runs members side by side until the first has settled, and gives its name and result, or throws its failure. The
   * others' waits end and their timers are cancelled, no further attempt starts, attempts under way settle, and what they
   * did is undone, all before it returns. An event that a loser waited for is still there.
   */
  race<const Members extends Readonly<Record<string, Member>>>(
    members: Members,
  ): Operation<RaceResult<Members>, 'race'>;

  sleep(duration: Duration): Operation<void, 'sleep'>;

  /**
   * Waits for a declared event and gives its payload, or undefined when the timeout passed first. An event is kept
   * once: one that came early is found, and waiting again gives the first payload again. Of an event declared with
   * `many` each wait takes the next one, in the order of their arrival. Payloads that don't match the event's schema
   * are logged and waited past.
   */
  waitFor<Name extends keyof Events & string>(event: Name): Operation<Out<Events[Name]>, 'waitFor'>;
  waitFor<Name extends keyof Events & string>(
    event: Name,
    options: { readonly timeout: Duration },
  ): Operation<Out<Events[Name]> | undefined, 'waitFor'>;

  /** Ends the body as a failure that it declares; what was done is undone. Never returns: `return yield* saga.fail(...)`. */
  fail(failure: {
    readonly code: string;
    readonly message: string;
    readonly details?: unknown;
  }): Operation<never, 'fail'>;

  /**
   * Ends this history and runs the body again from its beginning, with this input and a new one: for sagas of more than
   * a few thousand steps, since a turn costs as much as its history is long. The instance stays the same, with all that it
   * owes and has received: undos, counts of keys, events, pivot, version, status. Own keys of steps without an undo may
   * be taken again afterwards. Never returns: `return yield* saga.continueAs(...)`.
   */
  continueAs(input: Input): Operation<never, 'continueAs'>;

  /** The time of the current turn; the same on every replay. */
  now(): Date;
  /** A UUID that is the same on every replay. */
  newId(): string;
  /** A number in [0, 1) that is the same on every replay. */
  random(): number;
}

export interface SagaOptions<I extends StandardSchemaV1, O extends StandardSchemaV1, Events extends EventSchemas> {
  /** Name of the durable orchestrator. */
  readonly name: string;
  /** Stamped into each start by the typed client; `saga.version` reads it. */
  readonly version: string;
  readonly input: I;
  /** Left out when the saga gives nothing back. */
  readonly output?: O;
  /** Events that the body waits for. `cancel` and `retry` are the toolkit's own. */
  readonly events?: Events;
  /**
   * How long after its start the saga may take to start its pivot, or to end where it has none. Then it is undone, as by
   * a cancel, with a failure of kind `timeout` and code `sagaTimeout`. Once the pivot has started it means nothing.
   */
  readonly timeout?: Duration;
  /** Called at the very end, whatever the end is, and tried again until it succeeds. */
  readonly settled?: Activity<Settlement, unknown, never>;
  /** Called when a step or an undo parks, and when nothing is parked any more, so that the outside can show it. */
  readonly parked?: Activity<ParkNotice, unknown, never>;
}

export type SagaBody<I extends StandardSchemaV1, O extends StandardSchemaV1, Events extends EventSchemas> = (
  saga: SagaContext<Events, DeepReadonly<In<I>>>,
  input: Out<I>,
) => Generator<Turn | BodyTurn, DeepReadonly<In<O>>, unknown>;

declare const types: unique symbol;

/** A definition: inert until `registerSagas` makes it a durable orchestrator. */
export interface Saga<Input, Output, Events extends EventSchemas = EventSchemas> {
  readonly name: string;
  readonly version: string;
  readonly input: StandardSchemaV1<unknown, unknown>;
  readonly output: StandardSchemaV1<unknown, unknown> | undefined;
  readonly events: Events;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  readonly settled: Activity<Settlement, unknown, never> | undefined;
  readonly parked: Activity<ParkNotice, unknown, never> | undefined;
  /** The body, over values that the runner has checked. */
  readonly body: (saga: SagaContext<EventSchemas, unknown>, input: unknown) => Generator<unknown, unknown, unknown>;
  readonly [types]?: { readonly input: (input: Input) => void; readonly output: Output };
}

/** Events that the toolkit itself listens to. */
export const CANCEL_EVENT = 'cancel';
export const RETRY_EVENT = 'retry';

/**
 * Defines a saga. The body reads as the business process; what it yields with `yield*` are the steps.
 * Throws a `RangeError` for names that are taken or malformed.
 */
export function saga<
  I extends StandardSchemaV1,
  O extends StandardSchemaV1 = StandardSchemaV1<void, void>,
  // eslint-disable-next-line @typescript-eslint/no-generated-empty-object-type -- no events, so that none can be waited for
  const Events extends EventSchemas = Readonly<Record<never, StandardSchemaV1>>,
>(options: SagaOptions<I, O, Events>, body: SagaBody<I, O, Events>): Saga<In<I>, Out<O>, Events> {
  const where = `saga '${options.name}'`;
  checkName(options.name, where);
  const events = new Set<string>();
  for (const event of Object.keys(options.events ?? {})) {
    checkEventName(event, events, where);
    if (event.toLowerCase() === CANCEL_EVENT || event.toLowerCase() === RETRY_EVENT) {
      throw new RangeError(`${where}: the event '${event}' is the toolkit's own; expected another name`);
    }
  }
  return {
    name: options.name,
    version: options.version,
    input: options.input,
    output: options.output,
    events: options.events ?? ({} as Events),
    timeout: options.timeout === undefined ? undefined : toTimeout(options.timeout, `${where}: timeout`),
    settled: options.settled,
    parked: options.parked,
    // The runner calls it with the very schemas' output, so the erased types hold.
    body: (context, input) => body(context as unknown as SagaContext<Events, DeepReadonly<In<I>>>, input),
  };
}

const EVENT_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,99}$/;

/**
 * Hosts send names in paths and compare them without regard to case. The library looks waits up by name in one object
 * with the numbers of tasks, where what every object has would be found, too.
 */
function checkEventName(event: string, others: Set<string>, where: string): void {
  if (!EVENT_NAME.test(event) || event in {}) {
    throw new RangeError(
      `${where}: expected an event's name of up to 100 letters, digits and _ . - that starts with a letter ` +
        `and is no property of every object, got ${JSON.stringify(event.slice(0, 120))}`,
    );
  }
  if (others.has(event.toLowerCase())) {
    throw new RangeError(`${where}: expected event names that differ by more than case, got '${event}' twice`);
  }
  others.add(event.toLowerCase());
}
