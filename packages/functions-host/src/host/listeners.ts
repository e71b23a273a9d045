import type { FunctionRuntime } from '../app/function-runtime';
import type { Invoker } from '../app/invocation';
import type { FunctionError } from '../app/to-registered-function';
import type { Clock } from '../clock';
import type { InFlight } from '../in-flight';
import type { HostLog } from '../log';
import { messageOf } from '../supervisor/failures';
import type { BlobEvents } from '../triggers/blob-event-trigger';
import { createBlobSource } from '../triggers/blob-container';
import { parseBlobPattern } from '../triggers/blob-path';
import { createReceiptBlobs } from '../triggers/blob-receipts';
import { createBlobTrigger } from '../triggers/blob-trigger';
import { toServiceBusTrigger } from './service-bus-listener';
import type { QueueBell } from '../triggers/queue-bell';
import { toPoisonQueueName, toQueueName } from '../triggers/queue-names';
import { createQueueSource } from '../triggers/queue-source';
import { createQueueTrigger } from '../triggers/queue-trigger';
import type { ServiceBusClients } from '../triggers/service-bus-client';
import type { ReceivedMessages } from '../triggers/service-bus-received';
import { type StorageAccounts, toConnectionName } from '../triggers/storage-account';
import type { TriggerListener } from '../triggers/trigger-listener';
import type { HostJson } from './host-json';
import type { Settings } from './settings';

export interface ListenerParts {
  readonly runtimes: readonly FunctionRuntime[];
  readonly invoker: Invoker;
  readonly accounts: StorageAccounts;
  readonly settings: Settings;
  readonly hostJson: HostJson;
  readonly hostId: string;
  readonly dataDir: string | undefined;
  /** Told of the work that listeners do beside the functions that they run. */
  readonly inFlight: InFlight;
  /** For blob functions that Event Grid tells. */
  readonly blobEvents: BlobEvents;
  /** Rings for queue outputs of this host. */
  readonly bell: QueueBell;
  readonly serviceBus: ServiceBusClients;
  /** Told of the messages of Service Bus that functions have. */
  readonly received: ReceivedMessages;
  readonly clock: Clock;
  /** Real time, whatever `clock` is: for pauses towards what is away. */
  readonly pauses: Clock;
  readonly log: HostLog;
}

/** Listeners of all functions whose triggers the host itself watches (timers, blobs, queues, Service Bus), and what is wrong with others. */
export async function createListeners(parts: ListenerParts): Promise<{
  readonly listeners: readonly TriggerListener[];
  readonly errors: readonly FunctionError[];
}> {
  const kinds = await loadKinds(parts);
  const errors: FunctionError[] = [];
  const listeners = parts.runtimes.flatMap((runtime) => {
    const create = kinds[runtime.fn.trigger.type];
    if (create === undefined) return [];
    try {
      return [create(parts, runtime)];
    } catch (error) {
      errors.push({ functionName: runtime.fn.name, message: messageOf(error) });
      return [];
    }
  });
  return { listeners, errors };
}

type ListenerKinds = Readonly<Record<string, (parts: ListenerParts, runtime: FunctionRuntime) => TriggerListener>>;

/** What reads schedules takes longer to load than all of the other triggers, and most apps have none. */
async function loadKinds({ runtimes }: ListenerParts): Promise<ListenerKinds> {
  const kinds = { blobTrigger: toBlobTrigger, queueTrigger: toQueueTrigger, serviceBusTrigger: toServiceBusTrigger };
  if (!runtimes.some(({ fn }) => fn.trigger.type === 'timerTrigger')) return kinds;
  const { toTimerTrigger } = await import('./timer-listener');
  return { ...kinds, timerTrigger: toTimerTrigger };
}

function toQueueTrigger(parts: ListenerParts, runtime: FunctionRuntime): TriggerListener {
  const { accounts, hostJson, invoker, clock, inFlight, log } = parts;
  const { queueName: text, connection: given } = runtime.fn.trigger;
  if (typeof text !== 'string' || text === '') {
    throw new Error(`its queueName must be the name of a queue; got ${JSON.stringify(text)}.`);
  }
  const queueName = toQueueName(text);
  const poisonQueueName = toPoisonQueueName(queueName);
  const connection = toConnectionName(given);
  accounts.check(connection, 'queue');
  const listener = createQueueTrigger({
    ...{ runtime, queueName, poisonQueueName, invoker, clock, inFlight, log },
    source: createQueueSource({ accounts, connection, queueName, poisonQueueName }),
    sourceName: `storage (setting ${connection})`,
    queues: hostJson.queues,
  });
  parts.bell.onRing(connection, queueName, () => {
    listener.wake();
  });
  return listener;
}

function toBlobTrigger(parts: ListenerParts, runtime: FunctionRuntime): TriggerListener {
  const { accounts, hostJson, hostId } = parts;
  const { path: text, source, connection: given } = runtime.fn.trigger;
  if (typeof text !== 'string')
    throw new Error(`its path must be a text such as container/{name}; got ${JSON.stringify(text)}.`);
  const kind = readSource(source);
  const connection = toConnectionName(given);
  accounts.check(connection, 'blob');
  accounts.check(connection, 'queue');
  const pattern = parseBlobPattern(text);
  const receipts = createReceiptBlobs(accounts, hostId);
  const { container } = pattern;
  const blobs = createBlobSource({ accounts, connection, container, receipts, functionName: runtime.fn.name });
  if (kind === 'eventgrid') return parts.blobEvents.add({ runtime, pattern, source: blobs });
  return createBlobTrigger({
    runtime,
    pattern,
    source: blobs,
    attempts: hostJson.blobs.poisonThreshold,
    parallelism: hostJson.blobs.parallelism,
    sourceName: `storage (setting ${connection})`,
    invoker: parts.invoker,
    clock: parts.clock,
    inFlight: parts.inFlight,
    log: parts.log,
  });
}

/** How blobs are noticed: by polling unless it says otherwise. */
function readSource(source: unknown): 'logsandcontainerscan' | 'eventgrid' {
  const name = typeof source === 'string' && source !== '' ? source : 'LogsAndContainerScan';
  const known = (['logsandcontainerscan', 'eventgrid'] as const).find((kind) => kind === name.toLowerCase());
  if (known !== undefined) return known;
  throw new Error(`its blob trigger's source must be 'LogsAndContainerScan' or 'EventGrid'; got '${name}'.`);
}
