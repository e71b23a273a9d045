/*
 * Blob triggers with `source: EventGrid`.
 *
 * Event Grid posts events to the host. A post is answered when its events are in a queue of the host's own storage, and
 * not before: from there they are handled as other queue messages are, so a host that dies, or a blob whose function
 * fails, is seen to again by the queue, and after the last attempt the message goes to the poison queue of the blob's
 * account. The queue and the messages are those of the real host. There are no receipts: who posts an event twice has
 * the function run twice, and a blob that is gone by then, or was never the function's, is passed over.
 */
import type { FunctionRuntime } from '../app/function-runtime';
import type { Invoker } from '../app/invocation';
import type { Clock } from '../clock';
import type { Webhook, WebhookAnswer, WebhookRequest } from '../http/webhooks';
import type { InFlight } from '../in-flight';
import type { HostLog } from '../log';
import { messageOf } from '../supervisor/failures';
import { type BlobEvent, readEventPost } from './blob-events';
import { invokeForBlob } from './blob-invocation';
import type { BlobPattern } from './blob-path';
import { poisonQueue, type ToldBlobs } from './blob-source';
import { createQueuePoller, type MessageOutcome } from './queue-poller';
import type { QueueMessage, QueueSource } from './queue-source';
import type { TriggerListener } from './trigger-listener';

/** A function that is told of blobs by Event Grid. */
export interface BlobEventFunction {
  readonly runtime: FunctionRuntime;
  readonly pattern: BlobPattern;
  readonly source: ToldBlobs;
}

export interface BlobEventOptions {
  /** The queue between the posts and the functions. */
  readonly queue: QueueSource & { send(text: string): Promise<void> };
  /** For log lines: what the queue's account is called. */
  readonly sourceName: string;
  /** Failed attempts after which a blob is given up. */
  readonly attempts: number;
  /** Blobs handled at once. */
  readonly parallelism: number;
  readonly maxPollingMs: number;
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly inFlight: InFlight;
  readonly log: HostLog;
}

/** All blob functions of a host that Event Grid tells. */
export interface BlobEvents {
  /** Adds a function. @returns what starts and stops it with the host's other triggers. */
  add(fn: BlobEventFunction): TriggerListener;
  readonly isUsed: () => boolean;
  /** Answers a request to `/runtime/webhooks/blobs?functionName=Host.Functions.<name>`. */
  readonly webhook: Webhook;
}

/** Name of the key that opens the webhook. */
const blobsKeyName = 'blobs_extension';

const category = 'Host.Triggers.Blob';
const idPrefix = 'Host.Functions.';
/** Messages fetched at once by one request: a limit of the service. */
const mostMessages = 32;

/** Without functions yet. */
export function createBlobEvents(options: BlobEventOptions): BlobEvents {
  const { queue, sourceName, attempts, parallelism, maxPollingMs, clock, inFlight, log } = options;
  const functions = new Map<string, BlobEventFunction>();
  const find = (id: string): BlobEventFunction | undefined => functions.get(id.toLowerCase());
  const poller = createQueuePoller({
    ...{ sourceName, category, maxPollingMs, clock, inFlight, log },
    source: { ...queue, sendPoison: (text) => sendPoison(text, find) },
    title: 'queue of blob events',
    poisonQueueName: poisonQueue,
    batchSize: Math.min(parallelism, mostMessages),
    newBatchThreshold: Math.floor(parallelism / 2),
    visibilityMs: 0,
    maxDequeueCount: attempts,
    handle: (message) => handleMessage(options, find, message),
  });
  return {
    isUsed: () => functions.size > 0,
    add(fn) {
      functions.set(toId(fn.runtime).toLowerCase(), fn);
      const isFirst = functions.size === 1;
      // The queue is everybody's: the first listener starts and stops it for all.
      return {
        runtime: fn.runtime,
        start: () => {
          if (isFirst) poller.start();
        },
        stop: () => {
          if (isFirst) poller.stop();
        },
        close: () => (isFirst ? poller.close() : Promise.resolve()),
        runOnce: (path) => runOnce(options, fn, path),
      };
    },
    webhook: {
      systemKeyName: blobsKeyName,
      async handle(request) {
        const result = await handleRequest(options, find, request);
        if (result.status === 202) poller.wake();
        return result;
      },
    },
  };
}

function toId(runtime: FunctionRuntime): string {
  return idPrefix + runtime.fn.name;
}

type Find = (id: string) => BlobEventFunction | undefined;

async function handleRequest(
  options: BlobEventOptions,
  find: Find,
  { method, query, headers, body }: WebhookRequest,
): Promise<WebhookAnswer> {
  const id = query.get('functionName') ?? '';
  const fn = find(id);
  if (fn === undefined) {
    return refuse(404, `functionName '${id}' is no blob function with source EventGrid: expected ${idPrefix}<name>`);
  }
  if (method === 'OPTIONS') return allowOrigin(headers['webhook-request-origin']);
  if (method !== 'POST') return refuse(405, `${method} is not POST or OPTIONS`);
  const post = readEventPost(headers['aeg-event-type'], headers['content-type'], body.toString());
  switch (post.kind) {
    case 'bad':
      return refuse(400, post.why);
    case 'unsubscribe':
      return { status: 202, headers: {} };
    case 'validation':
      options.log.log('Information', category, `Event Grid checks its subscription for '${fn.runtime.fn.name}'.`);
      return toJson(200, { validationResponse: post.code });
    case 'blobs':
      return keepEvents(options, fn, post.events);
  }
}

