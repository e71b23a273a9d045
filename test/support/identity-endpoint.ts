import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What gives a function app its tokens in Azure: an HTTP server beside it, named by two environment variables. */
export interface IdentityEndpoint {
  /** The query of each request for a token. */
  readonly asked: readonly Readonly<Record<string, string>>[];
  /** Begins `asked` anew. */
  forget(): void;
  /** The token that is given from now on, and for how many seconds it is good; none is refused. */
  give(token: string | undefined, seconds: number): void;
  stop(): Promise<void>;
}

/** Starts one and tells this process of it, as Azure does, until it is stopped. The SDK keeps its address: one is all that a process can have. */
export async function startIdentityEndpoint(): Promise<IdentityEndpoint> {
  const asked: Record<string, string>[] = [];
  let given: { readonly token: string | undefined; readonly seconds: number } = { token: undefined, seconds: 0 };
  const server = createServer((request, response) => {
    const query = Object.fromEntries(new URL(request.url ?? '/', 'http://host').searchParams);
    asked.push(query);
    const isKnown = request.headers['x-identity-header'] === HEADER && given.token !== undefined;
    const end = Math.floor(Date.now() / 1000) + given.seconds;
    const { resource, client_id: client } = query;
    const answer = {
      access_token: given.token,
      expires_on: String(end),
      resource,
      client_id: client,
      token_type: 'Bearer',
    };
    response.writeHead(isKnown ? 200 : 400, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isKnown ? answer : { statusCode: 400, message: 'no such identity' }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const before = { endpoint: process.env['IDENTITY_ENDPOINT'], header: process.env['IDENTITY_HEADER'] };
  const { port } = server.address() as AddressInfo;
  process.env['IDENTITY_ENDPOINT'] = `http://127.0.0.1:${port}/msi/token`;
  process.env['IDENTITY_HEADER'] = HEADER;
  return {
    asked,
    forget: () => asked.splice(0),
    give: (token, seconds) => (given = { token, seconds }),
    async stop() {
      restore('IDENTITY_ENDPOINT', before.endpoint);
      restore('IDENTITY_HEADER', before.header);
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const HEADER = 'of-this-test';

function restore(name: string, value: string | undefined): void {
  if (value === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
}
