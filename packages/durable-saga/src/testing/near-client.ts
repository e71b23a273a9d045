import type { DurableClient, NearClient, ShownInstance } from '../host/durable-functions';
import type { FoundInstance } from '../client/durable-client';

/** What a client of a simulated host asks it. */
export interface Asked {
  readonly shown: (id: string) => ShownInstance | undefined;
  readonly startNew: (
    name: string,
    options: { readonly instanceId?: string; readonly input: unknown },
  ) => Promise<string>;
  readonly raiseEvent: (id: string, name: string, payload: unknown) => Promise<void>;
  readonly terminate: (id: string, reason: string) => void;
}

/**
 * The durable client that activities of a simulated host are given. It asks the host directly, in words of the library's
 * own client; what it can't do says so.
 */
export function createNearClient({ shown, startNew, raiseEvent, terminate }: Asked): DurableClient {
  const can: NearClient & Partial<Record<keyof DurableClient, unknown>> = {
    readShown: shown,
    startNew,
    raiseEvent: async (id: string, name: string, payload: unknown) => {
      const status = shown(id)?.runtimeStatus;
      // A host takes what is sent to one that has ended, and forgets it.
      if (status === undefined || status === 'Pending' || status === 'Running') await raiseEvent(id, name, payload);
    },
    terminate: async (id: string, reason: string) => {
      terminate(id, reason);
    },
    getStatus: async (id: string) => toFound(shown(id)),
  };
  return new Proxy(can, {
    get(target, property) {
      if (property in target || typeof property === 'symbol' || property === 'then')
        return Reflect.get(target, property) as unknown;
      return () => {
        throw new Error(`the durable client of a simulated host has no '${property}'`);
      };
    },
  }) as unknown as DurableClient;
}

function toFound(instance: ShownInstance | undefined): FoundInstance {
  if (instance === undefined) {
    throw new Error('DurableClient error: Durable Functions extension replied with HTTP 404 response. Details: {}');
  }
  return {
    ...instance,
    createdTime: new Date(instance.createdTime),
    lastUpdatedTime: new Date(instance.lastUpdatedTime),
  };
}
