import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Invoker } from '../app/invocation';
import type { HttpServer } from '../http/server';
import type { HostLog } from '../log';
import type { TriggerListener } from '../triggers/trigger-listener';
import type { DurableParts } from './durable-parts';

/** How long a stop waits for running functions, then for what triggers still have to tell storage. */
const settleMs = 5000;
const closingMs = 2000;

/** The first part of a stop: nothing new is begun, and what runs has its time. */
export async function takeNoMoreWork(host: {
  readonly server: HttpServer;
  readonly isDurable: (request: IncomingMessage) => boolean;
  readonly listeners: readonly TriggerListener[];
  readonly durable: DurableParts;
  readonly invoker: Invoker;
  readonly log: HostLog;
  /** Instead of the usual times. */
  readonly graceMs: number | undefined;
}): Promise<void> {
  const { server, listeners, durable, invoker, log, graceMs } = host;
  // Functions that are still running may need the durable client, which calls this very server.
  server.drain(host.isDurable);
  for (const listener of listeners) listener.stop();
  durable.extension()?.drain();
  const left = await invoker.settle(graceMs ?? settleMs);
  if (left > 0) log.log('Warning', 'Host.Shutdown', `${left} functions were still running when the host stopped.`);
  const closed = Promise.allSettled(listeners.map(async (listener) => listener.close?.()));
  const patience = new AbortController();
  await Promise.race([
    closed,
    delay(graceMs ?? closingMs, undefined, { signal: patience.signal }).catch(() => undefined),
  ]);
  patience.abort();
}
