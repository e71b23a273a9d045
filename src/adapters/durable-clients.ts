import type { FunctionInput, InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';

/** The durable clients of an app: that of its own task hub, and that of another app's in the same store. */
export interface DurableClients {
  /** What a function takes to be given them. */
  readonly input: FunctionInput;
  readonly of: (context: InvocationContext) => Clients;
  /** Forgets the histories of the own hub's sagas that were started before `before` and have come to their end; tells how many. */
  readonly purgeHistories: (context: InvocationContext, before: Date) => Promise<number>;
}

export interface Clients {
  readonly own: df.DurableClient;
  /** Its client asks for instances and raises events; it starts nothing. */
  readonly other: { readonly name: string; readonly client: df.DurableClient } | undefined;
}

/** @param other name of the other app's task hub; undefined where there is none. */
export function connectTaskHubs(other: string | undefined): DurableClients {
  const input = df.input.durableClient();
  return {
    input,
    of(context) {
      const own = df.getClient(context);
      if (other === undefined) return { own, other };
      if (own.taskHubName === other) {
        throw new Error(`expected OTHER_TASK_HUB to name the other app's task hub, but "${other}" is this app's own`);
      }
      return { own, other: { name: other, client: clientOfHub(other, input, context) } };
    },
    purgeHistories,
  };
}

/** The part of a client binding's data that is looked at here. */
interface ClientData {
  /** The host's own address for its clients, without a key; some hosts have none. */
  readonly rpcBaseUrl?: string;
  readonly baseUrl: string;
  /** With the key. */
  readonly requiredQueryStringParameters: string;
}

/**
 * A client of another hub. A second binding, with the hub's name in it, would not do: the library leaves the hub out of what
 * it sends to `rpcBaseUrl`, so that it would reach the own one. Of a client without that address it follows the links, and
 * the host reads the hub from those. They name the same address, since an app may not reach itself by its public one.
 */
function clientOfHub(taskHubName: string, input: FunctionInput, { extraInputs }: InvocationContext): df.DurableClient {
  const { rpcBaseUrl, baseUrl, requiredQueryStringParameters: key } = extraInputs.get(input) as ClientData;
  const instance = `${(rpcBaseUrl ?? baseUrl).replace(/\/$/, '')}/instances/INSTANCEID`;
  const hub = `taskHub=${encodeURIComponent(taskHubName)}`;
  const query = rpcBaseUrl === undefined && key !== '' ? `${hub}&${key}` : hub;
  const managementUrls = {
    id: 'INSTANCEID',
    statusQueryGetUri: `${instance}?${query}`,
    sendEventPostUri: `${instance}/raiseEvent/{eventName}?${query}`,
  };
  const data = { taskHubName, creationUrls: {}, managementUrls };
  const context = { options: { extraInputs: [input] }, extraInputs: new Map([[input, data]]) };
  return df.getClient(context as unknown as InvocationContext);
}

/** Sagas end as Completed, whatever their outcome. One that was terminated may owe its undos: its history stays. */
async function purgeHistories(context: InvocationContext, before: Date): Promise<number> {
  const runtimeStatus = [df.OrchestrationRuntimeStatus.Completed];
  const filter = { createdTimeFrom: new Date(0), createdTimeTo: before, runtimeStatus };
  return (await df.getClient(context).purgeInstanceHistoryBy(filter)).instancesDeleted;
}
