import type { SagaClient, StartedSaga } from '../client/saga-clients';
import { sagaClients } from '../client/saga-clients';
import type { StartOptions } from '../client/start';
import type { Duration } from '../definition/duration';
import { toMilliseconds } from '../definition/duration';
import type { EventSchemas, Saga } from '../definition/saga';
import type { DeepReadonly } from '../definition/schema';
import type { SagaOutcome } from '../definition/settlement';
import type { Registration } from '../host/register';
import { hostFunctionsOf } from './host-functions';
import { readOutcome, readStatus } from './run-status';
import { SimulatedHost } from './simulated-host';
import { Timeline } from './timeline';
import type { Attempt, Treatment } from './treatment';
import type { Mode } from './turns';

export interface SagaHostOptions<Ports> extends Registration<Ports> {
  /** How turns are run. Default: `verify`: kept between turns, and each turn replayed; a difference is an error. */
  readonly mode?: Mode;
  /** What the platform does to an attempt; by default it runs it at once. */
  readonly treat?: (attempt: Attempt) => Treatment | undefined;
  /** Default: the first of January 2026. */
  readonly startAt?: Date;
}

/** A host in this process whose time is simulated: it goes on when the test says so. */
export interface SagaHost {
  /** The host as a durable client, for code of the app that wants one; attempts, logs and instances are there, too. */
  readonly durable: SimulatedHost;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The typed client of a saga, as in production. */
  client<Input, Result, Events extends EventSchemas>(
    saga: Saga<Input, Result, Events>,
  ): SagaClient<Input, Result, Events>;
  /** Starts a saga and runs what is due now. */
  start<Input, Result, Events extends EventSchemas>(
    saga: Saga<Input, Result, Events>,
    input: DeepReadonly<NoInfer<Input>>,
    options?: StartOptions,
  ): Promise<StartedSaga<Result, Events>>;
  /** Lets time pass: all that falls into it happens, in its order. */
  advance(duration: Duration): Promise<void>;
  /** Goes on until nothing is left to happen. */
  run(): Promise<void>;
  /** Goes on until nothing is left to happen, and gives the outcome. Throws an error that says where the saga stands. */
  result<Input, Result, Events extends EventSchemas>(
    saga: Saga<Input, Result, Events>,
    id: string,
  ): Promise<SagaOutcome<Result>>;
  /** What has happened, line by line: when, where, what. */
  timeline(): readonly string[];
}

/** Makes a host for tests of sagas. Throws as `registerSagas` does. */
export function createSagaHost<Ports>(options: SagaHostOptions<Ports>): SagaHost {
  const { mode, treat, startAt, ...registration } = options;
  const now = startAt?.getTime() ?? Date.UTC(2026, 0, 1);
  const timeline = new Timeline(now);
  const host: SimulatedHost = new SimulatedHost({
    functions: hostFunctionsOf(registration),
    now,
    ...(mode === undefined ? {} : { mode }),
    ...(treat === undefined ? {} : { treat }),
    note: (instanceId, text) => timeline.note(host.now, instanceId, text),
  });
  const { claimCheck, observer } = registration;
  const clientOf = <Input, Result, Events extends EventSchemas>(saga: Saga<Input, Result, Events>) =>
    sagaClients({ saga }, { ...(claimCheck && { claimCheck }), observer })(host).saga;
  return {
    durable: host,
    get now() {
      return host.now;
    },
    client: clientOf,
    async start(saga, input, startOptions) {
      const started = await clientOf(saga).start(input, startOptions);
      await host.run({ until: host.now });
      return started;
    },
    advance: (duration) => host.run({ until: host.now + toMilliseconds(duration, 'advance') }),
    run: () => host.run(),
    async result<Result>(saga: Saga<never, Result>, id: string) {
      await host.run();
      const { name } = await host.getStatus(id);
      if (name !== saga.name) throw new Error(`'${id}' is an instance of '${name}', not of '${saga.name}'`);
      const { output, isCompleted, status } = host.engine.find(id);
      const outcome = isCompleted ? readOutcome(output) : undefined;
      if (outcome !== undefined) return outcome as SagaOutcome<Result>;
      throw new Error(`saga '${id}' has not ended: ${describeStand(status)}`);
    },
    timeline: () => timeline.lines,
  };
}

function describeStand(json: string | undefined): string {
  const status = readStatus(json);
  if (status === undefined) return 'it shows no status';
  const { state, parked, waitingFor } = status;
  if (parked !== undefined) return `it is parked at ${parked.what} '${parked.key}': ${parked.failure.message}`;
  return waitingFor?.event === undefined ? `it is ${state}` : `it waits for the event '${waitingFor.event}'`;
}
