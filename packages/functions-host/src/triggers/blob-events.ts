/*
 * What Event Grid posts about blobs.
 *
 * Two schemas are in use, Event Grid's own and CloudEvents, each alone or in an array; both carry the storage account's
 * account of what happened in `data`. A new subscription is checked first: a code that has to be sent back, or, in
 * CloudEvents, an OPTIONS request that asks who may post.
 */
import { isJsonObject, type JsonObject } from '../json-object';

/** A blob that was written, by an event. */
export interface BlobEvent {
  readonly container: string;
  readonly blobName: string;
  /** In quotes. */
  readonly etag: string;
  /** e.g. `BlockBlob` */
  readonly blobType: string;
}

/** What a post means. */
export type EventPost =
  | { readonly kind: 'validation'; readonly code: string }
  | { readonly kind: 'blobs'; readonly events: readonly BlobEvent[] }
  | { readonly kind: 'unsubscribe' }
  | { readonly kind: 'bad'; readonly why: string };

/** Types of events that tell of a new version of a blob; all others mean no work. */
const createdType = 'microsoft.storage.blobcreated';

/**
 * Reads a post.
 * @param eventType header `aeg-event-type`
 * @param contentType header `content-type`: CloudEvents may come from elsewhere, without the other header.
 */
export function readEventPost(eventType: string | undefined, contentType: string | undefined, body: string): EventPost {
  const type =
    eventType?.toLowerCase() ?? (/^application\/cloudevents/i.test(contentType ?? '') ? 'notification' : undefined);
  if (type === 'unsubscribe') return { kind: 'unsubscribe' };
  if (type !== 'subscriptionvalidation' && type !== 'notification') {
    return { kind: 'bad', why: "header 'aeg-event-type' must be SubscriptionValidation, Notification or Unsubscribe" };
  }
  const events = parseEvents(body);
  if (events === undefined) return { kind: 'bad', why: 'the body must be a JSON object or an array of objects' };
  try {
    return type === 'notification'
      ? { kind: 'blobs', events: events.filter(isCreated).map(toBlobEvent) }
      : { kind: 'validation', code: toValidationCode(events[0]) };
  } catch (error) {
    return { kind: 'bad', why: (error as Error).message };
  }
}

function parseEvents(body: string): readonly JsonObject[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  const events: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  return events.every(isJsonObject) ? events : undefined;
}

/** In CloudEvents the data of a subscription's validation is JSON in a text. */
function toValidationCode(event: JsonObject | undefined): string {
  const data = typeof event?.['data'] === 'string' ? (JSON.parse(event['data']) as unknown) : event?.['data'];
  const code = isJsonObject(data) ? data['validationCode'] : undefined;
  if (typeof code !== 'string') throw new Error('the event has no data.validationCode');
  return code;
}

function isCreated(event: JsonObject): boolean {
  const type = event['eventType'] ?? event['type'];
  return typeof type === 'string' && type.toLowerCase() === createdType;
}

function toBlobEvent(event: JsonObject): BlobEvent {
  const data = isJsonObject(event['data']) ? event['data'] : {};
  const { url, eTag, etag, blobType } = data;
  if (typeof url !== 'string' || !URL.canParse(url)) throw new Error("an event's data.url must be the URL of a blob");
  const tag = typeof eTag === 'string' ? eTag : typeof etag === 'string' ? etag : '';
  return {
    ...toBlobName(new URL(url)),
    etag: `"${tag.replace(/^"|"$/g, '')}"`,
    blobType: typeof blobType === 'string' ? blobType : 'BlockBlob',
  };
}

/** An emulator, and whatever is addressed by number, has the account as the first part of the path. */
function toBlobName(url: URL): { container: string; blobName: string } {
  const isPathStyle = /^(?:localhost|\[.*\]|[\d.]+)$/.test(url.hostname);
  const [container, ...blob] = url.pathname
    .split('/')
    .slice(isPathStyle ? 2 : 1)
    .map(decodeURIComponent);
  if (container === undefined || container === '' || blob.join('/') === '') {
    throw new Error(`an event's data.url names no blob: ${url.href}`);
  }
  return { container, blobName: blob.join('/') };
}
