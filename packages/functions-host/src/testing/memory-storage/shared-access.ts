import type { Clock } from '../../clock';
import { sign } from './shared-key';
import { StorageError } from './storage-error';

export interface SharedAccess {
  readonly service: 'blob' | 'queue';
  readonly account: { readonly name: string; readonly key: string };
  readonly query: URLSearchParams;
  /** Decoded, below the account. */
  readonly path: string;
  /** Letters, any one of which lets the request pass. */
  readonly permissions: readonly string[];
}

/**
 * Checks a request that shows a shared access signature, of the account or of one container, blob or queue.
 * @throws StorageError if the signature is not the account's, its time is over or not come, or it permits something else.
 */
export function checkSharedAccess(access: SharedAccess, clock: Clock): void {
  const { query, permissions, account } = access;
  if (query.has('si')) throw refuse('stored access policies are not known to the in-memory storage');
  if (query.has('skoid')) throw refuse('user delegation keys are not known to the in-memory storage');
  const texts = query.has('ss') ? [toAccountText(access)] : toServiceTexts(access);
  if (!texts.some((text) => sign(account.key, text) === query.get('sig'))) throw refuse('the signature does not match');
  checkTimes(query, clock.now());
  const given = query.get('sp') ?? '';
  if (permissions.some((letter) => given.includes(letter))) return;
  throw new StorageError(
    403,
    'AuthorizationPermissionMismatch',
    `The shared access signature permits '${given}'; this request needs ${permissions.join(' or ')}.`,
  );
}

function checkTimes(query: URLSearchParams, now: number): void {
  const from = query.get('st');
  const until = Date.parse(query.get('se') ?? '');
  if (from !== null && Date.parse(from) > now)
    throw refuse(`the signature is valid from ${from}, and it is ${iso(now)}`);
  if (!(until > now)) throw refuse(`the signature is valid until ${query.get('se') ?? 'never'}, and it is ${iso(now)}`);
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

function refuse(why: string): StorageError {
  return new StorageError(403, 'AuthenticationFailed', `The request is not authorized: ${why}.`);
}

function toAccountText({ account, query }: SharedAccess): string {
  const of = (name: string): string => query.get(name) ?? '';
  const parts = ['sp', 'ss', 'srt', 'st', 'se', 'sip', 'spr', 'sv', 'ses'].map(of);
  return `${[account.name, ...parts].join('\n')}\n`;
}

/** One for each thing that the signature may be of. */
function toServiceTexts({ service, account, query, path }: SharedAccess): string[] {
  const of = (name: string): string => query.get(name) ?? '';
  const [top = ''] = path.split('/');
  if (service === 'queue') {
    const resource = `/queue/${account.name}/${top}`;
    return [[of('sp'), of('st'), of('se'), resource, of('si'), of('sip'), of('spr'), of('sv')].join('\n')];
  }
  const resource = `/blob/${account.name}/${of('sr') === 'c' ? top : path}`;
  const first = [of('sp'), of('st'), of('se'), resource, of('si'), of('sip'), of('spr'), of('sv'), of('sr')];
  const last = [of('rscc'), of('rscd'), of('rsce'), of('rscl'), of('rsct')];
  return [[...first, '', of('ses'), ...last].join('\n')];
}
