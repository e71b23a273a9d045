import type { Block, BlobState, ContentHeaders, KeptBlob } from './blob-state';
import { checkConditions } from './conditions';
import { operateAccount, operateContainer, operateLease, toLeaseHeaders } from './container-operations';
import { StorageError } from './storage-error';
import {
  notKnown,
  readMetadata,
  type StorageAnswer,
  type StorageRequest,
  toHttpTime,
  toMetadataHeaders,
} from './storage-request';
import { element, readElements, xmlDocument } from './xml';

/** One request to one blob. */
interface BlobCall {
  readonly state: BlobState;
  readonly container: string;
  readonly name: string;
  readonly request: StorageRequest;
  readonly headers: ReadonlyMap<string, string>;
}

/** Answers requests to the blob service. */
export function operateBlobs(
  state: BlobState,
  request: StorageRequest,
  headers: ReadonlyMap<string, string>,
): StorageAnswer {
  const slash = request.path.indexOf('/');
  const container = slash < 0 ? request.path : request.path.slice(0, slash);
  if (container === '') return operateAccount(state, request);
  if (slash < 0 || request.query.get('restype') === 'container') {
    return operateContainer(state, container, request, headers);
  }
  const call: BlobCall = { state, container, name: request.path.slice(slash + 1), request, headers };
  if (request.query.has('snapshot') || request.query.has('versionid')) throw notKnown(request, 'blob');
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return request.query.get('comp') === 'blocklist' ? listBlocks(call) : read(call);
    case 'PUT':
      return put(call);
    case 'DELETE':
      return remove(call);
    default:
      throw notKnown(request, 'blob');
  }
}

function put(call: BlobCall): StorageAnswer {
  const { state, container, name, request, headers } = call;
  switch (request.query.get('comp')) {
    case null:
      return request.header('x-ms-copy-source') === undefined ? upload(call) : copy(call);
    case 'block':
      checkWrite(call, state.get(container).blobs.get(name), false);
      state.stage(container, name, { id: request.query.get('blockid') ?? '', content: request.body });
      return { status: 201 };
    case 'blocklist':
      return commitBlocks(call);
    case 'appendblock':
      return append(call);
    case 'metadata':
      return answerWritten(200, state.describe(container, present(call), { metadata: readMetadata(headers) }));
    case 'properties':
      return answerWritten(200, state.describe(container, present(call), { headers: readContentHeaders(request) }));
    case 'tier':
      state.setTier(container, state.blob(container, name), request.header('x-ms-access-tier') ?? 'Hot');
      return { status: 200 };
    case 'lease': {
      const { lease, etag, modifiedAt } = state.blob(container, name);
      return operateLease(lease, request, { etag, 'last-modified': toHttpTime(modifiedAt) });
    }
    default:
      throw notKnown(request, 'blob');
  }
}

function upload(call: BlobCall): StorageAnswer {
  const { state, container, name, request, headers } = call;
  const type = request.header('x-ms-blob-type');
  if (type !== 'BlockBlob' && type !== 'AppendBlob') throw notKnown(request, 'blob');
  checkWrite(call, state.get(container).blobs.get(name));
  const blob = state.write(container, name, {
    ...{ type, content: request.body, headers: readContentHeaders(request), metadata: readMetadata(headers) },
    ...toTier(request),
  });
  return answerWritten(201, blob);
}

