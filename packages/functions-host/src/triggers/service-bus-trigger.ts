/*
 * Service Bus triggers: messages of a queue or subscription, handed to a function with what the real host tells about
 * them. How often a message is tried, and where it goes then, is the entity's affair (its maximum delivery count, its
 * dead letters); a retry policy of the function does not count here, as on Azure.
 */
import type { FunctionRuntime } from '../app/function-runtime';
import { httpReason } from '../app/http-invocation';
import type { SpanAbout } from '../app/invocation-span';
import type { Invoker } from '../app/invocation';
import type { BindingMetadata } from '../app/registered-function';
import type { Clock } from '../clock';
import type { InFlight } from '../in-flight';
import type { HostLog } from '../log';
import { readTrace, type Trace } from '../tracing/trace-context';
import { messageOf } from '../supervisor/failures';
import type { ServiceBusEntity } from './service-bus-entity';
import { createMessageFlow, type FlowOptions } from './service-bus-flow';
import type { Held } from './service-bus-held';
import { readInputShape, toInputOf, toTriggerInput, type TriggerInput } from './service-bus-input';
import type { ServiceBusOptions } from './service-bus-options';
import type { ReceivedMessages } from './service-bus-received';
import { createSessions, type Sessions } from './service-bus-sessions';
import type { MessageSource, SessionSource } from './service-bus-source';
import { createTrouble } from './service-bus-trouble';
import type { TriggerListener } from './trigger-listener';

export interface ServiceBusTriggerOptions {
  readonly runtime: FunctionRuntime;
  readonly entity: ServiceBusEntity;
  /** For log lines: "namespace 127.0.0.1:5672 (setting ServiceBusConnection)". */
  readonly namespaceTitle: string;
  /** Called once: for messages of the entity, or for its sessions if the trigger is for sessions. */
  readonly open: { source(): MessageSource; sessions(): SessionSource };
  readonly serviceBus: ServiceBusOptions;
  readonly received: ReceivedMessages;
  readonly invoker: Invoker;
  readonly clock: Clock;
  /** Real time, whatever `clock` is: for pauses towards a broker that is away. */
  readonly pauses: Clock;
  readonly inFlight: InFlight;
  readonly log: HostLog;
}

const category = 'Host.Triggers.ServiceBus';

/** Listens to one entity for one function. @throws Error that says which option of the trigger is wrong. */
export function createServiceBusTrigger(options: ServiceBusTriggerOptions): TriggerListener {
  const { runtime } = options;
  const messages = createMessages(options);
  let stopped: Promise<void> | undefined;
  return {
    runtime,
    start: () => {
      messages.start();
    },
    stop: () => {
      stopped ??= messages.stop();
    },
    close: async () => {
      await stopped;
      await messages.close();
    },
    async runOnce(input) {
      const shape = readInputShape(runtime.fn.trigger);
      await options.invoker.invoke(runtime, { reason: httpReason, ...toInputOf(input, shape) });
    },
  };
}

function createMessages(options: ServiceBusTriggerOptions): Sessions {
  const { runtime, entity, serviceBus, namespaceTitle, open, received, log } = options;
  const { trigger } = runtime.fn;
  const title = `Service Bus trigger of '${runtime.fn.name}' on ${entity.title}`;
  const trouble = createTrouble({ title, entityTitle: entity.title, namespaceTitle, category, log });
  const { isBatch } = readInputShape(trigger);
  const isSessionful = readTruth(trigger, 'isSessionsEnabled') ?? false;
  const most = readBatchSize(trigger) ?? serviceBus.maxMessageBatchSize;
  const { minMessageBatchSize: least, maxBatchWaitMs: waitMs } = serviceBus;
  const flow: Pick<FlowOptions, 'autoComplete' | 'parallelism' | 'prefetch' | 'batch'> = {
    autoComplete: readTruth(trigger, 'autoCompleteMessages') ?? serviceBus.autoCompleteMessages,
    parallelism: isSessionful ? serviceBus.maxConcurrentCallsPerSession : serviceBus.maxConcurrentCalls,
    prefetch: serviceBus.prefetchCount,
    batch: isBatch ? { most, least: Math.min(least, most), waitMs, isSteady: isSessionful } : undefined,
  };
  const common = {
    ...{ title, category, handle: (held: readonly Held[]) => handle(options, held) },
    maxLockRenewalMs: isBatch ? 0 : serviceBus.maxLockRenewalMs,
    ...{ clock: options.clock, pauses: options.pauses, inFlight: options.inFlight, log },
  };
  if (!isSessionful) {
    const { clear, note } = trouble;
    return createMessageFlow({ ...common, ...flow, source: open.source(), onOpen: clear, onError: note });
  }
  return createSessions({
    ...{ ...common, flow, received, trouble, source: open.sessions() },
    // As the real host: batches are taken of one session at a time.
    maxConcurrentSessions: isBatch ? 1 : serviceBus.maxConcurrentSessions,
    sessionIdleMs: serviceBus.sessionIdleMs,
  });
}

