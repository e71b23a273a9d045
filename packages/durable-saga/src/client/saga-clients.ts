import type { EventSchemas, Saga } from '../saga';
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
}

export interface SagaClient<Input, Result, Events extends EventSchemas> {
  /**
   * Starts an instance, unless there is one with this id. Throws `SagaInputError` for bad input, `SagaIdTaken` when the
   * id belongs to another saga, and a `RangeError` for what is no id.
   */
  start(input: Input, options?: StartOptions): Promise<StartedSaga<Result, Events>>;
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

/**
 * Typed clients of sagas. Define them once, and give them the durable client of an invocation:
 * `const sagas = sagaClients({ placeOrder })`, then `sagas(client).placeOrder.start(...)`.
 */
export function sagaClients<const D extends Definitions>(
  definitions: D,
): (client: DurableClientPort) => SagaClients<D> {
  return (client) => {
    const clients = Object.entries(definitions).map(([name, saga]) => [name, createClient(client, saga)]);
    return Object.fromEntries(clients) as SagaClients<D>;
  };
}

function createClient(
  client: DurableClientPort,
  saga: Saga<never, unknown>,
): SagaClient<unknown, unknown, EventSchemas> {
  const get = (id: string) => createHandle(reachInstance(client, saga, id));
  return {
    get,
    async start(input, options = {}) {
      const { id, started } = await startSaga(client, saga, input, options);
      return { ...get(id), started };
    },
    list: (filter = {}) => listInstances(client, saga, filter),
  };
}
