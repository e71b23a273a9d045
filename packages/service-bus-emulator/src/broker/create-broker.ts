import type { Clock } from '../clock';
import type { Broker, BrokerQuotas } from './broker';
import type { Namespace } from './entities';
import type { Journal } from './journal';

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

/** Makes the broker of a namespace, from its journal if it has one. */
export function createBroker(_options: BrokerOptions): Broker {
  throw new Error('The broker is not there yet.');
}
