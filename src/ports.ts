import type { FileProblem } from './domain/csv-file';
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterId,
  DeadLetterStatus,
  DeadLetterSummary,
  StoredDeadLetter,
} from './domain/dead-letter';
import type { DeadLetterReason, Team } from './domain/dead-letter-reason';
import type { DeadLetterNotice } from './domain/dead-letter-notice';
import type { CustomerId, OrderId, ReturnId, Sku } from './domain/ids';
import type { ImportFile, ImportSummary, UnfinishedImport } from './domain/import';
import type { KeptMessage } from './domain/kept-message';
import type { NewOrder, Product, StoredOrder } from './domain/order';
import type { RowRejection } from './domain/order-rows';
import type { OrderEvent } from './domain/order-event';
import type { FinalStatus, OrderStatus, StatusReason } from './domain/order-status';
import type { AcceptedLine, NewReturn, Pieces, StoredReturn } from './domain/return';
import type { StuckNotice, WaitingSaga } from './domain/stuck';

/**
 * What the business needs from outside, one interface each; `src/adapters` has one file for every outside system.
 *
 * Two rules hold for all of them. Everything that changes something takes the step's key and may be called again with
 * it: the effect happens once. And what an answer says for certain is a return value (`declined`, `outOfStock`), while
 * a thrown error means that nobody knows whether the effect came about.
 *
 * Money is in minor units (cents) of the shop's one currency, always an integer.
 */

export interface Clock {
  now(): Date;
}

export interface AuthoriseRequest {
  readonly orderId: string;
  readonly amount: number;
  readonly currency: string;
  readonly paymentMethod: string;
}

export type Authorisation =
  /** `processing`: whether the money is held is told later, by an event. */
  | { readonly kind: 'authorised' | 'processing'; readonly intentId: string }
  | { readonly kind: 'declined'; readonly code: string; readonly message: string };

export type Capture =
  | { readonly kind: 'captured'; readonly amount: number }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

export type Refund =
  | { readonly kind: 'refunded'; readonly refundId: string }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

/** The payment provider. `key` is the idempotency key that the provider sees. */
export interface Payments {
  /** Holds the money. */
  authorise(key: string, request: AuthoriseRequest): Promise<Authorisation>;
  /** Takes the money that is held. */
  capture(key: string, request: { readonly intentId: string; readonly amount: number }): Promise<Capture>;
  /**
   * Lets go of the money that is held. Without an intent id the authorisation is sent again under its own `key`, which
   * tells the id, and is then cancelled. A decline means that there is nothing to cancel; so does a repeated call.
   */
  cancel(key: string, request: AuthoriseRequest, intentId: string | undefined): Promise<void>;
  /** Gives a part of the money that was taken back. More than is left of it is refused. */
  refund(key: string, request: RefundRequest): Promise<Refund>;
}

export interface RefundRequest {
  readonly intentId: string;
  readonly amount: number;
  /** What it is for, as the provider shows it. */
  readonly returnId: string;
  readonly sku: string;
}

