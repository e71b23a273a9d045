import type { Broker } from '../../src/broker/broker';
import { type BrokerOptions, createBroker } from '../../src/broker/create-broker';
import type { Namespace, QueueOptions } from '../../src/broker/entities';
import type { BrokerError } from '../../src/broker/errors';
import type { IncomingMessage, StoredMessage } from '../../src/broker/message';
import type { Delivery, Receiver, ReceiverOptions, SessionOptions } from '../../src/broker/receiver';
import { changeProperties, readProperties } from '../../src/message/properties';
import { FakeClock } from './fake-clock';

/** The content of a message whose properties are these, and whose label is `label`. */
export const content = (label: string, application: Record<string, string | number> = {}): Buffer =>
  changeProperties(Buffer.alloc(0), { system: { Label: label }, application });

export const labelOf = ({ content: bytes }: StoredMessage): string => readProperties(bytes).system.Label ?? '';
export const propertiesOf = ({ content: bytes }: StoredMessage): Record<string, unknown> => ({
  ...readProperties(bytes).application,
});

export const message = (label: string, fields: Partial<IncomingMessage> = {}): IncomingMessage => ({
  content: content(label),
  messageId: label,
  ...fields,
});

/** A broker with one queue `q`, and a clock that stands still. */
export function queueBroker(
  options: Partial<QueueOptions> = {},
  more: Partial<BrokerOptions> = {},
): { broker: Broker; clock: FakeClock } {
  return namespaceBroker({ queues: [{ name: 'q', options }], topics: [] }, more);
}

export function namespaceBroker(
  namespace: Partial<Namespace>,
  more: Partial<BrokerOptions> = {},
): { broker: Broker; clock: FakeClock } {
  const clock = new FakeClock();
  const broker = createBroker({ clock, namespace: { queues: [], topics: [], ...namespace }, ...more });
  return { broker, clock };
}

/** A receiver that keeps what it gets. */
export interface Collector {
  readonly receiver: Receiver;
  readonly deliveries: Delivery[];
  readonly labels: string[];
  closed: BrokerError | undefined;
  /** The lock token of the last delivery of a message. */
  token(label: string): string;
}

export const collecting = (): Collector & ReceiverOptions => {
  const deliveries: Delivery[] = [];
  const labels: string[] = [];
  const collector = {
    mode: 'peekLock' as const,
    receiver: undefined as unknown as Receiver,
    deliveries,
    labels,
    closed: undefined as BrokerError | undefined,
    token: (label: string) => deliveries[labels.lastIndexOf(label)]!.lockToken!,
    onDelivery: (delivery: Delivery) => {
      deliveries.push(delivery);
      labels.push(labelOf(delivery.message));
    },
    onClosed: (reason: BrokerError) => {
      collector.closed = reason;
    },
  };
  return collector;
};

export function receive(
  broker: Broker,
  address: string,
  credit = 100,
  options: Partial<ReceiverOptions> = {},
): Collector {
  const collector = collecting();
  const receiver = broker.openReceiver(address, { ...collector, ...options, onClosed: collector.onClosed });
  Object.assign(collector, { receiver });
  receiver.addCredit(credit);
  return collector;
}

export interface SessionCollector extends Collector {
  accepted: boolean;
  refused: BrokerError | undefined;
  cancel(): void;
}

export function accept(
  broker: Broker,
  address: string,
  session: string | null,
  credit = 100,
  options: Partial<SessionOptions> = {},
): SessionCollector {
  const collector = Object.assign(collecting(), {
    accepted: false,
    refused: undefined as BrokerError | undefined,
    cancel: () => {},
  });
  const request = broker.acceptSession(address, {
    mode: 'peekLock',
    session,
    onDelivery: collector.onDelivery,
    onClosed: collector.onClosed,
    onRefused: (reason) => {
      collector.refused = reason;
    },
    onAccepted: (receiver) => {
      Object.assign(collector, { receiver, accepted: true });
      receiver.addCredit(credit);
    },
    ...options,
  });
  collector.cancel = () => request.cancel();
  return collector;
}

/** The code with which a call is refused; undefined if it is not. */
export function refusal(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return (error as BrokerError).code;
  }
  return undefined;
}

/** Labels of all that lies at an address. */
export const labelsAt = (broker: Broker, address: string): string[] => broker.peek(address, 0, 10_000).map(labelOf);
