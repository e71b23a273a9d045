import { setTimeout as delay } from 'node:timers/promises';
import { realClock } from '../clock';
import type { HostLog } from '../log';
import { DiedAtStart, messageOf } from './failures';
import type { Children } from './children';
import type { Running } from './running';
import type { Service } from './service';

const ATTEMPTS_AT_FIRST = 3;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;
/** What ran this long before it ended is started again without much delay. */
const HEALTHY_MS = 10_000;

/** A service that is started again whenever it ends. */
export interface Kept {
  readonly service: Service;
  /** Resolves when it is up for the first time; rejects when it didn't come up in several attempts, or never will. */
  readonly started: Promise<void>;
  /** Ends it for good, also in the middle of a start. */
  stop(): Promise<void>;
}

/**
 * Starts a service and keeps it running. What dies while it starts is tried three times; any other failure of the first
 * start is final. Once it was up, it is started again for ever, with growing delays from 100 ms to 10 s.
 */
export function keepRunning(service: Service, children: Children, log: HostLog): Kept {
  const stopping = new AbortController();
  const { signal } = stopping;
  const isStopping = (): boolean => signal.aborted;
  let running: Running | undefined;
  const start = async (): Promise<void> => {
    running = await service.start({
      signal,
      onSpawn: (child, kind) => children.track(service.name, child, kind),
    });
  };

  const started = startFirst(service, start, signal, log);
  const kept = started.then(
    async () => {
      let delayMs = FIRST_DELAY_MS;
      while (!isStopping() && running) {
        const since = realClock.now();
        const end = await running.ended;
        if (isStopping()) return;
        log.log('Warning', 'Host.Supervisor', `${service.name} ended (${end}); starting it again`);
        if (realClock.now() - since >= HEALTHY_MS) delayMs = FIRST_DELAY_MS;
        delayMs = await startAgain(service, start, delayMs, signal, log);
      }
    },
    () => undefined,
  );
  return {
    service,
    started,
    stop: async () => {
      stopping.abort();
      await running?.stop();
      await kept;
      // A start that was under way may have come through meanwhile.
      await running?.stop();
    },
  };
}

async function startFirst(
  service: Service,
  start: () => Promise<void>,
  signal: AbortSignal,
  log: HostLog,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await start();
      return;
    } catch (error) {
      if (signal.aborted || !(error instanceof DiedAtStart)) throw error;
      if (attempt === ATTEMPTS_AT_FIRST) {
        throw new DiedAtStart(
          `${service.name} did not start, ${ATTEMPTS_AT_FIRST} times in a row. ${error.message}`,
          error.exitCode,
        );
      }
      log.log('Warning', 'Host.Supervisor', `${error.message}\n${service.name} is tried again`);
      await delay(FIRST_DELAY_MS * 2 ** attempt, undefined, { signal });
    }
  }
}

/** Answers the delay for the next time. */
async function startAgain(
  service: Service,
  start: () => Promise<void>,
  firstDelayMs: number,
  signal: AbortSignal,
  log: HostLog,
): Promise<number> {
  let delayMs = firstDelayMs;
  for (;;) {
    try {
      await delay(delayMs, undefined, { signal });
      delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
      await start();
      log.log('Information', 'Host.Supervisor', `${service.name} is up again`);
      return delayMs;
    } catch (error) {
      if (signal.aborted) return delayMs;
      log.log('Error', 'Host.Supervisor', `${messageOf(error)}\n${service.name} is tried again in ${delayMs / 1000} s`);
    }
  }
}
