import type { BlobState, Container, KeptBlob, Metadata } from './blob-state';
import type { Lease } from './lease';
import { StorageError } from './storage-error';
import {
  notKnown,
  readMetadata,
  readNumber,
  type StorageAnswer,
  type StorageRequest,
  toHttpTime,
  toMetadataHeaders,
} from './storage-request';
import { element, xmlDocument } from './xml';

const xmlHeaders = { 'content-type': 'application/xml' };
const mostListed = 5000;

/** Answers requests to the account itself. */
export function operateAccount(state: BlobState, request: StorageRequest): StorageAnswer {
  const { method, query } = request;
  const comp = query.get('comp');
  if (method === 'GET' && comp === 'list') return listContainers(state, request);
  if (comp === 'properties') {
    if (query.get('restype') === 'account') {
      return { status: 200, headers: { 'x-ms-sku-name': 'Standard_LRS', 'x-ms-account-kind': 'StorageV2' } };
    }
    // Logging and metrics are taken and forgotten: nothing here writes any.
    if (method === 'PUT') return { status: 202 };
    return { status: 200, headers: xmlHeaders, body: xmlDocument('<StorageServiceProperties/>') };
  }
  throw notKnown(request, 'blob');
}

/** Answers requests to a container. */
export function operateContainer(
  state: BlobState,
  name: string,
  request: StorageRequest,
  headers: ReadonlyMap<string, string>,
): StorageAnswer {
  const { method, query } = request;
  const comp = query.get('comp');
  if (method === 'PUT' && comp === null) {
    const container = state.create(name, readMetadata(headers), request.header('x-ms-blob-public-access'));
    return { status: 201, headers: version(container) };
  }
  const container = state.get(name);
  if (method === 'GET' && comp === 'list') return listBlobs(state, name, request);
  if (comp === 'lease') return operateLease(container.lease, request, version(container));
  if (method === 'DELETE' && comp === null) {
    container.lease.permit(request.header('x-ms-lease-id'), 'container');
    state.delete(name);
    return { status: 202 };
  }
  if (comp === null || comp === 'metadata') {
    if (method === 'GET' || method === 'HEAD') return { status: 200, headers: describeContainer(container) };
    return change(state, container, { metadata: readMetadata(headers) });
  }
  if (comp === 'acl') {
    if (method === 'PUT') return change(state, container, { access: request.header('x-ms-blob-public-access') });
    const answer = { ...version(container), ...xmlHeaders, 'x-ms-blob-public-access': container.access };
    return { status: 200, headers: answer, body: xmlDocument('<SignedIdentifiers/>') };
  }
  throw notKnown(request, 'blob');
}

function change(
  state: BlobState,
  container: Container,
  to: Partial<Pick<Container, 'metadata' | 'access'>>,
): StorageAnswer {
  Object.assign(container, to);
  state.touch(container);
  return { status: 200, headers: version(container) };
}

function version({ etag, modifiedAt }: { etag: string; modifiedAt: number }): Record<string, string> {
  return { etag, 'last-modified': toHttpTime(modifiedAt) };
}

function describeContainer(container: Container): Record<string, string | undefined> {
  return {
    ...version(container),
    ...toMetadataHeaders(container.metadata),
    ...toLeaseHeaders(container.lease),
    'x-ms-blob-public-access': container.access,
    'x-ms-has-immutability-policy': 'false',
    'x-ms-has-legal-hold': 'false',
  };
}

/** What a lease is, of a blob or a container. */
export function toLeaseHeaders(lease: Lease): Record<string, string | undefined> {
  return {
    'x-ms-lease-status': lease.isLocked ? 'locked' : 'unlocked',
    'x-ms-lease-state': lease.state,
    'x-ms-lease-duration': lease.state === 'leased' ? lease.duration : undefined,
  };
}

/** Takes, keeps and gives back a lease, of a blob or a container. */
export function operateLease(lease: Lease, request: StorageRequest, about: Record<string, string>): StorageAnswer {
  const id = request.header('x-ms-lease-id');
  const proposed = request.header('x-ms-proposed-lease-id');
  const answer = (status: number, headers: Record<string, string> = {}): StorageAnswer => ({
    status,
    headers: { ...about, ...headers },
  });
  switch (request.header('x-ms-lease-action')?.toLowerCase()) {
    case 'acquire': {
      const seconds = Number(request.header('x-ms-lease-duration') ?? '-1');
      return answer(201, { 'x-ms-lease-id': lease.acquire(seconds, proposed) });
    }
    case 'renew':
      return answer(200, { 'x-ms-lease-id': lease.renew(id) });
    case 'change':
      return answer(200, { 'x-ms-lease-id': lease.change(id, proposed) });
    case 'release':
      lease.release(id);
      return answer(200);
    case 'break': {
      const period = request.header('x-ms-lease-break-period');
      const left = lease.break(period === undefined ? undefined : Number(period));
      return answer(202, { 'x-ms-lease-time': String(left) });
    }
    default:
      throw new StorageError(
        400,
        'InvalidHeaderValue',
        `x-ms-lease-action must be acquire, renew, change, release or break; got '${request.header('x-ms-lease-action') ?? ''}'.`,
      );
  }
}

