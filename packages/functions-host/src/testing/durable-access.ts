import { createRequire } from 'node:module';
import path from 'node:path';
import type { DurableExtension } from '../durable/ports';
import { messageOf } from '../supervisor/failures';
import type { DurableClient, ShownInstance } from './test-host';

/** What a test asks of the durable extension of its host, through the API that durable clients use. */
export interface DurableAccess {
  start(
    orchestrator: string | { readonly name: string; readonly version?: string },
    input: unknown,
    id?: string,
  ): Promise<string>;
  raise(id: string, event: string, payload: unknown): Promise<void>;
  status(id: string): Promise<ShownInstance | undefined>;
  client(): DurableClient;
}

/** @param appDir from where durable-functions is found, for `client()`. */
export function accessDurable(extension: DurableExtension | undefined, appDir: string, url: string): DurableAccess {
  const requireExtension = (): DurableExtension => {
    if (extension !== undefined) return extension;
    throw new Error(
      'This app has no durable functions: it registers no orchestration, activity, entity or durable client.',
    );
  };
  const ask = async (method: string, target: string, body: unknown, query: Record<string, string> = {}) =>
    requireExtension().handleHttp({
      ...{ method, path: target, query: new URLSearchParams(query), headers: { 'content-type': 'application/json' } },
      body: Buffer.from(body === undefined ? '' : JSON.stringify(body)),
      origin: url,
    });
  return {
    async start(orchestrator, input, id) {
      const { name, version } = typeof orchestrator === 'string' ? { name: orchestrator } : orchestrator;
      const parts = id === undefined ? [name] : [name, id];
      const target = `orchestrators/${parts.map(encodeURIComponent).join('/')}`;
      const answer = await ask('POST', target, input, version === undefined ? {} : { version });
      if (answer.status !== 202) throw refusal(`Starting '${name}'${id === undefined ? '' : ` as '${id}'`}`, answer);
      return (JSON.parse(answer.body) as { id: string }).id;
    },
    async raise(id, event, payload = null) {
      const target = `instances/${encodeURIComponent(id)}/raiseEvent/${encodeURIComponent(event)}`;
      const answer = await ask('POST', target, payload);
      if (answer.status !== 202) throw refusal(`Raising '${event}' for '${id}'`, answer);
    },
    async status(id) {
      const answer = await ask('GET', `instances/${encodeURIComponent(id)}`, undefined);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200 && answer.status !== 202) throw refusal(`Asking for '${id}'`, answer);
      return JSON.parse(answer.body) as ShownInstance;
    },
    client: () => toClient(requireExtension().clientBinding({}), appDir),
  };
}

const meanings: Readonly<Record<number, string>> = { 404: 'there is no such instance', 410: 'it has finished' };

function refusal(what: string, { status, body }: { readonly status: number; readonly body: string }): Error {
  const why = [meanings[status], body].filter((part) => part !== undefined && part !== '').join(': ');
  return new Error(`${what} was refused with ${status}${why === '' ? '' : ` (${why})`}.`);
}

/** durable-functions makes clients from the input that a function gets; this is such an input. */
function toClient(binding: string, appDir: string): DurableClient {
  const input = { type: 'durableClient', name: 'client' };
  const context = {
    options: { extraInputs: [input] },
    extraInputs: { get: () => JSON.parse(binding) as unknown },
  };
  let library: { getClient(context: unknown): DurableClient };
  try {
    library = createRequire(path.join(appDir, 'package.json'))('durable-functions') as typeof library;
  } catch (error) {
    throw new Error(`client() needs the package durable-functions, as seen from ${appDir}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return library.getClient(context);
}
