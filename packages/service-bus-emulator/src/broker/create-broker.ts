import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock';
import type { EntityAdministration } from './administration';
import { Alarm } from './alarm';
import type { Broker, BrokerQuotas } from './broker';
import type { BrokerContext } from './context';
import { Directory } from './directory';
import type { Namespace } from './entities';
import type { Journal } from './journal';
import { NamespaceBroker } from './namespace-broker';
import { replay } from './replay';
import { Turn } from './turn';

export interface BrokerOptions {
  readonly clock: Clock;
  /**
   * Entities that are there from the start. With a journal they join those that it tells of, and what is declared here
   * wins over what the journal says of the same entity.
   */
  readonly namespace: Namespace;
  /** Default: random UUIDs. */
  readonly newLockToken?: () => string;
  readonly journal?: Journal;
  readonly quotas?: BrokerQuotas;
  /** Told what nobody else is: a message that expired and vanished, one that could not be forwarded. */
  readonly log?: (message: string) => void;
}

/**
 * Makes the broker of a namespace, from its journal if it has one. Throws BrokerError for a declaration that cannot be
 * (a name, a rule, an option that the journal's entity has otherwise and that is fixed).
 */
export function createBroker(options: BrokerOptions): Broker {
  const { clock, namespace, newLockToken = randomUUID, journal, quotas = {}, log = () => undefined } = options;
  const turn = new Turn(journal, () => broker.changed());
  const alarm = new Alarm(clock, () => broker.ring());
  const context: BrokerContext = { clock, turn, newLockToken, log, wakeAt: (at) => alarm.wakeAt(at) };
  const directory = new Directory(context, quotas.maxQueueBytes ?? Infinity);
  const broker = new NamespaceBroker(context, directory, quotas, journal);
  if (journal !== undefined) turn.silently(() => replay(directory, journal.replay(), clock.now()));
  declare(broker, namespace);
  return broker;
}

function declare(administration: EntityAdministration, namespace: Namespace): void {
  for (const { name, options } of namespace.queues) {
    if (administration.getQueue(name) === undefined) administration.createQueue(name, options);
    else administration.updateQueue(name, options ?? {});
  }
  for (const { name, options, subscriptions } of namespace.topics) {
    if (administration.getTopic(name) === undefined) administration.createTopic(name, options);
    else administration.updateTopic(name, options ?? {});
    for (const subscription of subscriptions) {
      if (administration.getSubscription(name, subscription.name) === undefined) {
        administration.createSubscription(name, subscription);
      } else {
        administration.updateSubscription(
          name,
          subscription.name,
          subscription.options ?? {},
          subscription.rules ?? [],
        );
      }
    }
  }
}
