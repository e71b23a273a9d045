import type { BindingKinds } from '../app/function-runtime';
import type { SupportedBindings } from '../app/to-registered-function';
import type { DurableExtension } from '../durable/ports';
import { toBlobReader, toBlobWriter } from '../triggers/blob-binding';
import { type QueueWriterOptions, toQueueWriter } from '../triggers/queue-binding';
import { toServiceBusWriter } from '../triggers/service-bus-binding';
import type { ServiceBusClients } from '../triggers/service-bus-client';

/** What this host runs. */
export const supportedBindings: SupportedBindings = {
  triggers: new Set([
    'httpTrigger',
    'timerTrigger',
    'blobTrigger',
    'queueTrigger',
    'serviceBusTrigger',
    'warmupTrigger',
    'orchestrationTrigger',
    'activityTrigger',
    'entityTrigger',
  ]),
  inputs: new Set(['durableClient', 'blob']),
  outputs: new Set(['http', 'blob', 'queue', 'serviceBus']),
};

/** Readers and writers of the bindings beside the trigger. `durable` is asked at each invocation: it starts after the app is loaded. */
export function createBindingKinds(
  storage: QueueWriterOptions,
  serviceBus: ServiceBusClients,
  durable: () => DurableExtension | undefined,
): BindingKinds {
  const { accounts, clock } = storage;
  return {
    inputs: {
      durableClient: (binding) => {
        const { taskHub, connectionName } = binding;
        const about = {
          ...(isGiven(taskHub) && { taskHub }),
          ...(isGiven(connectionName) && { connectionName }),
        };
        return () => {
          const extension = durable();
          if (extension === undefined) throw new Error('The durable extension has not started yet.');
          return { json: extension.clientBinding(about) };
        };
      },
      blob: (binding) => toBlobReader(binding, accounts, clock),
    },
    outputs: {
      blob: (binding) => toBlobWriter(binding, accounts, clock),
      queue: (binding) => toQueueWriter(binding, storage),
      serviceBus: (binding) => toServiceBusWriter(binding, serviceBus, clock),
    },
  };
}

function isGiven(option: unknown): option is string {
  return typeof option === 'string' && option !== '';
}