/** False if the function failed, which has been logged then. */
async function handle(options: ServiceBusTriggerOptions, held: readonly Held[]): Promise<boolean> {
  const { runtime, invoker, received, entity } = options;
  const forget = held.map((each) => received.addMessage(each.message.lockToken ?? '', each));
  try {
    const input = toInput(options, held);
    await invoker.invoke(runtime, {
      reason: `New Service Bus message detected on ${entity.title}.`,
      triggerDetails: toDetails(held),
      trace: toTrace(options, held),
      span: () => toSpan(options, held),
      ...input,
    });
    return true;
  } catch {
    return false;
  } finally {
    for (const one of forget) one();
  }
}

function toInput({ runtime, log }: ServiceBusTriggerOptions, held: readonly Held[]): TriggerInput {
  try {
    const messages = held.map(({ message }) => message);
    return toTriggerInput(messages, readInputShape(runtime.fn.trigger));
  } catch (error) {
    const message = `Messages for '${runtime.fn.name}' can't be handed over: ${messageOf(error)}`;
    log.log('Error', category, message, { functionName: runtime.fn.name, error });
    throw error;
  }
}

/** A message's sender is the parent of what handles it; a batch has many senders, and so a trace of its own. */
function toTrace({ runtime }: ServiceBusTriggerOptions, [first]: readonly Held[]): Trace | undefined {
  const { isBatch } = readInputShape(runtime.fn.trigger);
  return first === undefined || isBatch ? undefined : toSender(first);
}

function toSender({ message }: Held): Trace | undefined {
  const { traceparent, tracestate, 'Diagnostic-Id': id } = message.applicationProperties ?? {};
  const parent = traceparent ?? id;
  return typeof parent === 'string'
    ? readTrace(parent, typeof tracestate === 'string' ? tracestate : undefined)
    : undefined;
}

/** As the .NET client names it; a batch is linked to who sent its messages. */
function toSpan({ runtime, entity }: ServiceBusTriggerOptions, held: readonly Held[]): SpanAbout {
  const { trigger } = runtime.fn;
  const isSessionful = readTruth(trigger, 'isSessionsEnabled') ?? false;
  const { isBatch } = readInputShape(trigger);
  const source = isBatch ? 'ServiceBusListener' : isSessionful ? 'ServiceBusSessionProcessor' : 'ServiceBusProcessor';
  const [first] = held;
  const senders = isBatch ? held.map(toSender) : [];
  return {
    ...{ name: `${source}.Process${isSessionful ? 'Session' : ''}Message${isBatch ? 's' : ''}`, kind: 'consumer' },
    scope: 'Microsoft.Azure.WebJobs',
    links: senders.filter((sender) => sender !== undefined),
    attributes: {
      ...{ 'messaging.system': 'servicebus', 'messaging.operation': 'process', 'az.namespace': 'Microsoft.ServiceBus' },
      'messaging.destination.name': entity.path,
      ...(isBatch
        ? { 'messaging.batch.message_count': held.length }
        : { 'messaging.message.id': String(first?.message.messageId) }),
    },
  };
}

function toDetails(held: readonly Held[]): string {
  const [first] = held;
  if (first === undefined || held.length > 1) return `${held.length} messages`;
  const { messageId, sequenceNumber, deliveryCount, enqueuedTimeUtc, lockedUntilUtc, sessionId } = first.message;
  const details = [
    `MessageId: ${String(messageId)}`,
    `SequenceNumber: ${sequenceNumber?.toString() ?? ''}`,
    `DeliveryCount: ${(deliveryCount ?? 0) + 1}`,
    `EnqueuedTimeUtc: ${enqueuedTimeUtc?.toISOString() ?? ''}`,
    `LockedUntilUtc: ${lockedUntilUtc?.toISOString() ?? ''}`,
    ...(sessionId === undefined ? [] : [`SessionId: ${sessionId}`]),
  ];
  return details.join(', ');
}

/** A setting in the place of a truth value is a text. */
function readTruth(trigger: BindingMetadata, option: string): boolean | undefined {
  const value = trigger[option];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && /^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  throw new Error(`its ${option} must be true or false; got ${JSON.stringify(value)}.`);
}

function readBatchSize(trigger: BindingMetadata): number | undefined {
  const { maxMessageBatchSize: value } = trigger;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  throw new Error(`its maxMessageBatchSize must be a whole number above 0; got ${JSON.stringify(value)}.`);
}
