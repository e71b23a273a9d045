import type { TokenCredential } from '@azure/identity';
import type { ClientConfig } from 'pg';
import { createCredential } from './azure-credential';
import type { IdentitySettings } from './azure-credential';

/** Where PostgreSQL is and who signs in: the URL's user, by the URL's password or, with an identity, by a token. */
export interface DatabasePlace {
  readonly url: string;
  readonly identity?: IdentitySettings | undefined;
}

/** There is no token to sign in with, for now: nothing was asked of the database. */
export class SignInUnavailable extends Error {
  override readonly name = 'SignInUnavailable';
  readonly code = 'signInUnavailable';
}

/** What tokens are for, to Entra ID: all of Azure's open-source databases. */
const SCOPE = 'https://ossrdbms-aad.database.windows.net/.default';

/**
 * What the driver needs to connect. A token is good for an hour and a connection for as long as it lasts, so each new
 * connection asks for one; the credential has it at hand. Tokens go over TLS only, unless the URL says `sslmode=disable`.
 */
export function toClientConfig({ url, identity }: DatabasePlace): ClientConfig {
  if (identity === undefined) return { connectionString: url };
  const { hostname, port, pathname, username, searchParams } = new URL(url);
  let credential: Promise<TokenCredential> | undefined;
  return {
    host: hostname,
    port: Number(port || '5432'),
    database: decodeURIComponent(pathname.slice(1)),
    user: decodeURIComponent(username),
    ssl: searchParams.get('sslmode') !== 'disable',
    password: () => {
      credential ??= createCredential(identity);
      return credential.then(readToken);
    },
  };
}

async function readToken(credential: TokenCredential): Promise<string> {
  try {
    const token = await credential.getToken(SCOPE);
    if (token === null) throw new Error('Entra ID gave none');
    return token.token;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SignInUnavailable(`there is no token for PostgreSQL: ${reason}`, { cause: error });
  }
}
