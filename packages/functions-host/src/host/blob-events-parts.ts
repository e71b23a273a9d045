import type { Invoker } from '../app/invocation';
import type { Clock } from '../clock';
import type { KeyRing } from '../http/keys';
import type { Webhooks } from '../http/webhooks';
import type { InFlight } from '../in-flight';
import type { HostLog } from '../log';
import { type BlobEvents, createBlobEvents } from '../triggers/blob-event-trigger';
import { createQueueSource } from '../triggers/queue-source';
import type { StorageAccounts } from '../triggers/storage-account';
import { hostStorage } from '../triggers/storage-connection';
import type { HostJson } from './host-json';

/** Blob functions that Event Grid tells, with the queue for their events in the host's storage, under Azure's name. */
export function toBlobEvents(parts: {
  readonly accounts: StorageAccounts;
  readonly hostId: string;
  readonly hostJson: HostJson;
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly inFlight: InFlight;
  readonly log: HostLog;
}): BlobEvents {
  const { accounts, hostId, hostJson, invoker, clock, inFlight, log } = parts;
  const queueName = `azure-webjobs-blobtrigger-${hostId.toLowerCase()}`;
  return createBlobEvents({
    ...{ invoker, clock, inFlight, log },
    queue: createQueueSource({ accounts, queueName, connection: hostStorage, poisonQueueName: undefined }),
    sourceName: `storage (setting ${hostStorage})`,
    attempts: hostJson.blobs.poisonThreshold,
    parallelism: hostJson.blobs.parallelism,
    maxPollingMs: hostJson.queues.maxPollingMs,
  });
}

/** The webhook for blob events, and a key for it, if there are functions that need it. */
export function toWebhooks(blobEvents: BlobEvents, keys: KeyRing): Webhooks {
  if (!blobEvents.isUsed()) return new Map();
  const { webhook } = blobEvents;
  if (keys.current().system[webhook.systemKeyName] === undefined) keys.put('system', webhook.systemKeyName);
  return new Map([['blobs', webhook]]);
}
