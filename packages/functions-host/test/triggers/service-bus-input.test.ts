import { readInputShape, toInputOf, toTriggerInput } from '../../src/triggers/service-bus-input';
import { toMessage, toSequenceNumber } from '../support/memory-entity';

const one = { isBatch: false, wantsBytes: false, isDeferred: false };
const many = { ...one, isBatch: true };
const trigger = { type: 'serviceBusTrigger', name: 'message', direction: 'in' } as const;

describe('what a function gets of a message', () => {
  it('is asked for by cardinality, data type and deferred binding, in any case', () => {
    expect(readInputShape(trigger)).toEqual(one);
    const properties = { supportsDeferredBinding: 'true' };
    expect(readInputShape({ ...trigger, cardinality: 'Many', dataType: 'Binary', properties })).toEqual({
      isBatch: true,
      wantsBytes: true,
      isDeferred: true,
    });
  });

  it.each([
    ['text', Buffer.from('plain'), { string: 'plain' }],
    ['text behind a mark of its encoding', Buffer.from('\uFEFF{"a":1}'), { string: '{"a":1}' }],
    ['bytes that are no text', Buffer.from([0xff, 0]), { bytes: Buffer.from([0xff, 0]) }],
    ['data in several sections', [Buffer.from('a'), Buffer.from('b')], { string: 'ab' }],
    ['an AMQP value that is a text', 'value', { string: 'value' }],
    ['an AMQP value', { a: [1, true] }, { string: '{"a":[1,true]}' }],
    ['nothing', undefined, { string: '' }],
  ])('has a body that is %s', (_title, body, expected) => {
    expect(toTriggerInput([toMessage({ body })], one).trigger).toEqual(expected);
  });

  it('is told in the names and forms of the real host, in its order, without what there is not', () => {
    const message = toMessage({
      body: Buffer.from('x'),
      messageId: '7',
      deliveryCount: 2,
      lockToken: 'b6b6c0f2-0000-4000-8000-000000000001',
      sequenceNumber: toSequenceNumber(36_028_797_018_963_970),
      enqueuedTimeUtc: new Date('2026-03-01T10:00:00.120Z'),
      expiresAtUtc: new Date(922_337_203_685_477),
      sessionId: 's',
      partitionKey: 's',
      applicationProperties: { at: new Date(0), bytes: Buffer.from('a') as never, n: 1 },
    });
    const { triggerMetadata } = toTriggerInput([message], one);
    const properties = { json: '{"at":"1970-01-01T00:00:00.000Z","bytes":"YQ==","n":1}' };
    expect(Object.entries(triggerMetadata)).toEqual([
      ['DeliveryCount', { json: '3' }],
      ['LockToken', { string: 'b6b6c0f2-0000-4000-8000-000000000001' }],
      ['ExpiresAtUtc', { json: '"9999-12-31T23:59:59.9999999"' }],
      ['ExpiresAt', { json: '"9999-12-31T23:59:59.9999999+00:00"' }],
      ['EnqueuedTimeUtc', { json: '"2026-03-01T10:00:00.12"' }],
      ['EnqueuedTime', { json: '"2026-03-01T10:00:00.12+00:00"' }],
      ['MessageId', { string: '7' }],
      ['SequenceNumber', { json: '36028797018963970' }],
      ['ApplicationProperties', properties],
      ['UserProperties', properties],
      ['SessionId', { string: 's' }],
      ['PartitionKey', { string: 's' }],
    ]);
  });

  it('has the fields of a JSON body beside, which win under the same name', () => {
    const body = Buffer.from('{"messageid":"mine","total":7,"items":[1],"ok":true,"nested":{"a":1}}');
    const { triggerMetadata, bindingData } = toTriggerInput([toMessage({ body, messageId: 'its' })], one);
    expect(triggerMetadata).toMatchObject({
      MessageId: { string: 'mine' },
      total: { string: '7' },
      ok: { string: 'True' },
    });
    expect(triggerMetadata).not.toHaveProperty('items');
    expect(bindingData()).toMatchObject({ MessageId: 'mine', nested: { a: 1 } });
  });

  it('is a list for a batch, of texts or of bytes, with lists of what is told', () => {
    const messages = [
      toMessage({ body: Buffer.from('{"a":1}'), messageId: '1', deliveryCount: 0, lockToken: 'a' }, 5),
      toMessage({ body: Buffer.from('plain'), messageId: '2', deliveryCount: 3, lockToken: 'b', subject: 's' }, 6),
    ];
    const { trigger: data, triggerMetadata } = toTriggerInput(messages, many);
    expect(data).toEqual({ collectionString: { string: ['{"a":1}', 'plain'] } });
    expect(triggerMetadata).toMatchObject({
      DeliveryCountArray: { json: '[1,4]' },
      LockTokenArray: { collectionString: { string: ['a', 'b'] } },
      MessageIdArray: { collectionString: { string: ['1', '2'] } },
      SequenceNumberArray: { collectionSint64: { sint64: [5, 6] } },
      SubjectArray: { collectionString: { string: ['', 's'] } },
      LabelArray: { collectionString: { string: ['', 's'] } },
      UserPropertiesArray: { json: '[{},{}]' },
    });
    expect(toTriggerInput(messages, { ...many, wantsBytes: true }).trigger).toEqual({
      collectionBytes: { bytes: [Buffer.from('{"a":1}'), Buffer.from('plain')] },
    });
  });

  it('is a list even of one, and for a text that somebody runs the function with', () => {
    expect(toTriggerInput([toMessage({ body: Buffer.from('a') })], many).trigger).toEqual({
      collectionString: { string: ['a'] },
    });
    expect(toInputOf('{"id":"a"}', many).trigger).toEqual({ collectionString: { string: ['{"id":"a"}'] } });
    expect(toInputOf('{"id":"a"}', one)).toMatchObject({
      trigger: { string: '{"id":"a"}' },
      triggerMetadata: { id: { string: 'a' } },
    });
  });
});
