/**
 * Random operations of many receivers on one queue, held against a simple model that knows of each message only where
 * it may be. Each run prints its seed when it fails.
 */
import type { Broker } from '../../src/broker/broker';
import type { Delivery, Receiver } from '../../src/broker/receiver';
import type { FakeClock } from '../support/fake-clock';
import { labelOf, message, queueBroker, refusal } from '../support/test-broker';

const LOCK = 10_000;
const SESSIONS = ['x', 'y', 'z'];

/** A small generator of numbers, the same for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Held {
  readonly label: string;
  readonly token: string;
  readonly deferred: boolean;
  readonly session: string | undefined;
  until: number;
}

interface Expected {
  readonly session: string | undefined;
  number: number;
  deliveries: number;
  place: 'there' | 'deferred' | 'dead' | 'done';
}

/** What must be true of the queue, worked out apart from the broker. */
class Model {
  readonly messages = new Map<string, Expected>();
  readonly held = new Map<string, Held>();
  readonly problems: string[] = [];
  private readonly clock: FakeClock;
  private readonly max: number;

  constructor(clock: FakeClock, max: number) {
    this.clock = clock;
    this.max = max;
  }

  delivered(
    { message: given, lockToken, lockedUntil }: Delivery,
    deferred: boolean,
    session: string | undefined,
  ): void {
    const label = labelOf(given);
    const known = this.messages.get(label);
    if (known === undefined) {
      this.wrong(`${label} was never sent`);
      return;
    }
    if (known.place !== (deferred ? 'deferred' : 'there'))
      this.wrong(`${label} was delivered though it is ${known.place}`);
    const holder = [...this.held.values()].find((entry) => entry.label === label);
    if (holder !== undefined && holder.until > this.clock.now()) this.wrong(`${label} was delivered to two holders`);
    if (holder !== undefined) this.held.delete(holder.token);
    if (given.deliveryCount !== known.deliveries)
      this.wrong(`${label} says ${given.deliveryCount} of ${known.deliveries} deliveries`);
    if (session !== known.session) this.wrong(`${label} of ${known.session} was delivered to ${session}`);
    if (session !== undefined && !deferred) this.inOrder(label, known);
    if (lockToken === undefined) known.place = 'done';
    else this.held.set(lockToken, { label, token: lockToken, deferred, session, until: lockedUntil });
  }

  /** All that came before in the session is held, or not there any more. */
  private inOrder(label: string, { session, number }: Expected): void {
    const holding = new Set([...this.held.values()].map((entry) => entry.label));
    for (const [other, entry] of this.messages) {
      if (entry.session !== session || entry.place !== 'there' || entry.number >= number || holding.has(other))
        continue;
      this.wrong(`${label} overtook ${other}`);
    }
  }

  /** A delivery came to nothing. */
  back(entry: Held): void {
    this.held.delete(entry.token);
    const known = this.messages.get(entry.label)!;
    known.deliveries++;
    if (known.deliveries >= this.max) known.place = 'dead';
  }

  wrong(problem: string): void {
    this.problems.push(problem);
  }
}

interface Open {
  readonly receiver: Receiver;
  lost: boolean;
}

class Run {
  readonly broker: Broker;
  readonly clock: FakeClock;
  readonly model: Model;
  private readonly next: () => number;
  private readonly sessions: boolean;
  private readonly open: Open[] = [];
  private sent = 0;
  private steps = 0;

  constructor(seed: number, sessions: boolean) {
    const max = 4;
    const made = queueBroker({ lockDurationMs: LOCK, maxDeliveryCount: max, requiresSession: sessions });
    this.broker = made.broker;
    this.clock = made.clock;
    this.model = new Model(made.clock, max);
    this.next = random(seed);
    this.sessions = sessions;
  }

