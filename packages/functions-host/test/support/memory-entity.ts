import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import {
  type AcceptedSession,
  LockLostError,
  type MessageSource,
  type ReceiveOptions,
} from '../../src/triggers/service-bus-source';
import type { ManualClock } from './manual-clock';

interface Stored {
  readonly id: string;
  readonly sequenceNumber: number;
  deliveryCount: number;
  lock: { token: string; until: number } | undefined;
}

/** A queue of Service Bus in memory, with locks, credit and delivery counts; `down` makes requests fail. */
export function createMemoryEntity(clock: ManualClock, { lockMs = 60_000 } = {}) {
  const stored: Stored[] = [];
  const settled: string[] = [];
  const renewals: number[] = [];
  let receiver: { options: ReceiveOptions; credit: number } | undefined;
  let tokens = 0;
  let isDown = false;
  let opened = 0;
  const deliver = (): void => {
    for (const message of stored) {
      if (receiver === undefined || receiver.credit === 0) return;
      if (message.lock !== undefined && message.lock.until > clock.now()) continue;
      message.lock = { token: `token-${++tokens}`, until: clock.now() + lockMs };
      receiver.credit--;
      const own = receiver;
      const count = message.deliveryCount++;
      void own.options.onMessage(toReceived(message, count)).then(() => {
        if (receiver !== own) return;
        own.credit++;
        setImmediate(deliver);
      });
    }
  };
  const find = async (lockToken: string | undefined): Promise<Stored> => {
    await Promise.resolve();
    if (isDown) throw new Error('the broker is away');
    const found = stored.find(
      ({ lock }) => lock?.token === lockToken && lock !== undefined && lock.until > clock.now(),
    );
    if (found === undefined) throw new LockLostError('the lock is lost');
    return found;
  };
  const settle = async (how: string, { lockToken }: ServiceBusReceivedMessage, isGone: boolean): Promise<void> => {
    const message = await find(lockToken);
    settled.push(`${how} ${message.id}`);
    message.lock = undefined;
    if (isGone) stored.splice(stored.indexOf(message), 1);
    // As over a wire: not within the same turn.
    else setImmediate(deliver);
  };
  const source: MessageSource = {
    receive(options) {
      opened++;
      const own = { options, credit: options.most };
      receiver = own;
      setImmediate(() => {
        if (receiver !== own) return;
        if (isDown) options.onError(new Error('the broker is away'));
        else options.onOpen();
        if (!isDown) deliver();
      });
      return {
        close: async () => {
          await Promise.resolve();
          receiver = undefined;
        },
      };
    },
    complete: (message) => settle('complete', message, true),
    abandon: (message) => settle('abandon', message, false),
    defer: (message) => settle('defer', message, true),
    deadLetter: (message, why) => settle(`deadLetter(${why?.reason ?? ''})`, message, true),
    async renewLock({ lockToken }) {
      const message = await find(lockToken);
      renewals.push(clock.now());
      message.lock = { token: lockToken ?? '', until: clock.now() + lockMs };
      return new Date(message.lock.until);
    },
  };
  const toReceived = ({ id, sequenceNumber, lock }: Stored, deliveryCount: number): ServiceBusReceivedMessage =>
    toMessage({ messageId: id, body: Buffer.from(id), deliveryCount }, sequenceNumber, lock);
  return {
    source,
    settled,
    renewals,
    /** Ids of what is in it, locked or not. */
    ids: () => stored.map(({ id }) => id),
    opened: () => opened,
    put: (...ids: string[]): void => {
      for (const id of ids) stored.push({ id, sequenceNumber: stored.length + 1, deliveryCount: 0, lock: undefined });
      deliver();
    },
    setDown: (value: boolean): void => {
      isDown = value;
    },
    /** Tells the receiver of an error, as the client library does. */
    fail: (error: Error): void => {
      receiver?.options.onError(error);
    },
    open: (): void => {
      receiver?.options.onOpen();
    },
    loseLocks: (): void => {
      for (const message of stored) message.lock = undefined;
    },
  };
}

export type MemoryEntity = ReturnType<typeof createMemoryEntity>;

/** A message as the client library hands it over. */
export function toMessage(
  fields: Partial<ServiceBusReceivedMessage>,
  sequenceNumber = 1,
  lock?: { readonly token: string; readonly until: number },
): ServiceBusReceivedMessage {
  return {
    body: Buffer.alloc(0),
    state: 'active',
    sequenceNumber: toSequenceNumber(sequenceNumber),
    ...(lock === undefined ? undefined : { lockToken: lock.token, lockedUntilUtc: new Date(lock.until) }),
    _rawAmqpMessage: { body: undefined },
    ...fields,
  };
}

type SequenceNumber = NonNullable<ServiceBusReceivedMessage['sequenceNumber']>;

/** As much of a 64-bit number as this host asks for. */
export function toSequenceNumber(value: number): SequenceNumber {
  return { toNumber: () => value, toString: () => String(value) } as unknown as SequenceNumber;
}

/** An entity with sessions: each is an entity of its own. */
export function createMemorySessions(clock: ManualClock, { lockMs = 60_000 } = {}) {
  const sessions = new Map<string, { entity: MemoryEntity; isTaken: boolean; state: Buffer | undefined }>();
  const waiting: (() => void)[] = [];
  const accepted: string[] = [];
  const closed: string[] = [];
  const renewals: string[] = [];
  let isDown = false;
  const tell = (): void => {
    for (const wake of waiting.splice(0)) wake();
  };
  const find = () => [...sessions].find(([, { isTaken, entity }]) => !isTaken && entity.ids().length > 0);
  return {
    accepted,
    closed,
    renewals,
    setDown: (value: boolean): void => {
      isDown = value;
    },
    entity: (id: string): MemoryEntity => {
      const session = sessions.get(id);
      if (session === undefined) throw new Error(`no session ${id}`);
      return session.entity;
    },
    put: (id: string, ...ids: string[]): void => {
      const session = sessions.get(id) ?? {
        entity: createMemoryEntity(clock, { lockMs }),
        isTaken: false,
        state: undefined,
      };
      sessions.set(id, session);
      session.entity.put(...ids);
      tell();
    },
    source: {
      async accept(signal: AbortSignal): Promise<AcceptedSession | undefined> {
        await Promise.resolve();
        if (isDown) throw new Error('the broker is away');
        while (find() === undefined) {
          await new Promise<void>((resolve, reject) => {
            waiting.push(resolve);
            signal.addEventListener('abort', () => {
              reject(new Error('aborted'));
            });
          });
        }
        const [id, session] = find() ?? [];
        if (id === undefined || session === undefined) return undefined;
        session.isTaken = true;
        accepted.push(id);
        let lockedUntil = new Date(clock.now() + lockMs);
        return {
          ...session.entity.source,
          sessionId: id,
          get lockedUntil() {
            return lockedUntil;
          },
          getState: () => Promise.resolve(session.state),
          setState: (state) => {
            session.state = state;
            return Promise.resolve();
          },
          renewSessionLock: () => {
            lockedUntil = new Date(clock.now() + lockMs);
            renewals.push(id);
            return Promise.resolve(lockedUntil);
          },
          close: () => {
            if (session.isTaken) closed.push(id);
            session.isTaken = false;
            tell();
            return Promise.resolve();
          },
        };
      },
    },
  };
}
