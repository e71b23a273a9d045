/** Sagas of one kind that have not ended. */
export interface SagaBacklog {
  readonly saga: string;
  readonly running: number;
  /** Of those, the ones that wait for an operator. */
  readonly parked: number;
  /** Of those, the ones that were reported as stuck. */
  readonly stuck: number;
  /** When the oldest one was accepted. */
  readonly oldest: Date | undefined;
}

/** What waits for somebody or something at one moment. */
export interface Backlog {
  readonly sagas: readonly SagaBacklog[];
  /** Messages that the relay has not brought to the broker. */
  readonly outbox: { readonly waiting: number; readonly oldest: Date | undefined };
  /** Dead letters that wait for an operator. */
  readonly deadLetters: readonly { readonly reason: string; readonly team: string; readonly open: number }[];
}

/** How many of a task hub have not come to their end. */
export interface Unfinished {
  readonly orders: number;
  readonly returns: number;
  readonly imports: number;
}

/** An event of the outbox that the broker has not taken. */
export interface UnsentEvent {
  /** What it tells, e.g. `order.accepted`. */
  readonly event: string;
  /** `givenUp`: it is not tried again until an operator says so. */
  readonly state: 'waiting' | 'givenUp';
  /** When it was put. */
  readonly since: Date;
  readonly attempts: number;
}
