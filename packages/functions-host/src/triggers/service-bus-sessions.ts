/*
 * Sessions of an entity on their way to a function.
 *
 * So many sessions are waited for at once as the function may handle. One that was got is kept while messages come, and
 * for a set time without any; its lock is renewed meanwhile, for as long as is allowed. It ends early when the function
 * lets go of it, when its lock is lost (its messages come again, and what a function still wants to settle fails), and
 * when the host stops. Then the next one is waited for.
 */
import { setMaxListeners } from 'node:events';
import type { Clock, Scheduled } from '../clock';
import type { InFlight } from '../in-flight';
import type { HostLog } from '../log';
import { messageOf } from '../supervisor/failures';
import { createMessageFlow, type FlowOptions, type MessageFlow } from './service-bus-flow';
import type { Held } from './service-bus-held';
import type { HeldSession, ReceivedMessages } from './service-bus-received';
import { type AcceptedSession, LockLostError, type SessionSource } from './service-bus-source';
import type { Trouble } from './service-bus-trouble';

export interface SessionsOptions {
  readonly source: SessionSource;
  readonly title: string;
  readonly category: string;
  readonly maxConcurrentSessions: number;
  readonly sessionIdleMs: number;
  /** 0 for batches: their locks are not renewed. */
  readonly maxLockRenewalMs: number;
  readonly received: ReceivedMessages;
  readonly trouble: Trouble;
  readonly handle: (held: readonly Held[]) => Promise<boolean>;
  readonly flow: Pick<FlowOptions, 'autoComplete' | 'parallelism' | 'prefetch' | 'batch'>;
  readonly clock: Clock;
  /** Real time. */
  readonly pauses: Clock;
  readonly inFlight: InFlight;
  readonly log: HostLog;
}

export interface Sessions {
  start(): void;
  /** Waits for no session any more, and lets no message come. */
  stop(): Promise<void>;
  /** After `stop`: gives back what is still being handled, and the sessions. */
  close(): Promise<void>;
}

const firstBackOffMs = 500;
const longestBackOffMs = 5000;
/** Between two waits that brought nothing: a broker may answer at once. */
const breathMs = 100;
/** Asking for a session counts as under way for so many times so long, at first and later; then it is waiting. */
const askingMs = 20;
/** The library is loaded and the connection made. */
const firstAskingTimes = 15;
const askingTimes = 3;
/** The first message of a session follows it; for so long it counts as under way. */
const firstMessageMs = 250;
const shortestRenewalMs = 1000;
const renewalBufferMs = 10_000;

export function createSessions(options: SessionsOptions): Sessions {
  const stopping = new AbortController();
  // One for each session that is waited for, and more in the client library: no leak.
  setMaxListeners(0, stopping.signal);
  const kept = new Set<KeptSession>();
  let workers: Promise<void>[] = [];
  const isStopping = (): boolean => stopping.signal.aborted;
  const work = async (): Promise<void> => {
    let times = firstAskingTimes;
    for (let failures = 0; !isStopping();) {
      try {
        const session = await accept(options, stopping.signal, times);
        times = askingTimes;
        options.trouble.clear();
        failures = 0;
        if (session === undefined) await pause(options.pauses, breathMs, stopping.signal);
        else await keep(session);
      } catch (error) {
        if (isStopping()) return;
        options.trouble.note(error);
        await pause(options.pauses, Math.min(firstBackOffMs * 2 ** failures, longestBackOffMs), stopping.signal);
        failures++;
      }
    }
  };
  const keep = async (session: AcceptedSession): Promise<void> => {
    if (isStopping()) {
      await session.close().catch(() => undefined);
      return;
    }
    const own = new KeptSession(session, options);
    kept.add(own);
    await own.run();
    kept.delete(own);
  };
  return {
    start: () => {
      workers = Array.from({ length: options.maxConcurrentSessions }, work);
    },
    stop: async () => {
      stopping.abort();
      await Promise.all([...kept].map((session) => session.stop()));
    },
    close: async () => {
      await Promise.all([...kept].map((session) => session.close()));
      await Promise.all(workers);
    },
  };
}

