import type { AcceptAmqp } from '../amqp-port';
import type { Broker } from '../broker/broker';
import type { Clock } from '../clock';
import type { EmulatorLog } from '../log';
import type { Quotas } from '../options';
import type { TokenCheck } from '../sas';
import { RequestError } from './errors';
import type { RheaConnection, RheaLink, RheaSession } from './rhea-seam';

/** What the front stands on. */
export interface FrontOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  /**
   * By which a client waits for a session, when that is not `clock`: where `clock` is moved by hand, clients still wait in real
   * time, and would ask anew at each minute that is skipped.
   */
  readonly patience?: Clock | undefined;
  /** Left out: every client may do everything. */
  readonly checkToken?: TokenCheck | undefined;
  readonly quotas?: Quotas | undefined;
  readonly log?: EmulatorLog | undefined;
}

/** Where tokens are shown. */
export const CBS = '$cbs';

export type About = Parameters<AcceptAmqp>[1];

/** A link that is open, as its client's connection keeps it. */
export interface OpenLink {
  /** What a token has to open for the link to stay. */
  readonly address: string;
  readonly link: RheaLink;
  /** The connection is gone, or the link was closed by either side. */
  ended(): void;
}

/** One connection of a client: the tokens that it has shown, its links, and where answers to its requests go. */
export class Client {
  readonly #options: FrontOptions;
  readonly #tokens = new Map<string, { readonly token: string; readonly expiresAt: number }>();
  readonly #links = new Set<OpenLink>();
  readonly #replyLinks = new Map<string, RheaLink>();
  #expiry: { cancel(): void } | undefined;
  readonly connection: RheaConnection;
  readonly about: About;

  constructor(options: FrontOptions, connection: RheaConnection, about: About) {
    this.#options = options;
    this.connection = connection;
    this.about = about;
  }

  /** Takes a token for an audience; throws RequestError (401) when it does not open it. */
  putToken(audience: string, token: string): void {
    const decision = this.#options.checkToken?.(token, audience) ?? { ok: true, expiresAt: Infinity };
    if (!decision.ok) throw new RequestError('amqp:unauthorized-access', 401, decision.reason);
    this.#tokens.set(audience.toLowerCase(), { token, expiresAt: decision.expiresAt });
    this.#watchExpiry();
  }

  /** As soon as one token has expired, links may be open that no other opens. */
  #watchExpiry(): void {
    this.#expiry?.cancel();
    const next = Math.min(...[...this.#tokens.values()].map(({ expiresAt }) => expiresAt));
    if (next === Infinity) return;
    this.#expiry = this.#options.clock.schedule(next, () => {
      const now = this.#options.clock.now();
      for (const [audience, { expiresAt }] of this.#tokens) if (expiresAt <= now) this.#tokens.delete(audience);
      this.#closeUnauthorized();
      this.#watchExpiry();
    });
  }

  /** Throws RequestError when no token of this connection opens an address (now). */
  authorize(address: string): void {
    const check = this.#options.checkToken;
    if (check === undefined) return;
    let reason = 'no token was put for it, or it has expired';
    for (const { token } of this.#tokens.size > 0 ? this.#tokens.values() : [{ token: '' }]) {
      const decision = check(token, address);
      if (decision.ok) return;
      if (token !== '') ({ reason } = decision);
    }
    throw new RequestError('amqp:unauthorized-access', 401, `not allowed to use "${address}": ${reason}`);
  }

  /** But for `$cbs`, which needs no token: over it the next one comes. */
  #closeUnauthorized(): void {
    for (const open of [...this.#links]) {
      if (open.address === CBS) continue;
      try {
        this.authorize(open.address);
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        this.closeLink(open, { condition: error.condition, description: error.message });
      }
    }
  }

  addLink(open: OpenLink): void {
    this.#links.add(open);
  }

  /** A link that the other side has closed, or that is refused. */
  removeLink(open: OpenLink): void {
    if (this.#links.delete(open)) open.ended();
  }

  /** Closes a link that was open, with an error. */
  closeLink(open: OpenLink, error: { condition: string; description: string }): void {
    if (!this.#links.delete(open)) return;
    open.link.close(error);
    open.ended();
  }

  addReplyLink(link: RheaLink): void {
    this.#replyLinks.set(link.name, link);
    if (link.target?.address) this.#replyLinks.set(link.target.address, link);
  }

  removeReplyLink(link: RheaLink): void {
    for (const [name, other] of this.#replyLinks) if (other === link) this.#replyLinks.delete(name);
  }

  /**
   * The link over which a request is answered: the one that it names, or, since Python's older client (7.8) names none,
   * the one of the same session that comes from where the request went.
   */
  replyLink(replyTo: string | null | undefined, address: string, session: RheaSession): RheaLink | undefined {
    if (replyTo) return this.#replyLinks.get(replyTo);
    return [...this.#replyLinks.values()].find((link) => link.session === session && link.source?.address === address);
  }

  /** A session has ended, and with it all its links: a client need not detach them one by one. */
  endSession(session: RheaSession): void {
    for (const open of [...this.#links]) if (open.link.session === session) this.removeLink(open);
    for (const link of new Set(this.#replyLinks.values())) if (link.session === session) this.removeReplyLink(link);
  }

  ended(): void {
    this.#expiry?.cancel();
    this.#replyLinks.clear();
    for (const open of [...this.#links]) this.removeLink(open);
  }
}
