import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../definition/failure';
import type { ShownInstance } from '../../host/durable-functions';

/*
 * Instances and their histories over the durable extension's management API: what functions-host, `func start` and Azure
 * answer alike. Read only.
 */

export interface InstanceSourceOptions {
  /** Where the app runs, e.g. `http://localhost:7071`. */
  readonly from: string;
  /** Of the durable extension (`durabletask_extension`) or the master key, where the host asks for one. */
  readonly key?: string | undefined;
  /** Default: that of the host. */
  readonly taskHub?: string | undefined;
}

export type ListedInstance = Pick<ShownInstance, 'name' | 'runtimeStatus' | 'customStatus'> & {
  readonly instanceId: string;
};
export type InstanceWithHistory = ShownInstance & { readonly instanceId: string };

/** The management API could not be asked, or has not answered as it should. */
export class InstanceSourceError extends Error {}

const UNFINISHED = ['Running', 'Pending', 'Suspended', 'ContinuedAsNew'];
const PAGE = 100;
/** Milliseconds. */
const PATIENCE = 30_000;
/** An app that is being restarted is back within their pauses, which grow. */
const TRIES = 5;
const PAUSE = 500;
/** What a front answers for a host that is not there for a moment. */
const AWAY = [502, 503, 504];

export class InstanceSource {
  readonly #base: URL;
  readonly #query: Readonly<Record<string, string>>;

  /** Throws for an address that is none. */
  constructor({ from, key, taskHub }: InstanceSourceOptions) {
    if (!URL.canParse(from) || !/^https?:$/.test(new URL(from).protocol)) {
      throw new InstanceSourceError(
        `expected the address of a running app, such as http://localhost:7071, got '${from}'`,
      );
    }
    const base = new URL(from);
    this.#base = new URL(`${base.pathname.replace(/\/$/, '')}/runtime/webhooks/durabletask/instances`, base.origin);
    this.#query = { ...(key === undefined ? {} : { code: key }), ...(taskHub === undefined ? {} : { taskHub }) };
  }

  /** All orchestrations that have not ended, page by page. Entities are none. */
  async *unfinished(): AsyncGenerator<ListedInstance> {
    let token: string | undefined;
    do {
      const query = { runtimeStatus: UNFINISHED.slice(0, 3).join(','), showInput: 'false', top: String(PAGE) };
      const response = await this.#ask('', query, token);
      if (response.status !== 200) throw new InstanceSourceError(await this.#explain(response, 'its instances'));
      const page = await readJson(response);
      if (!Array.isArray(page)) throw new InstanceSourceError('expected a list of instances, got something else');
      for (const one of page as readonly ListedInstance[]) {
        // A host that does not understand a filter leaves it out.
        if (UNFINISHED.includes(one.runtimeStatus) && !one.instanceId.startsWith('@')) yield one;
      }
      const next = response.headers.get('x-ms-continuation-token')?.trim();
      if (next !== undefined && next !== '' && next === token) {
        throw new InstanceSourceError('the list of instances does not end: the host gave the same page token twice');
      }
      token = next === '' ? undefined : next;
    } while (token !== undefined);
  }

  /** An instance with its history; undefined when there is none (any more). */
  async find(id: string): Promise<InstanceWithHistory | undefined> {
    const query = { showInput: 'true', showHistory: 'true', showHistoryOutput: 'true' };
    const response = await this.#ask(`/${encodeURIComponent(id)}`, query);
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    // A failed instance is answered with 500 where the app has asked for that.
    if (![200, 202, 500].includes(response.status)) {
      throw new InstanceSourceError(await this.#explain(response, `the history of '${id}'`));
    }
    return (await readJson(response)) as InstanceWithHistory;
  }

  async #ask(path: string, query: Readonly<Record<string, string>>, token?: string): Promise<Response> {
    const url = new URL(this.#base.pathname + path, this.#base);
    for (const [name, value] of Object.entries({ ...query, ...this.#query })) url.searchParams.set(name, value);
    for (let tries = 1; ; tries += 1) {
      try {
        const headers = token === undefined ? {} : { 'x-ms-continuation-token': token };
        const response = await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE), redirect: 'error' });
        if (tries === TRIES || !AWAY.includes(response.status)) return response;
        await response.body?.cancel();
        await pause(tries * PAUSE);
      } catch (error) {
        if (tries < TRIES) {
          await pause(tries * PAUSE);
          continue;
        }
        const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
        throw new InstanceSourceError(`could not reach ${this.#base.origin}: ${messageOf(cause)}`, { cause: error });
      }
    }
  }

  async #explain(response: Response, what: string): Promise<string> {
    await response.body?.cancel();
    const { status } = response;
    const asked = `${this.#base.origin} answered ${status} when it was asked for ${what}`;
    if (status === 401) return `${asked}: it wants a key, or another one (the system key 'durabletask_extension')`;
    if (status === 403)
      return `${asked}: the key opens something else (expected the system key 'durabletask_extension')`;
    if (status === 404) return `${asked}: there is no management API of durable functions at ${this.#base.pathname}`;
    return asked;
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    throw new InstanceSourceError(`expected JSON from the management API: ${messageOf(error)}`, { cause: error });
  }
}