/** Within this account only, and done by the time of the answer. */
function copy(call: BlobCall): StorageAnswer {
  const { state, container, name, request, headers } = call;
  const source = request.header('x-ms-copy-source') ?? '';
  const prefix = `${request.endpoint}/`;
  if (!source.startsWith(prefix)) {
    throw new StorageError(
      400,
      'CannotVerifyCopySource',
      `A blob can only be copied within this storage: expected a source at ${prefix}...; got ${source}.`,
    );
  }
  const [from = '', ...rest] = decodeURIComponent(source.slice(prefix.length).replace(/\?.*$/, '')).split('/');
  const original = state.blob(from, rest.join('/'));
  checkWrite(call, state.get(container).blobs.get(name));
  const metadata = readMetadata(headers);
  const { type, content, headers: contentHeaders } = original;
  const blob = state.write(container, name, {
    ...{ type, content, headers: contentHeaders, ...toTier(request) },
    metadata: Object.keys(metadata).length > 0 ? metadata : original.metadata,
  });
  const answer = answerWritten(202, blob);
  const copied = { 'x-ms-copy-id': blob.etag.replaceAll('"', ''), 'x-ms-copy-status': 'success' };
  return { ...answer, headers: { ...answer.headers, ...copied } };
}

function commitBlocks(call: BlobCall): StorageAnswer {
  const { state, container, name, request, headers } = call;
  const { blobs, staged } = state.get(container);
  const before = blobs.get(name);
  checkWrite(call, before);
  const committed = new Map((before?.blocks ?? []).map((block) => [block.id, block]));
  const waiting = staged.get(name) ?? new Map<string, Block>();
  const blocks = readElements(request.body.toString(), ['Latest', 'Committed', 'Uncommitted']).map((each) => {
    const found =
      (each.name === 'Committed' ? undefined : waiting.get(each.text)) ??
      (each.name === 'Uncommitted' ? undefined : committed.get(each.text));
    if (found !== undefined) return found;
    throw new StorageError(400, 'InvalidBlockList', `Block '${each.text}' of the list was not put before.`);
  });
  const blob = state.write(container, name, {
    ...{ type: 'BlockBlob', blocks, content: Buffer.concat(blocks.map(({ content }) => content)) },
    ...{ headers: readContentHeaders(request), metadata: readMetadata(headers), ...toTier(request) },
  });
  return answerWritten(201, blob);
}

function append(call: BlobCall): StorageAnswer {
  const { state, container, name, request } = call;
  const before = present(call);
  if (before.type !== 'AppendBlob') {
    throw new StorageError(409, 'InvalidBlobType', `Blob '${name}' is no append blob, but a ${before.type}.`);
  }
  const expected = request.header('x-ms-blob-condition-appendpos');
  if (expected !== undefined && Number(expected) !== before.content.length) {
    throw new StorageError(412, 'AppendPositionConditionNotMet', `The blob ends at ${before.content.length}.`);
  }
  const { metadata, headers, content } = before;
  const blocks = [...before.blocks, { id: String(before.blocks.length), content: request.body }];
  const blob = state.write(container, name, {
    ...{ type: 'AppendBlob', metadata, headers, blocks },
    content: Buffer.concat([content, request.body]),
  });
  const answer = answerWritten(201, blob);
  const place = {
    'x-ms-blob-append-offset': String(content.length),
    'x-ms-blob-committed-block-count': String(blocks.length),
  };
  return { ...answer, headers: { ...answer.headers, ...place } };
}

function remove(call: BlobCall): StorageAnswer {
  const { state, container, name } = call;
  present(call);
  state.remove(container, name);
  return { status: 202 };
}

function read({ state, container, name, request }: BlobCall): StorageAnswer {
  if (request.query.has('comp')) throw notKnown(request, 'blob');
  const blob = state.blob(container, name);
  checkConditions(request, blob);
  const size = blob.content.length;
  const range = readRange(request.header('x-ms-range') ?? request.header('range'), size);
  const headers = describe(blob);
  if (request.method === 'HEAD') return { status: 200, headers: { ...headers, 'content-length': String(size) } };
  if (range === undefined) return { status: 200, headers, body: blob.content };
  const part = blob.content.subarray(range.start, range.end);
  const partial = {
    ...headers,
    'content-md5': undefined,
    'x-ms-blob-content-md5': blob.md5,
    'content-range': `bytes ${range.start}-${range.end - 1}/${size}`,
  };
  return { status: 206, headers: partial, body: part };
}

