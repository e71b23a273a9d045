import { ClaimCheck } from '../store/claim-check';
import type { ClaimCheckOptions } from '../store/claim-check';
import type { EventSchemas, Saga } from '../definition/saga';
import type { DeepReadonly } from '../definition/schema';
import type { SagaObserver } from '../definition/observer';
import type { StartStore } from '../store/start-store';
import type { DurableClientPort } from './durable-client';
import type { InstanceStatus } from './instance-status';
import type { ListFilter } from './list';
import { listInstances } from './list';
import { reachInstance } from './reach';
import type { SagaHandle } from './saga-handle';
import { createHandle } from './saga-handle';
import type { StartOptions } from './start';
import { startSaga } from './start';

/** The handle that a start gives. */
export interface StartedSaga<Result, Events extends EventSchemas> extends SagaHandle<Result, Events> {
  /** False when there was an instance with this id already, running or finished: it stays as it is. */
  readonly started: boolean;
  /** Whether that one was started with the same input; undefined where the host can't say any more, and no store can. */
  readonly sameInput: boolean | undefined;
}

export interface SagaClient<Input, Result, Events extends EventSchemas> {
  /**
   * Starts an instance, unless one was started with this id: then its handle is given. With a store of starts that holds
   * for ever; without one for as long as the host keeps the instance. Throws `SagaInputError` for bad input,
   * `SagaIdTaken` when the id belongs to another saga, `SagaStartPending` when another caller's start with the id
   * neither succeeds nor fails, and a `RangeError` for what is no id.
   */
  start(input: DeepReadonly<Input>, options?: StartOptions): Promise<StartedSaga<Result, Events>>;
  /** The handle of an instance, which may exist or not: nobody is asked. Throws a `RangeError` for what is no id. */
  get(id: string): SagaHandle<Result, Events>;
  /**
   * Instances of this saga. The host filters by time and by whether they run; their states are looked at here, and all
   * that the host finds is held in memory meanwhile: give a time where there are very many.
   */
  list(filter?: ListFilter): AsyncIterable<InstanceStatus<Result>>;
}

type ClientOf<S> = S extends Saga<infer Input, infer Result, infer Events> ? SagaClient<Input, Result, Events> : never;

type Definitions = Readonly<Record<string, Saga<never, unknown>>>;

export type SagaClients<D extends Definitions> = { readonly [Name in keyof D]: ClientOf<D[Name]> };

export interface SagaClientsOptions {
  /** Remembers what was started, so that an id is used once even after its instance has ended or was purged. */
  readonly starts?: StartStore;
  /** Where large fields that are declared by `claiming` are kept: the same as in `registerSagas`. */
  readonly claimCheck?: ClaimCheckOptions;
  /** Told of each start and each event that is sent; see `registerSagas`. */
  readonly observer?: SagaObserver | undefined;
}

/**
 * Typed clients of sagas. Define them once, and give them the durable client of an invocation:
 * `const sagas = sagaClients({ placeOrder })`, then `sagas(client).placeOrder.start(...)`.
 */
export function sagaClients<const D extends Definitions>(
  definitions: D,
  { starts, claimCheck, observer }: SagaClientsOptions = {},
): (client: DurableClientPort) => SagaClients<D> {
  const stores: Stores = { starts, claims: new ClaimCheck(claimCheck), observer };
  return (client) => {
    const clients = Object.entries(definitions).map(([name, saga]) => [name, createClient(client, saga, stores)]);
    return Object.fromEntries(clients) as SagaClients<D>;
  };
}

interface Stores {
  readonly starts: StartStore | undefined;
  readonly claims: ClaimCheck;
  readonly observer: SagaObserver | undefined;
}

function createClient(
  client: DurableClientPort,
  saga: Saga<never, unknown>,
  stores: Stores,
): SagaClient<unknown, unknown, EventSchemas> {
  const get = (id: string) =>
    createHandle({ ...reachInstance(client, saga, id, stores.observer), claims: stores.claims });
  return {
    get,
    async start(input, options = {}) {
      const { id, started, sameInput } = await startSaga({ client, saga, input, ...stores }, options);
      return { ...get(id), started, sameInput };
    },
    list: (filter = {}) => listInstances(client, saga, filter),
  };
}
