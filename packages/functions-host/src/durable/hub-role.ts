/**
 * Which part this host has on its task hub: *active*, it runs what is in it; *standby*, it waits for the active host's
 * end and passes requests on to it meanwhile, so that the app's HTTP functions and durable clients work on both.
 *
 * A request is passed on once (`pass-on.ts`): a host that gets one from a standby and is no active host itself says so,
 * and the standby goes on looking for the active one, for a bounded time.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock } from '../clock';
import type { Engine } from '../engine/engine';
import type { HostLog } from '../log';
import { describeOwner, type HubOwner, type HubSession, type TaskHubStore } from '../store/store';
import { passOn, type Destination } from './pass-on';
import type { WebhookRequest, WebhookResponse } from './ports';

export interface HubRoleOptions {
  readonly engine: Engine;
  readonly store: TaskHubStore;
  readonly log: HostLog;
  /** Real time. */
  readonly clock: Clock;
  readonly hubName: string;
  /** Where this host takes requests. */
  readonly url: string;
  /** The key that links carry which lead here. */
  readonly linkKey: () => string | undefined;
}

/** How long a start waits for an owner that is about to let go: one that was just killed, or stopped. */
const START_PATIENCE_MS = 500;
/** The host's own; begins a sentence. */
const THE_HUB = 'The task hub';

type Stage = 'opening' | 'standby' | 'active' | 'ended';

export class HubRole {
  readonly active: Promise<void>;
  readonly lost: Promise<Error>;
  readonly #options: HubRoleOptions;
  readonly #self: HubOwner;
  #stage: Stage = 'opening';
  #owner: HubOwner | undefined;
  /** Ends requests that are being passed on to an owner that is none any more. */
  #ownerEnds = new AbortController();
  #mayResume = false;
  #tellActive!: () => void;
  #tellLost!: (error: Error) => void;

  constructor(options: HubRoleOptions) {
    this.#options = options;
    const secret = randomBytes(24).toString('base64url');
    this.#self = { machine: hostname(), pid: process.pid, url: options.url, secret };
    this.active = new Promise((resolve) => (this.#tellActive = resolve));
    this.lost = new Promise((resolve) => (this.#tellLost = resolve));
  }

  get machine(): string {
    return this.#self.machine;
  }

  /** By which messages for this host are sealed. */
  get secret(): string {
    return this.#self.secret;
  }

  get isStandby(): boolean {
    return this.#stage === 'standby';
  }

  get activeHost(): HubOwner | undefined {
    return this.isStandby ? this.#owner : undefined;
  }

  /** Resolves when this host is active and has read what is unfinished, or when it is a standby. */
  async open(): Promise<void> {
    const { engine, store, clock } = this.#options;
    await store.open();
    const found = new Promise<'standby'>((resolve) => {
      this.#foundOwner = () => clock.schedule(clock.now() + START_PATIENCE_MS, () => resolve('standby'));
    });
    const claimed = store.claim({
      self: this.#self,
      clock,
      waiting: (owner) => this.#wait(owner),
      lost: (error) => engine.fence(error),
    });
    const first = await Promise.race([claimed, found]);
    if (first === 'standby') this.#standBy(claimed);
    else {
      await engine.open(first);
      this.#stage = 'active';
    }
  }

  #foundOwner: () => void = () => undefined;

  #wait(owner: HubOwner): void {
    this.#owner = owner;
    this.#ownerEnds.abort();
    this.#ownerEnds = new AbortController();
    if (this.#stage === 'standby') this.#log(`Standby of ${describeOwner(owner)} from now on.`);
    this.#foundOwner();
  }

  #standBy(claimed: Promise<HubSession>): void {
    this.#stage = 'standby';
    this.#log(
      `Standby: ${describeOwner(this.#owner)} works on task hub '${this.#options.hubName}'. ` +
        'This host answers requests, passes those for the task hub on, and takes over when that host ends.',
    );
    claimed
      .then((session) => this.#takeOver(session))
      .catch((error: unknown) => {
        if (this.#stage !== 'ended') this.lose(error as Error);
      });
  }

  async #takeOver(session: HubSession): Promise<void> {
    this.#log(`Taking task hub '${this.#options.hubName}' over from ${describeOwner(this.#owner)}.`);
    await this.#options.engine.open(session);
    if (this.#stage === 'ended') return;
    this.#stage = 'active';
    this.#ownerEnds.abort();
    this.#log(`Active: this host works on task hub '${this.#options.hubName}' now.`);
    if (this.#mayResume) await this.resume();
  }

  /** Goes on with what is unfinished: now, or as soon as this host is active. */
  async resume(): Promise<void> {
    this.#mayResume = true;
    if (this.#stage !== 'active') return;
    await this.#options.engine.resume();
    this.#tellActive();
  }

  lose(error: Error): void {
    if (this.#stage === 'ended') return;
    this.#stage = 'ended';
    this.#tellLost(error);
  }

  stop(): void {
    this.#stage = 'ended';
    this.#ownerEnds.abort();
  }

  /** Answers by `here` when this host is active, otherwise by the active host. */
  async answer(request: WebhookRequest, here: () => Promise<WebhookResponse>): Promise<WebhookResponse> {
    if (this.#stage !== 'standby') return here();
    const find = (): Promise<Destination> => Promise.resolve(this.#find(here));
    const { clock, linkKey } = this.#options;
    return passOn(request, { clock, machine: this.#self.machine, hub: THE_HUB, linkKey: linkKey(), find });
  }

  #find(here: () => Promise<WebhookResponse>): Destination {
    if (this.#stage !== 'standby') return { answer: here() };
    if (this.#owner === undefined) return { why: 'no host works on it' };
    return { owner: this.#owner, signal: this.#ownerEnds.signal };
  }

  #log(message: string): void {
    this.#options.log.log('Information', 'Host.Triggers.DurableTask', message);
  }
}
