import type { JournalMessage } from './journal';
import type { IncomingMessage, MessageState, StoredMessage } from './message';
import type { Lock } from './locks';
import { keep } from './slab';

type Kept = Omit<JournalMessage, 'sequenceNumber' | 'enqueuedAt' | 'expiresAt' | 'state'>;

/**
 * A message where it lies. There may be a million: no closures, no dates, no maps, and nothing that can be worked out.
 */
export class KeptMessage implements StoredMessage, JournalMessage {
  sequenceNumber = 0;
  state: MessageState = 'active';
  enqueuedSequenceNumber: number;
  content: Buffer;
  messageId: string | undefined;
  sessionId: string | undefined;
  partitionKey: string | undefined;
  timeToLiveMs: number | undefined;
  scheduledAt: number | undefined;
  enqueuedAt = 0;
  expiresAt = Infinity;
  deliveryCount: number;
  deadLetterSource: string | undefined;
  priority: number | undefined;
  durable: boolean | undefined;
  annotations: Buffer | undefined;
  hops: number;
  lock: Lock | undefined = undefined;
  /** Whether it is in a store. */
  here = false;

  constructor(from: Kept) {
    this.enqueuedSequenceNumber = from.enqueuedSequenceNumber;
    this.content = from.content;
    this.messageId = from.messageId;
    this.sessionId = from.sessionId;
    this.partitionKey = from.partitionKey;
    this.timeToLiveMs = from.timeToLiveMs;
    this.scheduledAt = from.scheduledAt;
    this.deliveryCount = from.deliveryCount;
    this.deadLetterSource = from.deadLetterSource;
    this.priority = from.priority;
    this.durable = from.durable;
    this.annotations = from.annotations;
    this.hops = from.hops;
  }

  /** It arrives somewhere now, where messages live for so long if they do not say otherwise, and at most. */
  stamp(now: number, defaultTimeToLiveMs: number): void {
    const timeToLive = Math.min(this.timeToLiveMs ?? Infinity, defaultTimeToLiveMs);
    this.timeToLiveMs = timeToLive === Infinity ? undefined : timeToLive;
    this.enqueuedAt = now;
    this.expiresAt = now + timeToLive;
  }

  get lockToken(): string | undefined {
    return this.lock?.token;
  }

  get lockedUntil(): number {
    return this.lock === undefined ? 0 : (this.lock.session?.lockedUntil ?? this.lock.until);
  }

  /** Whether a receiver may have it. */
  get waiting(): boolean {
    return this.here && this.lock === undefined && this.state === 'active';
  }

  /** What time does to it next: a schedule is due, a waiting message expires. What ends its lock is told by {@link Locks}. */
  get due(): number {
    if (!this.here || this.lock !== undefined) return Infinity;
    if (this.state === 'scheduled') return this.scheduledAt ?? Infinity;
    return this.state === 'active' ? this.expiresAt : Infinity;
  }
}

/** A message that has just been sent. */
export const received = (message: IncomingMessage): KeptMessage =>
  new KeptMessage({
    enqueuedSequenceNumber: 0,
    content: keep(message.content),
    messageId: message.messageId,
    sessionId: message.sessionId,
    partitionKey: message.partitionKey,
    timeToLiveMs: message.timeToLiveMs,
    scheduledAt: message.scheduledAt,
    deliveryCount: 0,
    deadLetterSource: undefined,
    priority: message.priority,
    durable: message.durable,
    annotations: message.annotations === undefined ? undefined : keep(message.annotations),
    hops: 0,
  });
