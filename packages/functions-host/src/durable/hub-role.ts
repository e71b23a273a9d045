/**
 * Which part this host has on its task hub: *active*, it runs what is in it; *standby*, it waits for the active host's
 * end and passes requests on to it meanwhile, so that the app's HTTP functions and durable clients work on both.
 *
 * A request is passed on once: a host that gets one from a standby and is no active host itself says 503. One that may
 * have reached the active host before that died is repeated only if it asks and changes nothing; otherwise its outcome is unknown,
 * and the client is told to try again. While nobody is active, requests wait for the new one, for a bounded time.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock } from '../clock';
import type { Engine } from '../engine/engine';
import type { HostLog } from '../log';
import { describeOwner, type HubOwner, type HubSession, type TaskHubStore } from '../store/store';
import { errorAnswer } from './answers';
import { forwardedHeader, forwardRequest } from './forward-request';
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
}

/** How long a start waits for an owner that is about to let go: one that was just killed, or stopped. */
const START_PATIENCE_MS = 500;
/** How long a request waits for a change of hosts. */
const REQUEST_PATIENCE_MS = 5_000;
const LOOK_MS = 50;
const RETRY_AFTER_SECONDS = '1';

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

  get activeHost(): HubOwner | undefined {
    return this.#stage === 'standby' ? this.#owner : undefined;
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

  isFromStandby(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
    return headers[forwardedHeader] === this.#self.secret;
  }

  /** Answers by `here` when this host is active, otherwise by the active host. */
  async answer(request: WebhookRequest, here: () => Promise<WebhookResponse>): Promise<WebhookResponse> {
    if (this.#stage !== 'standby') return here();
    if (request.headers[forwardedHeader] !== undefined) return refuse('this host is a standby, too');
    const { clock } = this.#options;
    const deadline = clock.now() + REQUEST_PATIENCE_MS;
    let why = 'no host works on it';
    while (clock.now() < deadline) {
      if (!this.#isStandby()) return here();
      const owner = this.#owner;
      if (owner !== undefined && owner.machine !== this.#self.machine) {
        return refuse(`${describeOwner(owner)} works on it, on another machine`);
      }
      if (owner !== undefined) {
        const passed = await forwardRequest(request, owner, this.#ownerEnds.signal);
        if ('response' in passed) return passed.response;
        why = `${describeOwner(owner)} ${passed.failure}`;
        if (passed.mayHaveArrived && request.method !== 'GET') break;
      }
      await new Promise<void>((resolve) => clock.schedule(clock.now() + LOOK_MS, resolve));
    }
    return refuse(why);
  }

  /** Asked anew after each wait. */
  #isStandby(): boolean {
    return this.#stage === 'standby';
  }

  #log(message: string): void {
    this.#options.log.log('Information', 'Host.Triggers.DurableTask', message);
  }
}

function refuse(why: string): WebhookResponse {
  const answer = errorAnswer(503, `The task hub can't be used right now: ${why}.`);
  return { ...answer, headers: { ...answer.headers, 'retry-after': RETRY_AFTER_SECONDS } };
}
