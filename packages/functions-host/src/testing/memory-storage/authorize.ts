import type { Clock } from '../../clock';
import { checkSharedAccess } from './shared-access';
import { isSignedBy, type SignedRequest } from './shared-key';
import { StorageError } from './storage-error';

/** Key in base64. */
export interface StorageAccountKey {
  readonly name: string;
  readonly key: string;
}

export interface AccessQuestion {
  readonly service: 'blob' | 'queue';
  readonly account: StorageAccountKey;
  readonly request: SignedRequest;
  /** Decoded, below the account. */
  readonly path: string;
  /** True if anybody may do this. */
  readonly isPublic: boolean;
}

/**
 * Lets a request pass that is signed with the account's key, or shows a shared access signature made with it. How old a
 * signature is does not matter: client and service have one clock.
 * @throws StorageError if it is not.
 */
export function authorize(question: AccessQuestion, clock: Clock): void {
  const { service, account, request, path, isPublic } = question;
  const authorization = request.headers.get('authorization');
  if (authorization !== undefined) {
    if (isSignedBy(account, request, authorization)) return;
    throw new StorageError(
      403,
      'AuthenticationFailed',
      `The request is not signed with the key of account '${account.name}': expected the key of the test host's connection string.`,
    );
  }
  if (request.query.has('sig')) {
    checkSharedAccess({ service, account, path, query: request.query, permissions: needed(question) }, clock);
    return;
  }
  if (isPublic) return;
  throw new StorageError(
    401,
    'NoAuthenticationInformation',
    'The request shows neither a shared key nor a shared access signature.',
  );
}

/** Letters of permissions, one of which a request needs. */
function needed({ service, request: { method, query }, path }: AccessQuestion): string[] {
  if (query.get('comp') === 'list') return ['l'];
  if (service === 'blob') {
    if (method === 'DELETE') return ['d'];
    if (method === 'GET' || method === 'HEAD') return ['r'];
    return query.get('comp') === 'appendblock' ? ['a', 'w'] : ['c', 'w'];
  }
  if (!path.includes('/'))
    return method === 'GET' || method === 'HEAD' ? ['r'] : method === 'DELETE' ? ['d'] : ['c', 'w'];
  if (method === 'POST') return ['a'];
  if (method === 'PUT') return ['u'];
  return method === 'GET' && query.get('peekonly') === 'true' ? ['r'] : ['p'];
}
