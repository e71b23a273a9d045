import type { KeptMessage, QueueState } from './queue-state';
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
import { element, readElements, xmlDocument } from './xml';

const day = 24 * 60 * 60;
/** Limits of the service, in seconds and messages. */
const longestHidden = 7 * day;
const longestLife = 2 ** 31 - 1;
const defaultLife = 7 * day;
const defaultHidden = 30;
const mostMessages = 32;
const longestText = 64 * 1024;

const xmlHeaders = { 'content-type': 'application/xml' };
/** What messages say that are kept until they are removed. */
const never = Date.UTC(9999, 11, 31, 23, 59, 59);

/** Answers requests to the queue service. */
export function operateQueues(
  state: QueueState,
  request: StorageRequest,
  headers: ReadonlyMap<string, string>,
): StorageAnswer {
  const { method, path, query } = request;
  const comp = query.get('comp');
  const [queueName = '', messages, id, ...more] = path.split('/');
  if (queueName === '') {
    if (method === 'GET' && comp === 'list') return list(state, request);
    if (query.get('restype') === 'service' && comp === 'properties') return serviceProperties(method);
    throw notKnown(request, 'queue');
  }
  if (messages === undefined) return operateQueue(state, queueName, request, readMetadata(headers));
  if (messages !== 'messages' || more.length > 0) throw notKnown(request, 'queue');
  return id === undefined ? operateMessages(state, queueName, request) : operateMessage(state, queueName, id, request);
}

function operateQueue(
  state: QueueState,
  queueName: string,
  request: StorageRequest,
  metadata: Record<string, string>,
): StorageAnswer {
  const { method, query } = request;
  const comp = query.get('comp');
  if (method === 'PUT' && comp === null) return { status: state.create(queueName, metadata) ? 201 : 204 };
  if (method === 'DELETE' && comp === null) {
    state.delete(queueName);
    return { status: 204 };
  }
  if (comp === 'metadata') {
    if (method === 'PUT') {
      state.setMetadata(queueName, metadata);
      return { status: 204 };
    }
    const count = state.messages(queueName).length;
    const headers = {
      ...toMetadataHeaders(state.metadata(queueName)),
      'x-ms-approximate-messages-count': String(count),
    };
    return { status: 200, headers };
  }
  throw notKnown(request, 'queue');
}

function operateMessages(state: QueueState, queueName: string, request: StorageRequest): StorageAnswer {
  const { method, query } = request;
  if (method === 'DELETE') {
    state.clear(queueName);
    return { status: 204 };
  }
  if (method === 'POST') {
    const life = readNumber(query, 'messagettl', defaultLife, -1, longestLife);
    const hidden = readNumber(query, 'visibilitytimeout', 0, 0, longestHidden);
    if (life === 0) throw outOfRange("Query parameter 'messagettl' must be -1 or more than 0; got '0'.");
    if (life !== -1 && hidden >= life) {
      throw outOfRange(`A message hidden for ${hidden} s would never be seen: it lives for ${life} s.`);
    }
    const message = state.send(queueName, readText(request), hidden * 1000, life === -1 ? Infinity : life * 1000);
    return toList(201, [message], (each) => identity(each) + times(each));
  }
  if (method !== 'GET') throw notKnown(request, 'queue');
  const count = readNumber(query, 'numofmessages', 1, 1, mostMessages);
  if (query.get('peekonly') === 'true') {
    return toList(200, state.peek(queueName, count), (message) => identity(message, false) + content(message));
  }
  const hidden = readNumber(query, 'visibilitytimeout', defaultHidden, 1, longestHidden);
  return toList(
    200,
    state.receive(queueName, count, hidden * 1000),
    (message) => identity(message) + times(message) + content(message),
  );
}

function operateMessage(state: QueueState, queueName: string, id: string, request: StorageRequest): StorageAnswer {
  const { method, query, body } = request;
  const handle = { id, popReceipt: query.get('popreceipt') ?? '' };
  if (method === 'DELETE') {
    state.remove(queueName, handle);
    return { status: 204 };
  }
  if (method !== 'PUT') throw notKnown(request, 'queue');
  const hiddenMs = readNumber(query, 'visibilitytimeout', 0, 0, longestHidden) * 1000;
  const text = body.length === 0 ? {} : { text: readText(request) };
  const message = state.update(queueName, handle, { hiddenMs, ...text });
  return {
    status: 204,
    headers: { 'x-ms-popreceipt': message.popReceipt, 'x-ms-time-next-visible': toHttpTime(message.visibleAt) },
  };
}

function readText({ body }: StorageRequest): string {
  const [found] = readElements(body.toString(), ['MessageText']);
  if (found === undefined) {
    throw new StorageError(400, 'InvalidXmlDocument', 'Expected a body <QueueMessage><MessageText>...</MessageText>.');
  }
  const size = Buffer.byteLength(found.text);
  if (size <= longestText) return found.text;
  throw new StorageError(
    413,
    'RequestBodyTooLarge',
    `A message holds at most ${longestText} bytes in its encoded form; got ${size}.`,
  );
}

function outOfRange(message: string): StorageError {
  return new StorageError(400, 'OutOfRangeQueryParameterValue', message);
}

function toList(
  status: number,
  messages: readonly KeptMessage[],
  toContent: (message: KeptMessage) => string,
): StorageAnswer {
  const elements = messages.map((message) => `<QueueMessage>${toContent(message)}</QueueMessage>`).join('');
  const body = xmlDocument(`<QueueMessagesList>${elements}</QueueMessagesList>`);
  return { status, headers: xmlHeaders, body };
}

function identity({ id, insertedAt, expiresAt, popReceipt, dequeueCount }: KeptMessage, isHeld = true): string {
  return (
    element('MessageId', id) +
    element('InsertionTime', toHttpTime(insertedAt)) +
    element('ExpirationTime', toHttpTime(Math.min(expiresAt, never))) +
    (isHeld ? element('PopReceipt', popReceipt) : '') +
    element('DequeueCount', dequeueCount)
  );
}

function times({ visibleAt }: KeptMessage): string {
  return element('TimeNextVisible', toHttpTime(visibleAt));
}

function content({ text }: KeptMessage): string {
  return element('MessageText', text);
}

function list(state: QueueState, { query, endpoint }: StorageRequest): StorageAnswer {
  const prefix = query.get('prefix') ?? '';
  const names = state.names().filter((name) => name.startsWith(prefix));
  const queues = names.map((name) => `<Queue>${element('Name', name)}</Queue>`).join('');
  const body = xmlDocument(
    `<EnumerationResults ServiceEndpoint="${endpoint}/">${element('Prefix', prefix)}<Queues>${queues}</Queues><NextMarker/></EnumerationResults>`,
  );
  return { status: 200, headers: xmlHeaders, body };
}

/** Logging and metrics are taken and forgotten: nothing here writes any. */
function serviceProperties(method: string): StorageAnswer {
  if (method === 'PUT') return { status: 202 };
  return { status: 200, headers: xmlHeaders, body: xmlDocument('<StorageServiceProperties/>') };
}
