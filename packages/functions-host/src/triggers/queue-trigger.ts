/*
 * Queue triggers: what `queue-poller` fetches, handed to a function with what the real host tells about a message. How
 * often a message is tried is the queue's affair; a retry policy of the function does not count here, as on Azure.
 */
import type { BindingData, FunctionRuntime } from '../app/function-runtime';
import { httpReason } from '../app/http-invocation';
import type { Invoker } from '../app/invocation';
import type { TypedData } from '../app/typed-data';
import type { Clock } from '../clock';
import type { InFlight } from '../in-flight';
import type { HostLog } from '../log';
import { decodeMessage, toMessageData, toMessageFields } from './message-text';
import type { QueueOptions } from './queue-options';
import { createQueuePoller, type MessageOutcome, type QueuePoller } from './queue-poller';
import type { QueueMessage, QueueSource } from './queue-source';
import type { TriggerListener } from './trigger-listener';

export interface QueueTriggerOptions {
  readonly runtime: FunctionRuntime;
  readonly source: QueueSource;
  readonly queueName: string;
  /** Undefined if the queue has none. */
  readonly poisonQueueName: string | undefined;
  /** For messages: what the source is called, e.g. "storage (setting AzureWebJobsStorage)". */
  readonly sourceName: string;
  readonly queues: QueueOptions;
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly inFlight: InFlight;
  readonly log: HostLog;
}

const category = 'Host.Triggers.Queue';

/** A queue trigger that can be told of a message which this host itself has put into the queue. */
export interface QueueTriggerListener extends TriggerListener, Pick<QueuePoller, 'wake'> {}

/** Watches one queue for one function. */
export function createQueueTrigger(options: QueueTriggerOptions): QueueTriggerListener {
  const { runtime, source, sourceName, queueName, poisonQueueName, queues, clock, inFlight, log } = options;
  const poller = createQueuePoller({
    ...{ source, sourceName, poisonQueueName, clock, inFlight, log, category },
    ...queues,
    title: `queue trigger of '${runtime.fn.name}' on queue '${queueName}'`,
    handle: (message) => handle(options, message),
  });
  return {
    runtime,
    start: () => {
      poller.start();
    },
    stop: () => {
      poller.stop();
    },
    close: () => poller.close(),
    wake: () => {
      poller.wake();
    },
    async runOnce(input) {
      const bytes = Buffer.from(input);
      const trigger = toMessageData(bytes, wantsBytes(runtime));
      const data = { queueTrigger: input, ...toMessageFields(bytes) };
      await options.invoker.invoke(runtime, {
        reason: httpReason,
        trigger,
        triggerMetadata: toTypedFields(data),
        bindingData: () => data,
      });
    },
  };
}

async function handle(options: QueueTriggerOptions, message: QueueMessage): Promise<MessageOutcome> {
  const { runtime, invoker, queueName, queues, log } = options;
  const bytes = decodeMessage(message.text, queues.messageEncoding);
  if (bytes === undefined) {
    log.log(
      'Error',
      category,
      `Message ${message.id} of queue '${queueName}' is not base64, which extensions.queues.messageEncoding of host.json asks for ("none" takes text as it is).`,
    );
    return 'useless';
  }
  try {
    await invoker.invoke(runtime, {
      reason: `New queue message detected on '${queueName}'.`,
      triggerDetails: `MessageId: ${message.id}, DequeueCount: ${message.dequeueCount}, InsertionTime: ${toTime(message.insertedOn)}`,
      trigger: toMessageData(bytes, wantsBytes(runtime)),
      triggerMetadata: toTriggerMetadata(message, bytes),
      bindingData: () => toBindingData(message, bytes),
    });
    return 'done';
  } catch {
    // The invoker has logged it.
    return 'failed';
  }
}

/** Keys in the real host's order; a field of a JSON message wins over what the queue says under the same name. */
function toTriggerMetadata(message: QueueMessage, bytes: Buffer): Record<string, TypedData> {
  return {
    QueueTrigger: { string: bytes.toString() },
    DequeueCount: { json: String(message.dequeueCount) },
    ExpirationTime: { json: JSON.stringify(toTime(message.expiresOn)) },
    Id: { json: JSON.stringify(message.id) },
    InsertionTime: { json: JSON.stringify(toTime(message.insertedOn)) },
    NextVisibleTime: { json: JSON.stringify(toTime(message.nextVisibleOn)) },
    PopReceipt: { json: JSON.stringify(message.popReceipt) },
    ...toTypedFields(toMessageFields(bytes)),
  };
}

function toTypedFields(fields: Readonly<Record<string, unknown>>): Record<string, TypedData> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? { string: value } : { json: JSON.stringify(value) },
    ]),
  );
}

function toBindingData(message: QueueMessage, bytes: Buffer): BindingData {
  return {
    queueTrigger: bytes.toString(),
    dequeueCount: message.dequeueCount,
    expirationTime: toTime(message.expiresOn),
    id: message.id,
    insertionTime: toTime(message.insertedOn),
    nextVisibleTime: toTime(message.nextVisibleOn),
    popReceipt: message.popReceipt,
    ...toMessageFields(bytes),
  };
}

function wantsBytes(runtime: FunctionRuntime): boolean {
  const { dataType } = runtime.fn.trigger;
  return typeof dataType === 'string' && dataType.toLowerCase() === 'binary';
}

/** Whole seconds with an offset, as the real host writes them. */
function toTime(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, '+00:00');
}
