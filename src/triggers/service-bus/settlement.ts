import type { InvocationContext, ServiceBusQueueHandler } from '@azure/functions';
import type * as ExtensionsBase from '@azure/functions-extensions-base';
import type { ServiceBusReceivedMessage } from '@azure/service-bus';

/*
 * Everything that this app knows of `@azure/functions-extensions-servicebus`, a preview: functions of the Node model can
 * only complete or abandon a message, by returning or throwing; it is the package that has dead-lettering with a reason.
 *
 * With `sdkBinding: true` the host hands over the encoded message with its lock token, and serves a settlement service by
 * gRPC, which the package calls. Of version 0.2.0-preview this has been found, and is put right here and nowhere else:
 *
 * - `deadletter` takes its texts as protobuf's wrapper messages, though its types say strings: `{ value }` gets through.
 * - It registers its decoder while it is loaded, which takes 0.2 s, gRPC for the most part. What is registered here in its
 *   place loads it when the first message comes, so that an app's start doesn't wait for it.
 * - It reads `proto/settlement.proto` beside its own code; in a bundle that is beside `dist/app.js` (see build.mjs).
 * - A body in a data section comes as text, whatever its bytes are, and parsed if its content type says JSON. The raw
 *   message still has the bytes.
 * - `enqueuedTimeUtc` comes undefined; the raw message's annotation has the time.
 */

/** A message as handlers get it. */
export interface ReceivedMessage {
  /** The message id; '' where the sender gave none. */
  readonly id: string;
  /** The body's bytes; undefined for a body that is neither bytes nor text. */
  readonly bytes: Uint8Array | undefined;
  readonly subject: string | undefined;
  readonly correlationId: string | undefined;
  readonly sessionId: string | undefined;
  readonly contentType: string | undefined;
  /** Application properties. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** How often it has been delivered before. */
  readonly deliveryCount: number;
  readonly enqueuedAt: Date | undefined;
}

/** What becomes of a message. */
export type Settlement =
  | { readonly kind: 'complete' }
  /** `reason` for programs, `description` for people; each is cut to what the broker takes. */
  | { readonly kind: 'deadLetter'; readonly reason: string; readonly description: string };

export const complete: Settlement = { kind: 'complete' };

/** Decides what becomes of a message. What it throws leaves the message to the broker, which delivers it again. */
export type MessageHandler = (message: ReceivedMessage, context: InvocationContext) => Promise<Settlement>;

/** The options of a trigger whose messages are settled by its handler. */
export const settledByHandler = { sdkBinding: true, autoCompleteMessages: false } as const;

/** The broker's limit of a dead letter's reason and of its description. */
const MOST_CHARACTERS = 4_096;

/** Makes the function of a trigger that has the options `settledByHandler`. */
export function settling(handler: MessageHandler): ServiceBusQueueHandler {
  takeMessagesLazily();
  return async (received, context) => {
    const { messages: message, actions } = received as Received;
    const taken = toReceivedMessage(message);
    const settlement = await handler(taken, context);
    if (settlement.kind === 'complete') {
      await actions.complete(message);
      return;
    }
    const { reason, description } = settlement;
    context.warn(`message ${taken.id} goes to the dead letters, ${reason}: ${description}`);
    await actions.deadletter(message, undefined, wrap(reason), wrap(description));
  };
}

/** Gets a message with all that its sender and the broker have set; the host completes it when this has returned. */
export type WholeMessageHandler = (message: ServiceBusReceivedMessage, context: InvocationContext) => Promise<void>;

/** The options of a trigger whose messages are handed over whole, and completed by the host. */
export const handedOverWhole = { sdkBinding: true, autoCompleteMessages: true } as const;

/** A whole message, and beside it what telemetry tells of messages. */
type Told = Pick<ReceivedMessage, 'id' | 'correlationId' | 'deliveryCount' | 'properties'> & {
  readonly whole: ServiceBusReceivedMessage;
};
type ToldHandler = (message: Told, context: InvocationContext) => Promise<void>;

/** Makes the function of a trigger that has the options `handedOverWhole`. `around` wraps it, e.g. to make a span of it. */
export function takingWhole(
  handler: WholeMessageHandler,
  around: (inner: ToldHandler) => ToldHandler = (inner) => inner,
): ServiceBusQueueHandler {
  takeMessagesLazily();
  const wrapped = around(async ({ whole }, context) => handler(whole, context));
  return async (received, context) => {
    const whole = (received as Received).messages;
    const { id, correlationId, deliveryCount, properties } = toReceivedMessage(whole);
    await wrapped({ id, correlationId, deliveryCount, properties, whole }, context);
  };
}

/** What the package hands over for a trigger of one message at a time, with the types that are true. */
interface Received {
  readonly messages: ServiceBusReceivedMessage;
  readonly actions: {
    complete(message: ServiceBusReceivedMessage): Promise<void>;
    deadletter(
      message: ServiceBusReceivedMessage,
      propertiesToModify: Uint8Array | undefined,
      reason: { readonly value: string },
      description: { readonly value: string },
    ): Promise<void>;
  };
}

function wrap(text: string): { readonly value: string } {
  return { value: text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 3)}...` : text };
}

function toReceivedMessage(message: ServiceBusReceivedMessage): ReceivedMessage {
  const { _rawAmqpMessage: raw, messageId, correlationId } = message;
  return {
    id: messageId === undefined ? '' : String(messageId),
    bytes: toBytes(raw.body) ?? toBytes(message.body),
    subject: message.subject,
    correlationId: correlationId === undefined ? undefined : String(correlationId),
    sessionId: message.sessionId,
    contentType: message.contentType,
    properties: message.applicationProperties ?? {},
    deliveryCount: message.deliveryCount ?? 0,
    enqueuedAt: toDate(raw.messageAnnotations?.['x-opt-enqueued-time']),
  };
}

/** Of a body as the AMQP library has it: a data section, several of them, or the value of another section. */
function toBytes(body: unknown): Uint8Array | undefined {
  if (body instanceof Uint8Array) return body;
  if (typeof body === 'string') return Buffer.from(body);
  if (Array.isArray(body) && body.every((part) => part instanceof Uint8Array)) return Buffer.concat(body);
  if (typeof body === 'object' && body !== null && 'content' in body) return toBytes(body.content);
  return undefined;
}

function toDate(value: unknown): Date | undefined {
  if (value instanceof Date) return value;
  return typeof value === 'number' ? new Date(value) : undefined;
}

/** The host's name for such a message. */
const SOURCE = 'AzureServiceBusReceivedMessage';

/** `require`, since the library's registry is a class of a CommonJS module: the ES module beside it would be another one. */
function takeMessagesLazily(): void {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { ResourceFactoryResolver } = require('@azure/functions-extensions-base') as typeof ExtensionsBase;
  const registry = ResourceFactoryResolver.getInstance();
  if (registry.hasResourceFactory(SOURCE)) return;
  registry.registerResourceFactory(SOURCE, (data) => {
    // Declared as a method, of which the code knows nothing: the map behind it has to do.
    (registry as unknown as { readonly resourceFactories: Map<string, unknown> }).resourceFactories.delete(SOURCE);
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    require('@azure/functions-extensions-servicebus');
    return registry.createClient(SOURCE, data);
  });
}
