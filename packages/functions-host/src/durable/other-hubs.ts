/**
 * Requests for another task hub of the same database. On the real host a client can name any hub of the storage account
 * or scheduler (`?taskHub=`), since it writes to the hub itself. Here a hub has one writer, so a request for another
 * one is passed on to the host that works on it, which its lease row names, just as a standby does with its own hub's.
 *
 * A host that died or stopped stays in the lease row until another takes over: that it is gone shows when it can't be
 * reached. One that hangs takes connections and never answers; it shows by its pulse.
 */
import type { Clock } from '../clock';
import type { HostLog, LogLevel } from '../log';
import { describeOwner, StoreUnavailable, type HubSight, type TaskHubStore } from '../store/store';
import { emptyAnswer, errorAnswer } from './answers';
import { passOn, type Destination } from './pass-on';
import type { WebhookRequest, WebhookResponse } from './ports';

export interface OtherHubsOptions {
  readonly store: TaskHubStore;
  readonly log: HostLog;
  /** Real time. */
  readonly clock: Clock;
  readonly machine: string;
  /** This host's own hub. */
  readonly hubName: string;
  readonly linkKey: () => string | undefined;
}

/** How often a host is looked at that has a request. */
const LOOK_MS = 1_000;
/** It hangs when this many looks found no new pulse. */
const LOOKS_WITHOUT_PULSE = 4;

export class OtherHubs {
  readonly #options: OtherHubsOptions;
  readonly #stopped = new AbortController();
  /** What the log has been told. */
  readonly #told = new Set<string>();

  constructor(options: OtherHubsOptions) {
    this.#options = options;
  }

  answer(hubName: string, request: WebhookRequest): Promise<WebhookResponse> {
    const { clock, machine, linkKey } = this.#options;
    const find = (): Promise<Destination> => this.#find(hubName, request);
    return passOn(request, { clock, machine, linkKey: linkKey(), hub: `Task hub '${hubName}'`, find });
  }

  /** On Azure, too, most calls of such a client reach another hub than one would think. */
  tellOfBinding(hubName: string): void {
    if (hubName.toLowerCase() === this.#options.hubName.toLowerCase()) return;
    this.#tellOnce(
      'Information',
      `A durable client binding names task hub '${hubName}'. As on Azure, that hub is in the client's links only: ` +
        "durable-functions' own calls (startNew, getStatus, terminate and so on) leave it out and reach this app's " +
        `hub, '${this.#options.hubName}'. README.md of functions-host, "Two apps, two task hubs", has a client for another hub.`,
    );
  }

  #tellOnce(level: LogLevel, message: string): void {
    if (this.#told.has(message)) return;
    this.#told.add(message);
    this.#options.log.log(level, 'Host.Triggers.DurableTask', message);
  }

  /** Ends what waits. */
  stop(): void {
    this.#stopped.abort();
  }

  async #find(hubName: string, request: WebhookRequest): Promise<Destination> {
    if (this.#stopped.signal.aborted) return { why: 'this host is stopping' };
    let sight: HubSight;
    try {
      sight = await this.#options.store.lookAtHub(hubName);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return { why: `the database can't say who works on it (${error.message})` };
    }
    if (sight === 'absent') return { answer: Promise.resolve(this.#answerAbsent(hubName, request)) };
    if (sight === 'untouched') return { why: 'no host has worked on it yet. Start the app whose hub it is' };
    const watch = this.#watch(hubName, sight);
    return { owner: sight.owner, ...watch };
  }

  /** As the real host: there is no such instance. The log says why, since the caller sees the same as for a wrong id. */
  #answerAbsent(hubName: string, { method }: WebhookRequest): WebhookResponse {
    const why =
      `There is no task hub '${hubName}' in the database of this host's own, '${this.#options.hubName}'. ` +
      'It is made by the first host that works on it, and hosts that are to reach it need the same --task-hub (not memory).';
    this.#tellOnce('Warning', why);
    return method === 'POST' ? errorAnswer(404, why) : emptyAnswer(404);
  }

  /** Ends the signal when the hub goes to another host, or its host hangs. A database that is away says neither. */
  #watch(
    hubName: string,
    seen: Exclude<HubSight, string>,
  ): { readonly signal: AbortSignal; readonly release: () => void } {
    const { clock, store } = this.#options;
    const over = new AbortController();
    const look = async (pulse: string, looks: number): Promise<void> => {
      const sight = await store.lookAtHub(hubName).catch(() => undefined);
      if (sight === undefined) next(pulse, 0);
      else if (typeof sight === 'string' || sight.owner.secret !== seen.owner.secret) {
        over.abort(new Error('another host took over'));
      } else if (sight.pulse !== pulse) next(sight.pulse, 0);
      else if (looks + 1 < LOOKS_WITHOUT_PULSE) next(pulse, looks + 1);
      else over.abort(new Error(`${describeOwner(seen.owner)} hangs`));
    };
    let isReleased = false;
    const next = (pulse: string, looks: number): void => {
      if (!isReleased) scheduled = clock.schedule(clock.now() + LOOK_MS, () => void look(pulse, looks));
    };
    let scheduled = clock.schedule(clock.now() + LOOK_MS, () => void look(seen.pulse, 0));
    const release = (): void => {
      isReleased = true;
      scheduled.cancel();
    };
    return { signal: AbortSignal.any([over.signal, this.#stopped.signal]), release };
  }
}
