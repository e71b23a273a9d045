import type { DurableClientPort } from 'durable-saga';

type Status = Awaited<ReturnType<DurableClientPort['getStatus']>>;

/** A durable client over instances that a test puts there; it starts them and says how they are, and runs nothing. */
export interface FakeTaskHub {
  readonly client: DurableClientPort;
  readonly instances: Map<string, Status>;
  /** The instances whose status was asked for. */
  readonly asked: readonly string[];
  put(id: string, status: Partial<Status>): void;
}

export function createFakeTaskHub(taskHubName = 'Hub'): FakeTaskHub {
  const instances = new Map<string, Status>();
  const asked: string[] = [];
  const put = (id: string, status: Partial<Status>): void => {
    const time = new Date(0);
    const defaults = {
      name: 'placeOrder',
      runtimeStatus: 'Running',
      createdTime: time,
      lastUpdatedTime: time,
      output: null,
    };
    instances.set(id, { ...defaults, ...status });
  };
  return {
    instances,
    put,
    asked,
    client: {
      taskHubName,
      async startNew(name, { instanceId = 'some-id', input }) {
        if (instances.has(instanceId)) throw new Error(`HTTP 409: an instance ${instanceId} is there`);
        put(instanceId, { name, customStatus: undefined, output: input });
        return instanceId;
      },
      async getStatus(id) {
        asked.push(id);
        const status = instances.get(id);
        if (!status) throw new Error(`HTTP 404: there is no instance ${id}`);
        return status;
      },
      getStatusBy: async () => [...instances].map(([instanceId, status]) => ({ instanceId, ...status })),
      raiseEvent: () => Promise.reject(new Error('no event is expected here')),
    },
  };
}