async function accept(
  options: SessionsOptions,
  signal: AbortSignal,
  times: number,
): Promise<AcceptedSession | undefined> {
  const { inFlight, pauses, source, title } = options;
  const asked = inFlight.begin(`asking for a session for the ${title}`);
  const wait = (left: number): void => {
    if (left === 0) asked();
    else pauses.schedule(pauses.now() + askingMs, () => wait(left - 1));
  };
  wait(times);
  try {
    return await source.accept(signal);
  } finally {
    asked();
  }
}

/** One session, from its being got to its being given back. */
class KeptSession {
  readonly #session: AcceptedSession;
  readonly #options: SessionsOptions;
  readonly #flow: MessageFlow;
  readonly #keptUntil: number;
  #resolveOver: () => void = () => undefined;
  readonly #over = new Promise<void>((resolve) => (this.#resolveOver = resolve));
  #idle: Scheduled | undefined;
  #renewal: Scheduled | undefined;
  #isReleased = false;
  #isLost = false;
  #end: () => void;

  constructor(session: AcceptedSession, options: SessionsOptions) {
    this.#session = session;
    this.#options = options;
    const { clock, inFlight, title, pauses } = options;
    this.#keptUntil = clock.now() + options.maxLockRenewalMs;
    this.#end = inFlight.begin(`session '${session.sessionId}' of the ${title}`);
    pauses.schedule(pauses.now() + firstMessageMs, () => {
      this.#end();
    });
    this.#flow = createMessageFlow({
      ...options,
      ...options.flow,
      source: session,
      // A session's messages are locked with it.
      maxLockRenewalMs: 0,
      handle: (held) => this.#handle(held),
      onOpen: () => undefined,
      onError: (error) => {
        this.#lose(error);
      },
      onMessage: () => {
        this.#idle?.cancel();
        this.#end();
      },
      onIdle: () => {
        this.#waitForMore();
      },
    });
  }

  async run(): Promise<void> {
    this.#waitForMore();
    this.#renewLater();
    this.#flow.start();
    await this.#over;
    this.#idle?.cancel();
    await this.#flow.stop();
    await this.#flow.settled();
    this.#renewal?.cancel();
    this.#end();
    await this.#session.close().catch(() => undefined);
  }

  async stop(): Promise<void> {
    await this.#flow.stop();
    this.#resolveOver();
  }

  async close(): Promise<void> {
    await this.#flow.close();
    await this.#session.close().catch(() => undefined);
  }

  async #handle(held: readonly Held[]): Promise<boolean> {
    const { received, handle } = this.#options;
    const forget = received.addSession(this.#session.sessionId, this.#toHeldSession());
    try {
      return await handle(held);
    } finally {
      forget();
      if (this.#isReleased) void this.stop();
    }
  }

  #toHeldSession(): HeldSession {
    const session = this.#session;
    return {
      getState: () => session.getState(),
      setState: (state) => session.setState(state),
      renewLock: () => session.renewSessionLock(),
      release: () => {
        this.#isReleased = true;
      },
    };
  }

  #waitForMore(): void {
    const { clock, sessionIdleMs } = this.#options;
    this.#idle?.cancel();
    this.#idle = clock.schedule(clock.now() + sessionIdleMs, () => {
      this.#resolveOver();
    });
  }

  #renewLater(): void {
    const { clock } = this.#options;
    const now = clock.now();
    const left = this.#session.lockedUntil.getTime() - now;
    const at = now + Math.max(left - Math.min(left / 2, renewalBufferMs), shortestRenewalMs);
    if (at > this.#keptUntil) return;
    this.#renewal = clock.schedule(at, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const end = this.#options.inFlight.begin(`renewing session '${this.#session.sessionId}'`);
    try {
      await this.#session.renewSessionLock();
      this.#renewLater();
    } catch (error) {
      if (error instanceof LockLostError) this.#lose(error);
      else this.#renewLater();
    } finally {
      end();
    }
  }

  /** The link is closed, or the broker away: the session is somebody else's, or soon will be. */
  #lose(error: unknown): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#renewal?.cancel();
    const { log, category, title } = this.#options;
    const id = this.#session.sessionId;
    log.log(
      'Warning',
      category,
      `The ${title} has lost session '${id}' (${messageOf(error)}): its messages come again, and what a function still settles of it fails.`,
    );
    this.#resolveOver();
  }
}

function pause(pauses: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = pauses.schedule(pauses.now() + ms, end);
    signal.addEventListener('abort', end, { once: true });
  });
}