async function keepEvents(
  { queue, log, sourceName }: BlobEventOptions,
  fn: BlobEventFunction,
  events: readonly BlobEvent[],
): Promise<WebhookAnswer> {
  try {
    for (const event of events.filter((candidate) => isFor(fn, candidate))) {
      await queue.send(toBase64(toMessage(fn, event)));
    }
    return { status: 202, headers: {} };
  } catch (error) {
    // The whole post is refused, and Event Grid posts it again.
    log.log('Warning', category, `Blob events can't be kept in ${sourceName}: ${messageOf(error)}.`);
    return refuse(503, 'the events can not be kept just now');
  }
}

function isFor({ pattern }: BlobEventFunction, { container, blobName }: BlobEvent): boolean {
  return container === pattern.container && pattern.match(blobName) !== undefined;
}

/** Who asks may post, at any rate: the key has opened the door already. */
function allowOrigin(origin: string | undefined): WebhookAnswer {
  if (origin === undefined) return refuse(400, "header 'WebHook-Request-Origin' is missing");
  return { status: 200, headers: { 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' } };
}

function refuse(status: number, error: string): WebhookAnswer {
  return toJson(status, { error });
}

function toJson(status: number, body: object): WebhookAnswer {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(body) };
}

/** In the shape of the real host's own messages. */
interface Message {
  readonly Type: 'BlobTrigger';
  readonly FunctionId: string;
  readonly BlobType: string;
  readonly ContainerName: string;
  readonly BlobName: string;
  readonly ETag: string;
}

function toMessage({ runtime }: BlobEventFunction, event: BlobEvent): Message {
  return {
    Type: 'BlobTrigger',
    FunctionId: toId(runtime),
    BlobType: event.blobType,
    ContainerName: event.container,
    BlobName: event.blobName,
    ETag: event.etag,
  };
}

function toBase64(message: Message): string {
  return Buffer.from(JSON.stringify(message)).toString('base64');
}

/** What of a message says whose blob it is about; others write to queues, too. */
function fromBase64(text: string): Pick<Message, 'FunctionId' | 'BlobName'> {
  try {
    const { FunctionId, BlobName } = JSON.parse(Buffer.from(text, 'base64').toString()) as Partial<Message>;
    if (typeof FunctionId === 'string' && typeof BlobName === 'string') return { FunctionId, BlobName };
  } catch {
    // No JSON object.
  }
  return { FunctionId: '', BlobName: '' };
}

async function handleMessage(
  { invoker, log }: BlobEventOptions,
  find: Find,
  message: QueueMessage,
): Promise<MessageOutcome> {
  const { FunctionId: id, BlobName: blobName } = fromBase64(message.text);
  const fn = find(id);
  const params = fn?.pattern.match(blobName);
  if (fn === undefined || params === undefined) {
    log.log(
      'Warning',
      category,
      `Blob '${blobName}' is not for '${id}' (any more): its message ${message.id} is dropped.`,
    );
    return 'done';
  }
  try {
    const read = await fn.source.readCurrent(blobName);
    if (read === undefined) {
      log.log('Information', category, `Blob '${blobName}' is gone: its message ${message.id} is dropped.`);
      return 'done';
    }
    await invokeForBlob({
      ...{ runtime: fn.runtime, container: fn.pattern.container, blobName, read, params, invoker },
      ...{ noticedBy: 'EventGrid', attempt: message.dequeueCount, messageId: message.id },
      noticedAt: message.insertedOn.getTime(),
    });
    return 'done';
  } catch (error) {
    // A handler's own error is in the log already; saying it again with the blob's name does no harm.
    log.log('Debug', category, `Blob '${blobName}' failed for '${id}': ${messageOf(error)}`);
    return 'failed';
  }
}

async function sendPoison(text: string, find: Find): Promise<void> {
  await find(fromBase64(text).FunctionId)?.source.sendPoisonText(text);
}

async function runOnce(
  { invoker, clock }: BlobEventOptions,
  { runtime, pattern, source }: BlobEventFunction,
  path: string,
): Promise<void> {
  const prefix = `${pattern.container}/`;
  const blobName = path.startsWith(prefix) ? path.slice(prefix.length) : path;
  const params = pattern.match(blobName);
  const read = params === undefined ? undefined : await source.readCurrent(blobName);
  if (params === undefined || read === undefined) {
    throw new Error(
      `there is no blob '${blobName}' in container '${pattern.container}' that matches the trigger's path.`,
    );
  }
  await invokeForBlob({
    ...{ runtime, invoker, container: pattern.container, blobName, read, params },
    ...{ noticedBy: 'EventGrid', attempt: 1, noticedAt: clock.now() },
  });
}
