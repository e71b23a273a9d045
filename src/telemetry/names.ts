/*
 * What spans and measures are called, in one place: the code that makes them, the dashboard, the alerts and the runbook use
 * these names. Names of OpenTelemetry's own semantic conventions (`messaging.*`, `faas.*`, `http.*`) are theirs.
 *
 * In Application Insights an attribute is in `customDimensions` (`Properties` of the App* tables), a measure in
 * `customMetrics` (`AppMetrics`) by its name.
 */

/** Attributes of spans; those of sagas are what `durable-saga/opentelemetry` gives, on who starts or steers one, too. */
export const spanAttributes = {
  /** Name of the saga, e.g. `placeOrder`. */
  sagaName: 'saga.name',
  /** The instance: an order's id, a return's id, or that of an import. */
  sagaId: 'saga.id',
  /** Version of the saga that the instance was started with. */
  sagaVersion: 'saga.version',
  /** The step, e.g. `authorisePayment#1`. */
  sagaStep: 'saga.step',
  /** Number of the attempt, from 1. */
  sagaAttempt: 'saga.attempt',
  /** True for an attempt that undoes the step. */
  sagaUndo: 'saga.undo',
  /** Event that a client sends to the saga: what it declares, or `cancel` and `retry`. */
  sagaEvent: 'saga.event',
  /** Code of the failure that an attempt ended with. */
  sagaFailure: 'saga.failure.code',
  /** Of everything that is about an order, its returns among it. */
  orderId: 'order.id',
} as const;

/** Measures. Units: seconds where it says so, else counts. */
export const metricNames = {
  /** Counter: orders that ended. Attributes `outcome` and `reason`. */
  ordersProcessed: 'orders.processed',
  /**
   * Histogram, seconds from acceptance to the end of a saga, whichever it is. Attributes `saga.name`, `outcome`. Its count is
   * that of all ended sagas. An import that its file ended, for one that is no text, has completed; its report says so. One
   * whose saga broke or was stopped is `compensationFailed`, since what it took stays; a cancelled one `compensated`. Both are
   * noticed by a sweep, a minute or two later.
   */
  sagaDuration: 'saga.duration',
  /** Counter: sagas that turned back, whether all could be undone or not. Attributes `saga.name`, `outcome`, `reason`. */
  sagaUndone: 'saga.undone',
  /** Gauge, each minute: sagas that wait for an operator. Attribute `saga.name`. */
  sagaParked: 'saga.parked',
  /** Gauge, each minute: sagas that were reported as stuck and have not ended. Attribute `saga.name`. */
  sagaStuck: 'saga.stuck',
  /** Gauge, each minute: sagas that have not ended. Attribute `saga.name`. */
  sagaRunning: 'saga.running',
  /** Gauge, seconds, each minute: age of the oldest saga that has not ended; 0 when there is none. Attribute `saga.name`. */
  sagaOldestAge: 'saga.age.oldest',
  /** Counter: attempts after the first. Attributes `saga.name`, `saga.step` (the activity), `saga.undo`. */
  sagaStepRetries: 'saga.step.retries',
  /** Counter: dead letters that came. Attributes `reason`, `team`, `entity`. */
  deadLetters: 'dead_letters',
  /** Gauge, each minute: dead letters that wait for an operator. Attributes `reason`, `team`. */
  deadLettersOpen: 'dead_letters.open',
  /** Gauge, each minute: messages of the outbox that are not published yet. */
  outboxWaiting: 'outbox.waiting',
  /** Gauge, seconds, each minute: age of the oldest of them; 0 when there is none. */
  outboxOldestAge: 'outbox.age.oldest',
} as const;

/** Attributes of measures. All have few values: nothing of one order is among them. */
export const metricAttributes = {
  sagaName: 'saga.name',
  sagaStep: 'saga.step',
  sagaUndo: 'saga.undo',
  /** `completed`, `compensated` or `compensationFailed`: the final status of the row. */
  outcome: 'outcome',
  /** Why: the code of the row's reason (`cancelled` for a cancel), or of a dead letter's. */
  reason: 'reason',
  /** Whose business a dead letter is. */
  team: 'team',
  /** Queue or `topic/Subscriptions/name` of a dead letter. */
  entity: 'entity',
} as const;
