import { toSnakeCase } from './text';

/**
 * Why messages end as dead letters, and whose business that is. The reason travels as text: our own functions give the
 * first ones as they stand here, Service Bus gives its own words, and whoever else dead-letters says what they like. All
 * of that is told in these words, so that dead letters can be counted, listed and sent on by them.
 */

/** Given by this app's functions, with these texts. */
export const ownReasons = [
  /** The body is not JSON in UTF-8. */
  'not_json',
  /** The body fails its schema; the description lists all violations. */
  'invalid_message',
  'too_large',
  /** An event of a kind that nobody knows here. */
  'unknown_event',
  /** About an order that does not exist. */
  'unknown_order',
  /** The order's id is taken by an order with different content. */
  'order_conflict',
  /** The payment was refused for good. */
  'payment_failed',
  /** Something did not answer in time, in every attempt. */
  'timeout',
  /** The database could not be reached, in every attempt. */
  'database_unavailable',
  /** Any other failure that trying again might have mended, in every attempt. */
  'retries_exhausted',
] as const;
export type OwnReason = (typeof ownReasons)[number];

/** Given by Service Bus, in its words. */
const systemReasons = {
  MaxDeliveryCountExceeded: 'delivery_count_exceeded',
  TTLExpiredException: 'expired',
  HeaderSizeExceeded: 'header_too_large',
  MaxTransferHopCountExceeded: 'too_many_hops',
  'Session id is null.': 'no_session',
} as const;

export const deadLetterReasons = [
  ...ownReasons,
  'delivery_count_exceeded',
  'expired',
  'header_too_large',
  'too_many_hops',
  'no_session',
  /** A rule of a subscription failed on the message. */
  'filter_failed',
  /** No reason, or one that is not known here. */
  'unknown',
] as const;
export type DeadLetterReason = (typeof deadLetterReasons)[number];

/** Who looks after dead letters: those who send the messages, those who run what failed, or whoever is on call. */
export const teams = ['payments', 'database', 'senders', 'onCall'] as const;
export type Team = (typeof teams)[number];

const responsible: Readonly<Record<DeadLetterReason, Team>> = {
  not_json: 'senders',
  invalid_message: 'senders',
  too_large: 'senders',
  unknown_event: 'senders',
  unknown_order: 'senders',
  order_conflict: 'senders',
  header_too_large: 'senders',
  no_session: 'senders',
  payment_failed: 'payments',
  timeout: 'database',
  database_unavailable: 'database',
  retries_exhausted: 'onCall',
  delivery_count_exceeded: 'onCall',
  expired: 'onCall',
  too_many_hops: 'onCall',
  filter_failed: 'onCall',
  unknown: 'onCall',
};

/** These say that something failed, not why: a message that could never have been taken is its sender's. */
const sayLittle: readonly DeadLetterReason[] = ['retries_exhausted', 'delivery_count_exceeded', 'unknown'];

export interface Classified {
  readonly reason: DeadLetterReason;
  readonly team: Team;
}

/**
 * @param told the reason as the dead letter has it
 * @param fault what is wrong with its body, if anything is
 */
export function classify(told: string | undefined, fault: 'not_json' | 'invalid_message' | undefined): Classified {
  const named = toReason(told);
  const reason = fault !== undefined && sayLittle.includes(named) ? fault : named;
  return { reason, team: responsible[reason] };
}

function toReason(told: string | undefined): DeadLetterReason {
  if (told === undefined) return 'unknown';
  const system = Object.entries(systemReasons).find(([words]) => words.toLowerCase() === told.trim().toLowerCase());
  if (system) return system[1];
  const name = toSnakeCase(told);
  const known = deadLetterReasons.find((reason) => reason === name);
  if (known !== undefined) return known;
  return /^filter|filter.*exception/i.test(told) ? 'filter_failed' : 'unknown';
}
