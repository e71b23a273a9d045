import type { FunctionRuntime } from '../app/function-runtime';
import { findServiceBusConnection, toServiceBusConnectionName } from '../triggers/service-bus-connection';
import { readSource } from '../triggers/service-bus-entity';
import { createServiceBusTrigger } from '../triggers/service-bus-trigger';
import type { TriggerListener } from '../triggers/trigger-listener';
import type { ListenerParts } from './listeners';

/** The listener of a Service Bus function. @throws Error that says what is wrong with its entity or connection. */
export function toServiceBusTrigger(parts: ListenerParts, runtime: FunctionRuntime): TriggerListener {
  const { serviceBus, settings, hostJson, received, invoker, clock, pauses, inFlight, log } = parts;
  const entity = readSource(runtime.fn.trigger);
  const connection = toServiceBusConnectionName(runtime.fn.trigger['connection']);
  serviceBus.check(connection, entity.owner);
  const { namespace } = findServiceBusConnection(settings, connection);
  return createServiceBusTrigger({
    ...{ runtime, entity, received, invoker, clock, pauses, inFlight, log },
    namespaceTitle: `namespace ${namespace} (connection '${connection}')`,
    open: {
      source: () => serviceBus.source(connection, entity.path),
      sessions: () => serviceBus.sessions(connection, entity.path),
    },
    serviceBus: hostJson.serviceBus,
  });
}
