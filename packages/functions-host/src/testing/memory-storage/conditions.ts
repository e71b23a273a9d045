import type { KeptBlob } from './blob-state';
import { StorageError } from './storage-error';
import type { StorageRequest } from './storage-request';

/**
 * Checks a request's conditions on the blob that is there now.
 * @throws StorageError with the service's answer if one does not hold.
 */
export function checkConditions(request: StorageRequest, blob: KeptBlob | undefined): void {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const ifMatch = request.header('if-match');
  if (ifMatch !== undefined && (blob === undefined || !names(ifMatch, blob))) throw notMet();
  const ifNoneMatch = request.header('if-none-match');
  if (ifNoneMatch !== undefined && blob !== undefined && names(ifNoneMatch, blob)) {
    if (isRead) throw notModified();
    if (ifNoneMatch !== '*') throw notMet();
    throw new StorageError(409, 'BlobAlreadyExists', 'The specified blob already exists.');
  }
  if (blob === undefined) return;
  // Headers have whole seconds.
  const modified = Math.floor(blob.modifiedAt / 1000) * 1000;
  const since = request.header('if-modified-since');
  if (since !== undefined && modified <= Date.parse(since)) throw isRead ? notModified() : notMet();
  const unmodifiedSince = request.header('if-unmodified-since');
  if (unmodifiedSince !== undefined && modified > Date.parse(unmodifiedSince)) throw notMet();
}

function names(condition: string, { etag }: KeptBlob): boolean {
  return condition === '*' || withoutQuotes(condition) === withoutQuotes(etag);
}

function withoutQuotes(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}

function notMet(): StorageError {
  return new StorageError(
    412,
    'ConditionNotMet',
    'The condition specified using HTTP conditional header(s) is not met.',
  );
}

function notModified(): StorageError {
  return new StorageError(
    304,
    'ConditionNotMet',
    'The condition specified using HTTP conditional header(s) is not met.',
  );
}