  private below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  private pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }

  step(): void {
    const steps = [
      () => this.send(),
      () => this.send(),
      () => this.openOne(),
      () => this.credit(),
      () => this.credit(),
      () => this.settle(),
      () => this.settle(),
      () => this.settle(),
      () => this.receiveDeferred(),
      () => this.close(),
      () => this.pass(this.below(LOCK)),
      () => this.renew(),
    ];
    this.pick(steps)!();
    expect(this.model.problems).toEqual([]);
    if (this.steps++ % 10 === 0) this.check();
  }

  private send(): void {
    const batch = Array.from({ length: 1 + this.below(4) }, () => ({
      label: `m${this.sent++}`,
      session: this.sessions ? this.pick(SESSIONS) : undefined,
    }));
    // Deliveries come within the call: the model has to know before.
    for (const { label, session } of batch) {
      this.model.messages.set(label, { session, number: Number(label.slice(1)), deliveries: 0, place: 'there' });
    }
    this.broker.send(
      'q',
      batch.map(({ label, session }) => message(label, { sessionId: session })),
    );
  }

  private openOne(): void {
    if (this.open.length > 5) return;
    const mode = this.below(4) === 0 ? 'receiveAndDelete' : 'peekLock';
    const open: { receiver: Receiver | undefined; lost: boolean } = { receiver: undefined, lost: false };
    const callbacks = {
      mode,
      onDelivery: (delivery: Delivery) => this.model.delivered(delivery, false, open.receiver?.session?.id),
      onClosed: () => {
        open.lost = true;
      },
    } as const;
    if (!this.sessions) open.receiver = this.broker.openReceiver('q', callbacks);
    else {
      const session = this.pick([null, ...SESSIONS])!;
      const taken = refusal(() =>
        this.broker
          .acceptSession('q', {
            ...callbacks,
            session,
            onRefused: () => {},
            onAccepted: (got) => (open.receiver = got),
          })
          .cancel(),
      );
      if (taken !== undefined && taken !== 'sessionCannotBeLocked') this.model.wrong(`accepting was refused: ${taken}`);
    }
    if (open.receiver !== undefined) this.open.push(open as Open);
  }

  private credit(): void {
    this.pick(this.open)?.receiver.addCredit(1 + this.below(3));
  }

  private settle(): void {
    const entry = this.pick([...this.model.held.values()]);
    if (entry === undefined) return;
    const kind = this.pick(['complete', 'complete', 'abandon', 'release', 'defer', 'deadLetter'] as const)!;
    const known = this.model.messages.get(entry.label)!;
    // What goes back may be delivered again within the call.
    const before = { ...known };
    if (kind === 'abandon') this.model.back(entry);
    else this.model.held.delete(entry.token);
    if (kind === 'complete') known.place = 'done';
    if (kind === 'deadLetter') known.place = 'dead';
    if (kind === 'defer') Object.assign(known, { place: 'deferred', deliveries: before.deliveries + 1 });
    const refused = refusal(() => this.broker.settle('q', entry.token, { kind }));
    if (refused !== undefined) this.model.wrong(`${kind} of ${entry.label} was refused: ${refused}`);
  }

  private receiveDeferred(): void {
    const held = new Set([...this.model.held.values()].map(({ label }) => label));
    const deferred = [...this.model.messages].filter(([label, { place }]) => place === 'deferred' && !held.has(label));
    const [label, known] = this.pick(deferred) ?? [];
    if (label === undefined || known === undefined) return;
    const { sequenceNumber } = this.broker.peek('q', 0, 100_000).find((given) => labelOf(given) === label)!;
    const locked = this.open.some(({ receiver, lost }) => !lost && receiver.session?.id === known.session);
    const call = () => this.broker.receiveDeferred('q', [sequenceNumber], 'peekLock', known.session);
    if (this.sessions && !locked) {
      if (refusal(call) !== 'sessionLockLost') this.model.wrong(`${label} was received without its session`);
    } else this.model.delivered(call()[0]!, true, known.session);
  }

  private close(): void {
    const at = this.below(this.open.length);
    const [open] = this.open.splice(at, 1);
    if (open === undefined) return;
    // A session's messages are free again at once, uncounted; other locks outlive their receiver.
    for (const entry of [...this.model.held.values()]) {
      if (this.sessions && entry.session === open.receiver.session?.id) this.model.held.delete(entry.token);
    }
    open.receiver.close();
  }

  private renew(): void {
    if (this.sessions) {
      const session = this.pick(this.open)?.receiver.session;
      if (session === undefined) return;
      const until = this.broker.renewSessionLock('q', session.id);
      for (const entry of this.model.held.values()) if (entry.session === session.id) entry.until = until;
    } else {
      const entry = this.pick([...this.model.held.values()]);
      if (entry !== undefined) [entry.until] = this.broker.renewLocks('q', [entry.token]) as [number];
    }
  }

  /** Time passes, lock by lock. */
  pass(milliseconds: number): void {
    const end = this.clock.now() + milliseconds;
    while (this.clock.now() < end) {
      const ends = [...this.model.held.values()].map(({ until }) => until);
      const sessionEnds = this.open.map(({ receiver }) => receiver.session?.lockedUntil ?? Infinity);
      const next = Math.min(end, ...ends, ...sessionEnds);
      for (const entry of [...this.model.held.values()]) if (entry.until <= next) this.model.back(entry);
      this.clock.advance(next - this.clock.now());
      for (let at = this.open.length - 1; at >= 0; at--) if (this.open[at]!.lost) this.open.splice(at, 1);
    }
  }

  check(): void {
    const { model, broker } = this;
    const there = [...model.messages]
      .filter(([, { place }]) => place === 'there' || place === 'deferred')
      .map(([label]) => label);
    const dead = [...model.messages].filter(([, { place }]) => place === 'dead').map(([label]) => label);
    expect(broker.peek('q', 0, 100_000).map(labelOf)).toEqual(there);
    expect(broker.peek('q/$DeadLetterQueue', 0, 100_000).map(labelOf).sort()).toEqual(dead.sort());
    const deferred = [...model.messages.values()].filter(({ place }) => place === 'deferred').length;
    expect(broker.getQueue('q')!.counts).toMatchObject({
      active: there.length - deferred,
      deferred,
      deadLetter: dead.length,
      total: there.length + dead.length,
    });
    expect(broker.activity.locked).toBe(model.held.size);
  }

  /** Receives and completes all that is left. */
  drain(): void {
    this.check();
    for (const { receiver } of this.open.splice(0)) receiver.close();
    this.pass(LOCK);
    const drained: string[] = [];
    const callbacks = {
      mode: 'receiveAndDelete',
      onDelivery: ({ message: given }: Delivery) => drained.push(labelOf(given)),
      onClosed: () => {},
    } as const;
    if (!this.sessions) this.broker.openReceiver('q', callbacks).addCredit(100_000);
    else {
      for (const session of SESSIONS) {
        this.broker.acceptSession('q', {
          ...callbacks,
          session,
          onRefused: () => {},
          onAccepted: (receiver) => receiver.addCredit(100_000),
        });
      }
    }
    const left = [...this.model.messages].filter(([, { place }]) => place === 'there').map(([label]) => label);
    expect(drained.sort()).toEqual(left.sort());
  }
}

describe('random operations', () => {
  const seeds = Array.from({ length: 10 }, (_, index) => index + 1);

  it.each(seeds)('of competing receivers lose nothing and give nothing to two holders (seed %i)', (seed) => {
    const run = new Run(seed, false);
    for (let step = 0; step < 250; step++) run.step();
    run.drain();
  });

  it.each(seeds)('of session receivers keep each session in order and with one receiver (seed %i)', (seed) => {
    const run = new Run(seed, true);
    for (let step = 0; step < 250; step++) run.step();
    run.drain();
  });
});
