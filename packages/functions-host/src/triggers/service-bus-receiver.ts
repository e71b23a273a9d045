import type {
  DeadLetterOptions,
  MessageHandlers,
  ServiceBusClient,
  ServiceBusReceiver,
  ServiceBusSessionReceiver,
} from '@azure/service-bus';
import {
  type AcceptedSession,
  LockLostError,
  type MessageSource,
  type ReceiveOptions,
  type Receiving,
  type SessionSource,
} from './service-bus-source';

/** As bytes and dates; locks are renewed by the trigger, which knows how long. */
const asTheyCome = { skipParsingBodyAsJson: true, skipConvertingDate: true, maxAutoLockRenewalDurationInMs: 0 };

/** Errors after which a lock is no more, whatever is tried. */
const lostCodes = new Set(['MessageLockLost', 'SessionLockLost', 'MessageNotFound']);

/** Messages of an entity without sessions. */
export function createMessageSource(open: () => Promise<ServiceBusClient>, path: string): MessageSource {
  let opened: Promise<ServiceBusReceiver> | undefined;
  const receiver = (): Promise<ServiceBusReceiver> => {
    opened ??= open().then((client) => client.createReceiver(path, { ...asTheyCome }));
    // A failed load is tried again.
    opened.catch(() => (opened = undefined));
    return opened;
  };
  return {
    receive: (options) => receive(receiver(), options),
    ...createSettlement(receiver),
    renewLock: async (message) => orLost(async () => (await receiver()).renewMessageLock(message)),
  };
}

/** Sessions of an entity. */
export function createSessionSource(open: () => Promise<ServiceBusClient>, path: string): SessionSource {
  return {
    async accept(abortSignal) {
      const client = await open();
      try {
        const accepting = client.acceptNextSession(path, { ...asTheyCome, abortSignal });
        return toAcceptedSession(await orAborted(accepting, abortSignal));
      } catch (error) {
        if (toCode(error) === 'ServiceTimeout' || toCode(error) === 'SessionCannotBeLocked') return undefined;
        throw error;
      }
    },
  };
}

/** The library notices an abort only between two steps of its own, and waiting for a session is one. */
function orAborted(
  accepting: Promise<ServiceBusSessionReceiver>,
  signal: AbortSignal,
): Promise<ServiceBusSessionReceiver> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(new Error('Nobody waits for a session any longer.'));
      // One that comes after all is given back; that none comes is what is wanted.
      accepting.then((session) => session.close()).catch(() => undefined);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    accepting.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', giveUp);
    });
  });
}

function toAcceptedSession(session: ServiceBusSessionReceiver): AcceptedSession {
  const receiver = () => Promise.resolve(session);
  let first: Receiving | undefined;
  return {
    sessionId: session.sessionId,
    get lockedUntil() {
      return session.sessionLockedUntilUtc;
    },
    receive(options) {
      // The library adds a second listener to the session's link if it is asked a second time.
      if (first !== undefined) throw new Error('Messages of a session are received once.');
      first = receive(receiver(), options);
      return first;
    },
    ...createSettlement(receiver),
    renewLock: (message) => orLost(() => session.renewMessageLock(message)),
    getState: () => orLost(async () => toBuffer(await session.getSessionState())),
    setState: (state) => orLost(() => session.setSessionState(state)),
    renewSessionLock: () => orLost(() => session.renewSessionLock()),
    close: () => session.close(),
  };
}

function createSettlement(
  receiver: () => Promise<ServiceBusReceiver>,
): Pick<MessageSource, 'complete' | 'abandon' | 'defer' | 'deadLetter'> {
  const settle = (run: (opened: ServiceBusReceiver) => Promise<void>): Promise<void> =>
    orLost(async () => run(await receiver()));
  return {
    complete: (message) => settle((opened) => opened.completeMessage(message)),
    abandon: (message, properties) => settle((opened) => opened.abandonMessage(message, toProperties(properties))),
    defer: (message, properties) => settle((opened) => opened.deferMessage(message, toProperties(properties))),
    deadLetter: (message, why, properties) =>
      settle((opened) =>
        opened.deadLetterMessage(message, {
          ...toProperties(properties),
          // The library sends what is undefined as null, which is Service Bus's own "none".
          ...({
            deadLetterReason: why?.reason,
            deadLetterErrorDescription: why?.description,
          } as DeadLetterOptions),
        }),
      ),
  };
}

type Properties = Record<string, string | number | boolean | Date | null>;

function toProperties(properties: Readonly<Properties> | undefined): Properties | undefined {
  return properties === undefined ? undefined : { ...properties };
}

/** What the library tells whoever asks, beside what its types name. */
type Handlers = MessageHandlers & { readonly postInitialize: () => Promise<void> };

/**
 * `processMessage` gives its credit back when it resolves, which is what `onMessage` promises. Closing asks the broker to
 * use up the credit that is left; until it has, messages still come. Those that are not done by then give no credit back:
 * it would add to what the next receiving begins with.
 */
function receive(opened: Promise<ServiceBusReceiver>, { most, onMessage, onOpen, onError }: ReceiveOptions): Receiving {
  const stopping = new AbortController();
  let hasFailed = false;
  let end = (): void => undefined;
  const closed = new Promise<void>((resolve) => (end = resolve));
  const handlers: Handlers = {
    processMessage: (message) => Promise.race([onMessage(message), closed]),
    processError: ({ error }) => {
      if (!stopping.signal.aborted) onError(lostOr(error));
      return Promise.resolve();
    },
    postInitialize: () => {
      onOpen();
      return Promise.resolve();
    },
  };
  const subscription = opened.then(
    (receiver) => {
      const begun = receiver.subscribe(handlers, {
        maxConcurrentCalls: most,
        autoCompleteMessages: false,
        abortSignal: stopping.signal,
      });
      // A session's link is open already, and says nothing.
      if ('sessionId' in receiver) onOpen();
      return begun;
    },
    (error: unknown) => {
      hasFailed = true;
      onError(lostOr(error));
      return undefined;
    },
  );
  return {
    async close() {
      stopping.abort();
      if (!hasFailed) await (await subscription)?.close();
      end();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** The library parses a state that is JSON. */
function toBuffer(state: unknown): Buffer | undefined {
  if (state === undefined || state === null) return undefined;
  if (state instanceof Uint8Array) return Buffer.from(state);
  return Buffer.from(JSON.stringify(state));
}

async function orLost<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw lostOr(error);
  }
}

function lostOr(error: unknown): Error {
  const known = error instanceof Error ? error : new Error(String(error));
  const isLost = lostCodes.has(toCode(error)) || /already been settled|already settled/i.test(known.message);
  return isLost ? new LockLostError(known.message, { cause: error }) : known;
}

function toCode(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}
