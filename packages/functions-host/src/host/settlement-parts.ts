import type { FunctionRuntime } from '../app/function-runtime';
import type { HostLog } from '../log';
import { isDeferred } from '../triggers/service-bus-deferred';
import type { ReceivedMessages } from '../triggers/service-bus-received';

/**
 * Serves the settlement of messages if any function takes them with `sdkBinding: true`: gRPC takes long to load, and most apps
 * don't need it.
 * @returns what ends that and puts the process's arguments back; undefined if nothing was begun.
 */
export async function openSettlement(
  runtimes: readonly FunctionRuntime[],
  received: ReceivedMessages,
  log: HostLog,
): Promise<(() => void) | undefined> {
  const isNeeded = runtimes.some(({ fn }) => fn.trigger.type === 'serviceBusTrigger' && isDeferred(fn.trigger));
  if (!isNeeded) return undefined;
  const [{ openSettlementServer }, { enterArguments }] = await Promise.all([
    import('../settlement/settlement-server'),
    import('../settlement/settlement-arguments'),
  ]);
  const server = await openSettlementServer(received, log);
  const putBack = enterArguments(server.port);
  return () => {
    putBack();
    server.close();
  };
}
