import os from 'node:os';
import { isJsonObject, type JsonObject } from '../json-object';
import type { HostJson } from './host-json';

/**
 * What the real host shows as its configuration: the defaults of its extensions with what host.json says put over them.
 * Not all of it matters to this host; tools look for it.
 */
export function toHostConfig({ extensions, concurrency, hubName }: HostJson): object {
  const { http, durableTask, queues, blobs, ...others } = extensions;
  return {
    extensions: {
      http: merge(httpDefaults, http),
      durableTask: { ...merge(durableTaskDefaults, durableTask), hubName },
      queues: merge(queueDefaults(), queues),
      blobs: merge({ centralizedPoisonQueue: false }, blobs),
      ...others,
    },
    concurrency: merge(concurrencyDefaults, concurrency),
  };
}

const httpDefaults: JsonObject = {
  dynamicThrottlesEnabled: false,
  enableChunkedRequestBinding: false,
  maxConcurrentRequests: -1,
  maxOutstandingRequests: -1,
  routePrefix: 'api',
};

const durableTaskDefaults: JsonObject = {
  hubName: '',
  defaultVersion: null,
  versionMatchStrategy: 'CurrentOrOlder',
  versionFailureStrategy: 'Reject',
  maxConcurrentActivityFunctions: null,
  maxConcurrentOrchestratorFunctions: null,
  maxConcurrentEntityFunctions: null,
  maxEntityOperationBatchSize: null,
  extendedSessionsEnabled: false,
  extendedSessionIdleTimeoutInSeconds: 30,
  maxOrchestrationActions: 100_000,
  overridableExistingInstanceStates: 'NonRunningStates',
  entityMessageReorderWindowInMinutes: 30,
  useGracefulShutdown: false,
  rollbackEntityOperationsOnExceptions: true,
  throwStatusExceptionsOnRaiseEvent: null,
  useAppLease: true,
  storeInputsInOrchestrationHistory: false,
  localRpcEndpointEnabled: null,
  maxGrpcMessageSizeInBytes: 4_194_304,
  grpcHttpClientTimeout: '00:01:40',
  httpSettings: { defaultAsyncRequestSleepTimeMilliseconds: 30_000, useForwardedHost: false },
  tracing: {
    traceInputsAndOutputs: false,
    allowVerboseLinuxTelemetry: false,
    traceReplayEvents: false,
    distributedTracingEnabled: false,
    distributedTracingProtocol: 'HttpCorrelationProtocol',
    version: 1,
    includeInstanceIdInOperationName: false,
  },
  notifications: { eventGrid: null },
  appLeaseOptions: { renewInterval: '00:00:25', acquireInterval: '00:05:00', leaseInterval: '00:01:00' },
};

const queueBatchSize = 16;

/** The threshold for the next batch grows with the machine. */
const queueDefaults = (): JsonObject => ({
  batchSize: queueBatchSize,
  newBatchThreshold: (queueBatchSize / 2) * os.availableParallelism(),
  maxPollingInterval: '00:00:02',
  maxDequeueCount: 5,
  visibilityTimeout: '00:00:00',
});

const concurrencyDefaults: JsonObject = {
  dynamicConcurrencyEnabled: false,
  maximumFunctionConcurrency: 500,
  cpuThreshold: 0.8,
  snapshotPersistenceEnabled: true,
};

function merge(defaults: JsonObject, given: unknown): JsonObject {
  if (!isJsonObject(given)) return defaults;
  const merged: Record<string, unknown> = { ...defaults };
  for (const [key, value] of Object.entries(given)) {
    const before = merged[key];
    merged[key] = isJsonObject(before) ? merge(before, value) : value;
  }
  return merged;
}
