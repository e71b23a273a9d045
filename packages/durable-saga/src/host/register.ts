import type { Activity, BoundActivity, KeyedReply, StepCall } from '../definition/activity';
import { callerOf } from '../definition/activity';
import { ClaimCheck } from '../store/claim-check';
import type { ClaimCheckOptions } from '../store/claim-check';
import { cancelChild } from './child-cancel';
import type { Definitions } from '../definition/definitions';
import type { ActivityHandler, ActivityInvocation, Orchestrator } from './durable-functions';
import { registerActivity, registerOrchestrator } from './durable-functions';
import { orchestratorsOf } from './orchestrators';
import type { ObservedAttempt, SagaObserver } from '../definition/observer';
import { readOwed } from '../recovery/read-owed';
import { recovery } from '../recovery/recovery';
import type { Saga } from '../definition/saga';

export interface Registration<Ports> {
  /** What the activities need of the outside world. */
  readonly ports: Ports;
  readonly sagas: readonly Saga<never, unknown>[];
  /** Every activity that a saga uses, `settled` and `parked` ones included. */
  readonly activities: readonly Activity<never, unknown, NoInfer<Ports>>[];
  /** Told of each attempt, e.g. by `durable-saga/opentelemetry`. */
  readonly observer?: SagaObserver | undefined;
  /** Where fields that are declared by `claiming` are kept when they are large. Give the same to `sagaClients`. */
  readonly claimCheck?: ClaimCheckOptions;
}

/**
 * Registers sagas as durable orchestrators, and activities and their undos as durable activities. Call it once, at the
 * composition root. Throws for a name that is given twice and for a `settled` or `parked` activity that is not listed.
 */
export function registerSagas<Ports>(registration: Registration<Ports>): void {
  const { orchestrators, activities } = functionsOf(registration);
  for (const { name, usesClient, handler } of activities) registerActivity(name, usesClient, handler);
  for (const [name, orchestrator] of orchestrators) registerOrchestrator(name, orchestrator);
}

/** What a host is to run. */
export interface SagaFunctions {
  readonly orchestrators: ReadonlyMap<string, Orchestrator>;
  readonly activities: readonly ActivityFunction[];
}

export interface ActivityFunction {
  readonly name: string;
  readonly usesClient: boolean;
  readonly handler: ActivityHandler;
}

/** The functions that a registration is made of. Throws as `registerSagas` does. */
export function functionsOf<Ports>({ ports, ...parts }: Registration<Ports>): SagaFunctions {
  const { orchestrators, own, claims } = portlessOf(parts);
  const activities = [...parts.activities, ...own];
  return {
    orchestrators,
    activities: activities.flatMap((activity) =>
      activityFunctions(activity, activity.bind(ports, claims), parts.observer),
    ),
  };
}

/** The part of a registration that needs no ports. */
export interface Portless {
  readonly orchestrators: SagaFunctions['orchestrators'];
  /** The toolkit's own activities. */
  readonly own: readonly Activity<never, unknown, unknown>[];
  readonly claims: ClaimCheck;
}

/** Throws as `registerSagas` does. */
export function portlessOf({ sagas, activities, claimCheck, observer }: Omit<Registration<never>, 'ports'>): Portless {
  const claims = new ClaimCheck(claimCheck);
  const definitions: Definitions = {
    activities: new Map(activities.map((activity) => [activity.name, activity])),
    sagas: new Map(sagas.map((saga) => [saga.name, saga])),
    claims,
    observed: observer !== undefined,
  };
  const own = [cancelChild, readOwed(definitions)];
  checkUnique([
    recovery.name,
    ...[...activities, ...own].flatMap(({ name, undoName }) => [name, undoName ?? []].flat()),
    ...sagas.map(({ name }) => name),
  ]);
  for (const { name, settled, parked } of sagas) {
    for (const [role, activity] of Object.entries({ settled, parked })) {
      if (activity !== undefined && !definitions.activities.has(activity.name)) {
        throw new Error(
          `saga '${name}': its ${role} activity '${activity.name}' is not among the activities to register`,
        );
      }
    }
  }
  return { orchestrators: orchestratorsOf(definitions), own, claims };
}

/** The durable activity of an activity, and that of its undo, if it has one. */
export function activityFunctions<Ports>(
  { name, undoName, usesClient }: Activity<never, unknown, Ports>,
  bound: BoundActivity,
  observer?: SagaObserver,
): ActivityFunction[] {
  const toFunction = (own: string, attempt: BoundActivity['run'], undo: boolean): ActivityFunction => ({
    name: own,
    usesClient,
    // Not async: each attempt of each step goes through here, and has a promise already.
    handler(input, seam) {
      const call = checkStepCall(own, input);
      if (observer === undefined) return attempt(call, seam);
      return observed(observer, { about: { activity: name, undo }, call, seam }, () => attempt(call, seam));
    },
  });
  const step = toFunction(name, (call, seam) => bound.run(call, seam), false);
  if (undoName === undefined) return [step];
  return [step, toFunction(undoName, (call, seam) => bound.undo(call, seam), true)];
}

interface Observed {
  readonly about: Pick<ObservedAttempt, 'activity' | 'undo'>;
  readonly call: StepCall;
  readonly seam: ActivityInvocation;
}

/** Runs an attempt once, whatever the observer does. */
async function observed(
  observer: SagaObserver,
  { about, call: { $step }, seam }: Observed,
  attempt: () => Promise<KeyedReply>,
): Promise<KeyedReply> {
  let running: Promise<KeyedReply> | undefined;
  const run = () => (running ??= attempt());
  const [saga, version] = $step.saga ?? [];
  try {
    await observer.attempt(
      {
        ...about,
        saga,
        version,
        instanceId: callerOf($step),
        key: $step.key,
        attempt: $step.attempt ?? 1,
        invocation: seam.invocation,
        causes: $step.causes ?? [],
      },
      run,
    );
  } catch (error) {
    seam.warn(`the observer of sagas failed at '${$step.key}', which changes nothing for the saga:`, error);
  }
  return run();
}

function checkStepCall(name: string, input: unknown): StepCall {
  if (isStepCall(input)) return input;
  throw new TypeError(
    `activity '${name}': expected a call made by a saga ({ $step, input }); call it through saga.step, saga.call or saga.pivot`,
  );
}

function isStepCall(input: unknown): input is StepCall {
  if (typeof input !== 'object' || input === null || !('$step' in input)) return false;
  const { $step: step } = input;
  return typeof step === 'object' && step !== null && 'key' in step && typeof step.key === 'string';
}

function checkUnique(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    const folded = name.toLowerCase();
    if (seen.has(folded))
      throw new Error(`the name '${name}' is registered twice; function names must differ, whatever their case`);
    seen.add(folded);
  }
}
