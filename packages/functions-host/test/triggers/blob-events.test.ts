import { readEventPost } from '../../src/triggers/blob-events';

const data = {
  api: 'PutBlob',
  eTag: '0x8D4BCC2E4835CD0',
  contentType: 'text/plain',
  blobType: 'BlockBlob',
  url: 'https://account.blob.core.windows.net/inbox/sub/a%20b.txt',
};
const blob = { container: 'inbox', blobName: 'sub/a b.txt', etag: '"0x8D4BCC2E4835CD0"', blobType: 'BlockBlob' };
const gridEvent = { id: '1', eventType: 'Microsoft.Storage.BlobCreated', subject: 's', data, dataVersion: '' };
const cloudEvent = { specversion: '1.0', id: '1', type: 'Microsoft.Storage.BlobCreated', source: 's', data };

describe('a post of Event Grid', () => {
  it.each([
    ['Notification', undefined, [gridEvent, gridEvent], [blob, blob]],
    ['notification', undefined, cloudEvent, [blob]],
    ['Notification', undefined, [cloudEvent], [blob]],
    [undefined, 'application/cloudevents+json; charset=utf-8', cloudEvent, [blob]],
    [undefined, 'application/cloudevents-batch+json', [cloudEvent], [blob]],
    ['Notification', undefined, [{ ...gridEvent, eventType: 'Microsoft.Storage.BlobDeleted' }], []],
    ['Notification', undefined, [], []],
  ])('of type %s and content %s tells of blobs: %j', (type, contentType, body, events) => {
    expect(readEventPost(type, contentType, JSON.stringify(body))).toEqual({ kind: 'blobs', events });
  });

  it.each(['http://127.0.0.1:10000/devstoreaccount1/inbox/x', 'http://localhost:10000/devstoreaccount1/inbox/x'])(
    'knows the address of an emulator: %s',
    (url) => {
      const body = JSON.stringify([{ ...gridEvent, data: { url } }]);
      const events = [{ container: 'inbox', blobName: 'x', etag: '""', blobType: 'BlockBlob' }];
      expect(readEventPost('Notification', undefined, body)).toEqual({ kind: 'blobs', events });
    },
  );

  it.each([
    [[{ eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent', data: { validationCode: 'c0de' } }]],
    [{ type: 'Microsoft.EventGrid.SubscriptionValidationEvent', data: '{"validationCode":"c0de"}' }],
  ])('checks a subscription: %j', (body) => {
    expect(readEventPost('SubscriptionValidation', undefined, JSON.stringify(body))).toEqual({
      kind: 'validation',
      code: 'c0de',
    });
  });

  it('can end a subscription', () => {
    expect(readEventPost('Unsubscribe', undefined, '')).toEqual({ kind: 'unsubscribe' });
  });

  it.each([
    [undefined, '[]', "header 'aeg-event-type' must be SubscriptionValidation, Notification or Unsubscribe"],
    ['Other', '[]', "header 'aeg-event-type' must be"],
    ['Notification', '[', 'the body must be a JSON object or an array of objects'],
    ['Notification', '"text"', 'the body must be a JSON object or an array of objects'],
    ['Notification', '[1]', 'the body must be a JSON object or an array of objects'],
    ['SubscriptionValidation', '[]', 'the event has no data.validationCode'],
    ['SubscriptionValidation', '{"data":"{"}', 'JSON'],
    ['Notification', JSON.stringify([{ ...gridEvent, data: {} }]), "an event's data.url must be the URL of a blob"],
    ['Notification', JSON.stringify([{ ...gridEvent, data: { url: 'https://a/inbox' } }]), 'names no blob'],
    ['Notification', JSON.stringify([{ ...gridEvent, data: { url: 'https://a/inbox/%zz' } }]), 'URI malformed'],
  ])('is refused with type %s and body %s', (type, body, why) => {
    expect(readEventPost(type, undefined, body)).toEqual({ kind: 'bad', why: expect.stringContaining(why) as string });
  });
});