export interface ShipmentRequest {
  readonly orderId: string;
  readonly customerId: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

export interface PickUpRequest {
  readonly returnId: string;
  readonly customerId: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

export interface Carrier {
  /** Books one parcel for the order. */
  book(key: string, request: ShipmentRequest): Promise<{ readonly shipmentId: string; readonly tracking: string }>;
  /** Has the carrier collect one parcel from the customer. */
  bookPickUp(key: string, request: PickUpRequest): Promise<{ readonly pickUpId: string; readonly tracking: string }>;
  /**
   * Calls the pick-up off. Without an id the booking is sent again under its own `key`, which tells the id. `collected`
   * is the carrier's refusal: it has been there.
   */
  cancelPickUp(key: string, request: PickUpRequest, pickUpId: string | undefined): Promise<'cancelled' | 'collected'>;
}

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** Milliseconds in which sending a mail succeeds or fails, whatever the mail server does. */
export const MAIL_DEADLINE = 60_000;

/** E-mail. The same `key` gives the same Message-ID, so that a second copy of a mail is recognised as one. */
export interface Mailer {
  /**
   * Settles within `MAIL_DEADLINE`. An error leaves open whether the mail goes out. Its `code` is `mailUnreachable` without
   * a connection, `mailTimeout` without an answer in time, and another when the server did not take this mail.
   */
  send(key: string, mail: Mail): Promise<void>;
}

/** The catalogue. */
export interface Catalogue {
  /** Products in the order of their skus, after `after`. */
  list(page: { readonly after?: Sku | undefined; readonly limit: number }): Promise<readonly Product[]>;
  /** The products among `skus` that exist. */
  find(skus: readonly Sku[]): Promise<ReadonlyMap<Sku, Product>>;
  /** Writes name, price and stock of each product, new or not. Nothing happens when `key` has been applied before. */
  put(key: string, products: readonly Product[]): Promise<void>;
}

export interface Reservation {
  readonly orderId: OrderId;
  readonly sku: Sku;
  readonly quantity: number;
}

export type ReserveOutcome =
  | { readonly kind: 'reserved' }
  | { readonly kind: 'outOfStock'; readonly available: number }
  | { readonly kind: 'unknownProduct' }
  /** The reservation was released before it was made: nothing is reserved, nor ever will be under this key. */
  | { readonly kind: 'undone' };

export interface Stock {
  reserve(key: string, reservation: Reservation): Promise<ReserveOutcome>;
  /** Gives back exactly what `key` reserved, and keeps a later `reserve` under it from reserving anything. */
  release(key: string): Promise<void>;
}

/** `accepted`: the row is new. `repeated`: the same order was there. `conflict`: a different one was, under the same id. */
export type Acceptance = 'accepted' | 'repeated' | 'conflict';

export interface OrderQuery {
  readonly status?: OrderStatus | undefined;
  readonly customerId?: CustomerId | undefined;
  /** The last order of the page before. */
  readonly after?: OrderId | undefined;
  readonly limit: number;
}

/** What the rows of sagas have in common, those of orders and those of returns. */
export interface SagaRows<Id> {
  /** Notes that the row's saga has been started; does nothing when that is known already. */
  markStarted(id: Id): Promise<void>;
  /**
   * Rows of the task hub, and those of none, that were accepted before `acceptedBefore` and whose saga is not known to have
   * been started, oldest first.
   */
  listUnstarted(taskHub: string | undefined, page: { acceptedBefore: Date; limit: number }): Promise<readonly Id[]>;
  /** Gives a row that has no task hub to this one; tells the hub that the row then has. */
  adopt(id: Id, taskHub: string): Promise<string>;
  /** Something of the row's saga waits for an operator. */
  markParked(key: string, id: Id, reason: StatusReason): Promise<void>;
  /** The row's saga goes on after having been parked. */
  markResumed(key: string, id: Id): Promise<void>;
  /** Writes the final status; does nothing when there is one already. */
  settle(id: Id, status: FinalStatus, reason: StatusReason | undefined): Promise<void>;
}

/** The orders' rows: the authority on which orders exist. */
export interface Orders extends SagaRows<OrderId> {
  /** A new row belongs to the task hub, one that was there stays with its own. */
  accept(order: NewOrder, taskHub?: string): Promise<Acceptance>;
  /** One answer for each order, in their order. Safe to repeat. */
  acceptMany(orders: readonly NewOrder[], taskHub?: string): Promise<readonly Acceptance[]>;
  find(id: OrderId): Promise<StoredOrder | undefined>;
  /** Newest first. */
  list(query: OrderQuery): Promise<readonly StoredOrder[]>;
  markAwaitingApproval(key: string, id: OrderId): Promise<void>;
  markApproved(key: string, id: OrderId, reason: StatusReason): Promise<void>;
}

/** The returns' rows: the authority on which returns exist. */
export interface Returns extends SagaRows<ReturnId> {
  /** A new row belongs to the task hub, one that was there stays with its own. */
  accept(newReturn: NewReturn, taskHub?: string): Promise<Acceptance>;
  find(id: ReturnId): Promise<StoredReturn | undefined>;
  /** An order's, newest first. */
  list(query: {
    readonly orderId: OrderId;
    /** The last return of the page before. */
    readonly after?: ReturnId | undefined;
    readonly limit: number;
  }): Promise<readonly StoredReturn[]>;
  markAwaitingPickUp(key: string, id: ReturnId): Promise<void>;
}

export type ClaimOutcome =
  | { readonly kind: 'claimed' }
  /** Other returns hold or have taken the rest of it. */
  | { readonly kind: 'notLeft'; readonly sku: Sku; readonly left: number }
  /** The claim was released before it was made: nothing is held, nor ever will be under this key. */
  | { readonly kind: 'undone' };

/** What returns take from orders: the one place where two returns of an order meet. */
export interface ReturnedItems {
  /** How many pieces of each product of the order no return holds or has taken. Throws when there is no such order. */
  findLeft(id: OrderId): Promise<ReadonlyMap<Sku, number>>;
  /** Holds all of the return's pieces, or none. */
  claim(key: string, id: ReturnId): Promise<ClaimOutcome>;
  /** Gives back exactly what `key` claimed, and keeps a later `claim` under it from claiming anything. */
  release(key: string): Promise<void>;
  /**
   * Takes what was collected (at most what was claimed) for good, fixes what is paid back for it and gives back the rest
   * of the claim.
   */
  accept(key: string, id: ReturnId, collected: readonly Pieces[]): Promise<readonly AcceptedLine[]>;
  /** Notes that the line's refund is on its way, and the payment as refunded by so much. */
  recordRefund(
    key: string,
    line: { readonly id: ReturnId; readonly sku: Sku; readonly refundId: string },
  ): Promise<void>;
  /** Puts the line's accepted pieces back into stock. */
  restock(key: string, line: { readonly id: ReturnId; readonly sku: Sku }): Promise<void>;
}

export interface PaymentRow {
  readonly orderId: OrderId;
  readonly intentId: string;
  readonly amount: number;
  readonly currency: string;
  /** `refunded` when all of it was given back. */
  readonly state: 'authorised' | 'captured' | 'cancelled' | 'refunded';
  /** How much of it was given back. */
  readonly refunded: number;
  /** Whether the money was held was told later. */
  readonly isProcessing?: boolean;
}

/** What we know of the orders' payments. */
export interface PaymentRows {
  find(id: OrderId): Promise<PaymentRow | undefined>;
  /** `undone` when `key` was released first; nothing is written then. */
  recordAuthorised(key: string, payment: Omit<PaymentRow, 'state' | 'refunded'>): Promise<'recorded' | 'undone'>;
  recordCaptured(key: string, id: OrderId): Promise<void>;
  /** Keeps a later `recordAuthorised` under `key` from writing, and tells the intent if there was one. */
  undoAuthorised(key: string): Promise<{ readonly intentId: string | undefined }>;
  recordCancelled(id: OrderId): Promise<void>;
}

export interface ShipmentRow {
  readonly orderId: OrderId;
  readonly shipmentId: string;
  readonly tracking: string;
  readonly state: 'booked' | 'cancelled';
}

/** What we know of the orders' shipments. */
export interface ShipmentRows {
  find(id: OrderId): Promise<ShipmentRow | undefined>;
  recordBooked(key: string, shipment: Omit<ShipmentRow, 'state'>): Promise<void>;
}

export interface PickUpRow {
  readonly returnId: ReturnId;
  readonly pickUpId: string;
  readonly tracking: string;
  readonly state: 'booked' | 'collected' | 'cancelled';
}

/** What we know of the returns' pick-ups. */
export interface PickUpRows {
  find(id: ReturnId): Promise<PickUpRow | undefined>;
  /** `undone` when `key` was released first; nothing is written then. */
  recordBooked(key: string, pickUp: Omit<PickUpRow, 'state'>): Promise<'recorded' | 'undone'>;
  /** Keeps a later `recordBooked` under `key` from writing, and tells the pick-up if there was one. */
  undoBooked(key: string): Promise<{ readonly pickUpId: string | undefined }>;
  recordCancelled(id: ReturnId): Promise<void>;
}

/** Starts the saga of an order or return that has a row. `Client` is the durable client at hand. */
export interface SagaStarter<Client, Id> {
  /** Does nothing when the saga was started before, however long ago. Throws when it can't be started now. */
  start(client: Client, id: Id): Promise<void>;
}
export type OrderStarter<Client> = SagaStarter<Client, OrderId>;

// ---- Imports: the files, and the rows that say how far each import is and what it refused ----

export type OpenedFile =
  | {
      readonly kind: 'file';
      readonly etag: string;
      /** In bytes. */
      readonly size: number;
      /** Reads from a byte offset to the end, piece by piece; throws when the file is replaced or deleted meanwhile. */
      read(offset: number): AsyncIterable<Uint8Array>;
    }
  | { readonly kind: 'replaced' }
  | { readonly kind: 'gone' };

/** The files of the import container; a path is e.g. `orders/june.csv`. */
export interface Files {
  /** With an ETag the file must still be the one that had it. */
  open(path: string, etag?: string): Promise<OpenedFile>;
  /** Writes the file, or a new one in its place. */
  write(path: string, content: AsyncIterable<string | Uint8Array>, contentType: string): Promise<void>;
  list(query: {
    readonly prefix: string;
    readonly modifiedBefore: Date;
  }): AsyncIterable<{ readonly path: string; readonly etag: string }>;
  /** Does nothing when the file is gone, or another one is in its place. */
  remove(file: { readonly path: string; readonly etag: string }): Promise<void>;
}

/** What is known of imports. Everything may be repeated with the same arguments and then changes nothing. */
export interface Imports {
  /** Notes that it has begun; does nothing for one that is known. */
  begin(file: ImportFile): Promise<void>;
  /**
   * Notes that it begins in this task hub, unless it has begun; tells its hub, undefined for one from before there could be
   * two. Of those that claim a file at the same moment one gets it.
   */
  claim(file: ImportFile, taskHub: string): Promise<string | undefined>;
  /** Gives an import that has no task hub to this one; tells the hub that it then has. */
  adopt(importId: string, taskHub: string): Promise<string>;
  /**
   * Notes at which row each order of the file starts. Returns, by row, the row of an earlier start of the same order:
   * those reappear.
   */
  claimOrders(
    importId: string,
    orders: readonly { readonly row: number; readonly order: string }[],
  ): Promise<ReadonlyMap<number, number>>;
  /** `acceptedRows` are rows at which accepted orders start. */
  recordBatch(
    importId: string,
    batch: { readonly acceptedRows: readonly number[]; readonly rejections: readonly RowRejection[] },
  ): Promise<void>;
  finish(importId: string, problem: FileProblem | undefined): Promise<void>;
  /**
   * Those of the task hub, and those of none, that were claimed or begun before `startedBefore`, in the order of their ids,
   * after `after`.
   */
  listUnfinished(
    taskHub: string | undefined,
    page: { readonly startedBefore: Date; readonly after?: string | undefined; readonly limit: number },
  ): Promise<readonly UnfinishedImport[]>;
  /** Ends one whose saga did not, with what that came to; does nothing for one that has finished. */
  giveUp(importId: string, outcome: Exclude<FinalStatus, 'completed'>, reason: StatusReason): Promise<void>;
  /** Throws for an import that has not begun. */
  summarise(importId: string): Promise<ImportSummary>;
  listRejections(
    importId: string,
    page: { readonly afterRow: number; readonly limit: number },
  ): Promise<readonly RowRejection[]>;
  /** Forgets imports that finished before `before`, at most `limit` of them; tells how many. */
  expire(before: Date, limit: number): Promise<number>;
}

// ---- Messages of Service Bus ----

/** What is sent; `enqueueAt` hides it until then. */
export type OutgoingMessage = KeptMessage & { readonly enqueueAt?: Date | undefined };

/** Sends to queues and topics. An error leaves open whether the message was taken. */
export interface MessageSender {
  send(address: string, message: OutgoingMessage): Promise<void>;
}

/** What the app's own readers of order events keep. Each gives false, and changes nothing, for an event that it has had. */
export interface EventReaders {
  /** Counts it, by day. */
  count(event: OrderEvent): Promise<boolean>;
  /** Notes what left the warehouse for good, or what came back. */
  recordMovements(
    event: Extract<OrderEvent, { readonly type: 'order.completed' | 'return.completed' }>,
  ): Promise<boolean>;
  /** Sends a mail about it. An error of `send` leaves nothing noted. */
  mail(event: OrderEvent, send: () => Promise<void>): Promise<boolean>;
}

/** Who does something to a dead letter, and what they say about it. */
export interface Deed {
  readonly by: string;
  readonly note?: string | undefined;
}

/** What became of the wish to change a dead letter. */
export type ChangeOutcome =
  | { readonly kind: 'done'; readonly letter: StoredDeadLetter }
  | { readonly kind: 'unknown' }
  /** Its status doesn't allow it; somebody else may have been faster. */
  | { readonly kind: 'notAllowed'; readonly status: DeadLetterStatus };

export interface DeadLetterCount {
  /** UTC, `2026-01-31`. */
  readonly day: string;
  readonly entity: string;
  readonly reason: DeadLetterReason;
  readonly team: Team;
  readonly status: DeadLetterStatus;
  readonly count: number;
}

/** Dead letters of all queues and subscriptions, kept for operators and for analytics. */
export interface DeadLetters {
  /** Once for each id; tells whether it is new. */
  keep(letter: DeadLetter): Promise<'kept' | 'known'>;
  find(id: DeadLetterId): Promise<StoredDeadLetter | undefined>;
  /** Newest first, after the dead letter `after`. */
  list(
    filter: DeadLetterFilter,
    page: { readonly after?: DeadLetterId | undefined; readonly limit: number },
  ): Promise<readonly DeadLetterSummary[]>;
  /**
   * Those that a redrive may take: open ones, and ones whose redrive was begun before `begunBefore` and never ended.
   * Oldest first, which keeps the messages of a session in order.
   */
  listRedrivable(
    filter: Omit<DeadLetterFilter, 'status'>,
    page: { readonly after?: DeadLetterId | undefined; readonly limit: number; readonly begunBefore: Date },
  ): Promise<readonly DeadLetterId[]>;
  /** How many such there are after `after`. */
  countRedrivable(
    filter: Omit<DeadLetterFilter, 'status'>,
    page: { readonly after?: DeadLetterId | undefined; readonly begunBefore: Date },
  ): Promise<number>;
  /** Of an open one: `message` is what will be redriven from now on. */
  edit(id: DeadLetterId, message: KeptMessage, deed: Deed): Promise<ChangeOutcome>;
  /** Takes one for being sent: nobody else gets it until it is given back, or it was begun before `begunBefore`. */
  beginRedrive(id: DeadLetterId, begunBefore: Date, deed: Deed): Promise<ChangeOutcome>;
  /** It was sent, or (with a reason in `failed`) is open again. */
  endRedrive(letter: Pick<StoredDeadLetter, 'id' | 'attempts'>, deed: Deed, failed?: string): Promise<void>;
  discard(id: DeadLetterId, deed: Deed): Promise<ChangeOutcome>;
  count(filter: DeadLetterFilter): Promise<readonly DeadLetterCount[]>;
  /**
   * Gives a mail to those that nobody was told of yet: one for each team and reason, unless that had its last one at or
   * after `quietSince`.
   */
  planNotices(quietSince: Date): Promise<void>;
  /** Planned mails that were not sent yet, each with at most `limit` dead letters of those that it is about. */
  listUnsentNotices(limit: number): Promise<readonly DeadLetterNotice[]>;
  /**
   * Sends the planned mail and notes that, unless it was sent. Of several who do that at the same moment one sends it; an
   * error of `send` leaves it unsent. One that dies meanwhile, or got no answer in time (`mailTimeout`), is followed by
   * whoever comes a few minutes later.
   */
  sendNotice(key: string, send: () => Promise<void>): Promise<void>;
  /** Forgets mails sent before `before` whose dead letters are forgotten, at most `limit` of them; tells how many. */
  expireNotices(before: Date, limit: number): Promise<number>;
  /** Forgets those stored before `before` that wait for nobody any more, at most `limit` of them; tells how many. */
  expire(before: Date, limit: number): Promise<number>;
}

// ---- Watching and cleaning up ----

/** Sagas that have not got on for a while, and which of them were reported. */
export interface StuckSagas {
  /** Those that last got on before `since` and were never reported, in the order of their ids, after `after`. */
  listWaiting(page: { since: Date; after?: string | undefined; limit: number }): Promise<readonly WaitingSaga[]>;
  /** Notes them as reported, all at once, in the mail with this key; tells which are new. Those noted before stay as they are. */
  note(mailKey: string, notices: readonly StuckNotice[]): Promise<readonly StuckNotice[]>;
  /**
   * Notes how a saga has ended, in the mail with this key, whatever was noted of it before: that it did not get on is no word
   * of its end. The same reason once more changes nothing, so that it makes no second mail.
   */
  noteEnd(mailKey: string, notice: StuckNotice): Promise<void>;
  /** By mail, what was noted and not yet mailed. */
  listUnmailed(): Promise<ReadonlyMap<string, readonly StuckNotice[]>>;
  /** Sends the mail and notes that, as `DeadLetters.sendNotice` does. */
  sendMail(mailKey: string, send: () => Promise<void>): Promise<void>;
}

/** What gets old. Each call takes at most `limit` away and tells how much it was. */
export interface Retention {
  /** When the oldest saga that has not ended was begun: nothing that it may need is older. */
  findOldestUnfinished(): Promise<Date | undefined>;
  expireLedger(before: Date, limit: number): Promise<number>;
  expireNotices(before: Date, limit: number): Promise<number>;
  /** Events that were published. */
  expireEvents(before: Date, limit: number): Promise<number>;
}