function listContainers(state: BlobState, { query, endpoint }: StorageRequest): StorageAnswer {
  const prefix = query.get('prefix') ?? '';
  const includesMetadata = includes(query, 'metadata');
  const containers = state.containers().filter(({ name }) => name.startsWith(prefix));
  const { page, next } = paginate(containers, query, ({ name }) => name);
  const elements = page.map(
    (container) =>
      `<Container>${element('Name', container.name)}<Properties>${element('Last-Modified', toHttpTime(container.modifiedAt))}${element('Etag', container.etag)}${toLeaseElements(container.lease)}</Properties>${includesMetadata ? toMetadataElement(container.metadata) : ''}</Container>`,
  );
  const body = `<EnumerationResults ServiceEndpoint="${endpoint}/">${element('Prefix', prefix)}<Containers>${elements.join('')}</Containers>${element('NextMarker', next)}</EnumerationResults>`;
  return { status: 200, headers: xmlHeaders, body: xmlDocument(body) };
}

/** A blob, or the beginning that several have in common up to a delimiter. */
interface Listed {
  readonly name: string;
  readonly blob: KeptBlob | undefined;
}

function listBlobs(state: BlobState, container: string, { query, endpoint }: StorageRequest): StorageAnswer {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const includesMetadata = includes(query, 'metadata');
  const listed = groupBy(state.list(container, prefix), prefix, delimiter);
  const { page, next } = paginate(listed, query, ({ name }) => name);
  const elements = page.map(({ name, blob }) =>
    blob === undefined ? `<BlobPrefix>${element('Name', name)}</BlobPrefix>` : toBlobElement(blob, includesMetadata),
  );
  const about =
    element('Prefix', prefix) +
    element('MaxResults', query.get('maxresults') ?? undefined) +
    element('Delimiter', delimiter);
  const body = `<EnumerationResults ServiceEndpoint="${endpoint}/" ContainerName="${container}">${about}<Blobs>${elements.join('')}</Blobs>${element('NextMarker', next)}</EnumerationResults>`;
  return { status: 200, headers: xmlHeaders, body: xmlDocument(body) };
}

function groupBy(blobs: readonly KeptBlob[], prefix: string, delimiter: string): Listed[] {
  if (delimiter === '') return blobs.map((blob) => ({ name: blob.name, blob }));
  const groups = new Map<string, Listed>();
  for (const blob of blobs) {
    const end = blob.name.indexOf(delimiter, prefix.length);
    const name = end < 0 ? blob.name : blob.name.slice(0, end + delimiter.length);
    if (!groups.has(name)) groups.set(name, { name, blob: end < 0 ? blob : undefined });
  }
  return [...groups.values()];
}

/** The marker is the name that the next page begins with. */
function paginate<T>(
  all: readonly T[],
  query: URLSearchParams,
  nameOf: (each: T) => string,
): { readonly page: readonly T[]; readonly next: string } {
  const most = readNumber(query, 'maxresults', mostListed, 1, mostListed);
  const marker = query.get('marker') ?? '';
  const rest = all.filter((each) => nameOf(each) >= marker);
  const following = rest[most];
  return { page: rest.slice(0, most), next: following === undefined ? '' : nameOf(following) };
}

function includes(query: URLSearchParams, what: string): boolean {
  return (query.get('include') ?? '').split(',').includes(what);
}

function toBlobElement(blob: KeptBlob, includesMetadata: boolean): string {
  const { headers } = blob;
  const properties = [
    element('Creation-Time', toHttpTime(blob.createdAt)),
    element('Last-Modified', toHttpTime(blob.modifiedAt)),
    element('Etag', blob.etag.replaceAll('"', '')),
    element('Content-Length', blob.content.length),
    element('Content-Type', headers['content-type']),
    element('Content-Encoding', headers['content-encoding']),
    element('Content-Language', headers['content-language']),
    element('Content-MD5', blob.md5),
    element('Content-Disposition', headers['content-disposition']),
    element('Cache-Control', headers['cache-control']),
    element('BlobType', blob.type),
    element('AccessTier', blob.type === 'BlockBlob' ? blob.tier : undefined),
    toLeaseElements(blob.lease),
    element('ServerEncrypted', 'true'),
  ];
  return `<Blob>${element('Name', blob.name)}<Properties>${properties.join('')}</Properties>${includesMetadata ? toMetadataElement(blob.metadata) : ''}</Blob>`;
}

function toLeaseElements(lease: Lease): string {
  return (
    element('LeaseStatus', lease.isLocked ? 'locked' : 'unlocked') +
    element('LeaseState', lease.state) +
    element('LeaseDuration', lease.state === 'leased' ? lease.duration : undefined)
  );
}

function toMetadataElement(metadata: Metadata): string {
  return `<Metadata>${Object.entries(metadata)
    .map(([name, value]) => element(name, value))
    .join('')}</Metadata>`;
}