/** `end` is the place after the last byte. Undefined if the whole blob is asked for. */
function readRange(text: string | undefined, size: number): { start: number; end: number } | undefined {
  const found = /^bytes=(\d+)-(\d*)$/.exec(text ?? '');
  if (found === null) return undefined;
  const start = Number(found[1]);
  // The client reads even an empty blob from its first byte on.
  if (start === 0 && size === 0 && found[2] === '') return undefined;
  if (start >= size) {
    throw new StorageError(416, 'InvalidRange', `The range starts at ${start}, and the blob has ${size} bytes.`);
  }
  return { start, end: Math.min(found[2] === '' ? size : Number(found[2]) + 1, size) };
}

function listBlocks({ state, container, name, request }: BlobCall): StorageAnswer {
  const { blobs, staged } = state.get(container);
  const blob = blobs.get(name);
  const waiting = [...(staged.get(name)?.values() ?? [])];
  if (blob === undefined && waiting.length === 0) state.blob(container, name);
  const kind = request.query.get('blocklisttype') ?? 'committed';
  const toElements = (blocks: readonly Block[]): string =>
    blocks.map(({ id, content }) => `<Block>${element('Name', id)}${element('Size', content.length)}</Block>`).join('');
  const committed = `<CommittedBlocks>${kind === 'uncommitted' ? '' : toElements(blob?.blocks ?? [])}</CommittedBlocks>`;
  const others = `<UncommittedBlocks>${kind === 'committed' ? '' : toElements(waiting)}</UncommittedBlocks>`;
  return {
    status: 200,
    headers: {
      'content-type': 'application/xml',
      etag: blob?.etag,
      'x-ms-blob-content-length': String(blob?.content.length ?? 0),
    },
    body: xmlDocument(`<BlockList>${committed}${others}</BlockList>`),
  };
}

function describe(blob: KeptBlob): Record<string, string | undefined> {
  return {
    ...blob.headers,
    ...toMetadataHeaders(blob.metadata),
    ...toLeaseHeaders(blob.lease),
    etag: blob.etag,
    'last-modified': toHttpTime(blob.modifiedAt),
    'x-ms-creation-time': toHttpTime(blob.createdAt),
    'x-ms-blob-type': blob.type,
    'content-md5': blob.md5,
    'accept-ranges': 'bytes',
    'x-ms-server-encrypted': 'true',
    'x-ms-access-tier': blob.type === 'BlockBlob' ? blob.tier : undefined,
    'x-ms-blob-committed-block-count': blob.type === 'AppendBlob' ? String(blob.blocks.length) : undefined,
  };
}

/** The blob that is there, if it may be changed. */
function present(call: BlobCall): KeptBlob {
  const blob = call.state.blob(call.container, call.name);
  checkWrite(call, blob);
  return blob;
}

function checkWrite({ request }: BlobCall, blob: KeptBlob | undefined, withConditions = true): void {
  if (withConditions) checkConditions(request, blob);
  blob?.lease.permit(request.header('x-ms-lease-id'), 'blob');
}

function answerWritten(status: number, { etag, modifiedAt, md5 }: KeptBlob): StorageAnswer {
  return {
    status,
    headers: {
      etag,
      'last-modified': toHttpTime(modifiedAt),
      'content-md5': md5,
      'x-ms-request-server-encrypted': 'true',
    },
  };
}

function readContentHeaders(request: StorageRequest): ContentHeaders {
  const of = (name: string): string | undefined => request.header(`x-ms-blob-${name}`);
  return {
    'content-type': of('content-type') ?? request.header('content-type'),
    'content-encoding': of('content-encoding'),
    'content-language': of('content-language'),
    'content-disposition': of('content-disposition'),
    'cache-control': of('cache-control'),
  };
}

function toTier(request: StorageRequest): { tier?: string } {
  const tier = request.header('x-ms-access-tier');
  return tier === undefined ? {} : { tier };
}
