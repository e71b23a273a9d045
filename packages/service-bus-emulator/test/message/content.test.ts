import { message as amqp, types } from 'rhea';
import { splitBatch, splitMessage } from '../../src/message/content';
import { MessageFormatError } from '../../src/message/decode';
import { Encoded } from '../../src/message/encode';
import { joinMessage, type OutgoingMessage } from '../../src/message/outgoing';
import { changeProperties, readProperties } from '../../src/message/properties';

const plain = { deliveryCount: 0, sequenceNumber: 1, enqueuedAt: 1_000 } as const;

/** What a client reads of a message that came as `encoded` and is sent on. */
const throughBroker = (
  encoded: Buffer,
  fields: Partial<OutgoingMessage> = {},
  lockedUntil?: number,
): Record<string, unknown> => {
  const split = splitMessage(encoded);
  return amqp.decode(
    joinMessage({ ...plain, content: split.content, annotations: split.annotations, ...fields }, lockedUntil),
  );
};

describe('splitting a message', () => {
  it('reads what the broker decides by from header, annotations and properties', () => {
    const split = splitMessage(
      amqp.encode({
        durable: true,
        ttl: 90_000,
        priority: 7,
        message_annotations: {
          'x-opt-partition-key': 'p',
          'x-opt-scheduled-enqueue-time': types.wrap_timestamp(1_700_000_000_123),
        },
        message_id: 'm-1',
        group_id: 's-1',
        body: amqp.data_section(Buffer.from('x')),
      }),
    );
    expect(split).toMatchObject({
      durable: true,
      timeToLiveMs: 90_000,
      priority: 7,
      partitionKey: 'p',
      scheduledAt: 1_700_000_000_123,
      annotations: undefined,
      messageId: 'm-1',
      sessionId: 's-1',
    });
  });

  it('knows a message that says nothing but its body', () => {
    const split = splitMessage(Buffer.from([0x00, 0x53, 0x75, 0xa0, 2, 104, 105]));
    expect(split).toMatchObject({
      durable: false,
      timeToLiveMs: undefined,
      messageId: undefined,
      sessionId: undefined,
    });
    expect(split.content).toEqual(Buffer.from([0x00, 0x53, 0x75, 0xa0, 2, 104, 105]));
  });

  it('takes a time-to-live that does not fit the header from expiry and creation', () => {
    const split = splitMessage(
      amqp.encode({
        ttl: 0xffff_ffff,
        creation_time: new Date(1_000),
        absolute_expiry_time: new Date(1_000 + 8e9),
        body: 'x',
      }),
    );
    expect(split.timeToLiveMs).toBe(8e9);
  });

  it.each([
    ['a text', 'id', 'id'],
    ['a number', 12, '12'],
    [
      'a uuid',
      types.wrap_uuid(Buffer.from('00112233445566778899aabbccddeeff', 'hex')),
      '00112233-4455-6677-8899-aabbccddeeff',
    ],
  ])('gives a message id that is %s as text', (_, id, expected) => {
    expect(splitMessage(amqp.encode({ message_id: id, body: 'x' })).messageId).toBe(expected);
  });

  it('understands symbolic and wide descriptors', () => {
    const symbolic = Buffer.concat([
      Buffer.from([0x00, 0xa3, 16]),
      Buffer.from('amqp:data:binary'),
      Buffer.from([0xa0, 1, 7]),
    ]);
    const wide = Buffer.concat([Buffer.from([0x00, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x75]), Buffer.from([0xa0, 1, 7])]);
    expect(splitMessage(symbolic).content).toEqual(symbolic);
    expect(splitMessage(wide).content).toEqual(wide);
  });

  it.each([
    ['bytes that are no section', Buffer.from('hello'), 'expected a section at byte 0, got 0x68'],
    [
      'an unknown section',
      Buffer.from([0x00, 0x53, 0x10, 0x45]),
      'expected a section from header (0x70) to footer (0x78) at byte 0, got 0x10',
    ],
    [
      'a body that is cut short',
      Buffer.from([0x00, 0x53, 0x75, 0xb0, 0, 0, 1, 0, 1]),
      'it ends at byte 9 within a value that begins at byte 3',
    ],
    [
      'a header that is no list',
      Buffer.from([0x00, 0x53, 0x70, 0xa1, 1, 65]),
      'expected a list for the header at byte 3, got type 0xa1',
    ],
    ['an unknown type', Buffer.from([0x00, 0x53, 0x77, 0x1f]), 'expected a type at byte 3, got 0x1f'],
    [
      'sections out of order',
      Buffer.concat([amqp.encode({ body: 'x' }), amqp.encode({ body: 'x' })]),
      'expected no section 0x70 behind 0x77',
    ],
  ])('refuses %s, saying where', (_, bytes, text) => {
    expect(() => splitMessage(bytes)).toThrow(MessageFormatError);
    expect(() => splitMessage(bytes)).toThrow(text);
  });

  it('refuses every message that is cut short, or leaves what is missing at a section boundary', () => {
    const whole = amqp.encode({
      ttl: 5,
      message_id: 'm',
      message_annotations: { a: 'b' },
      application_properties: { a: 1 },
      body: 'text',
    });
    for (let length = 1; length < whole.length; length++) {
      const cut = Buffer.from(whole.subarray(0, length));
      let split;
      try {
        split = splitMessage(cut);
      } catch (error) {
        expect(error).toBeInstanceOf(MessageFormatError);
        continue;
      }
      expect(() => amqp.decode(cut)).not.toThrow();
      expect(whole.indexOf(split.content)).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('sending a message on', () => {
  it.each<[string, unknown]>([
    ['one data section', amqp.data_section(Buffer.from('{"a":1}'))],
    ['several data sections', amqp.data_sections([Buffer.from('one'), Buffer.from('two')])],
    ['a sequence', amqp.sequence_section([1, 'two', null])],
    ['a text value', 'text'],
    ['a number', 12.5],
    ['null', null],
    ['a map', { a: [1, { b: true }] }],
  ])('leaves a body of %s as it came', (_, body) => {
    const sent = { message_id: 'm', body };
    const encoded = amqp.encode(sent);
    expect(throughBroker(encoded)['body']).toEqual(amqp.decode(encoded)['body']);
    expect(encoded.subarray(-splitMessage(encoded).content.length)).toEqual(splitMessage(encoded).content);
  });

  it('keeps all properties and the footer', () => {
    const sent = amqp.decode(
      amqp.encode({
        message_id: 'm',
        user_id: Buffer.from('u'),
        to: 'to',
        subject: 'subject',
        reply_to: 'reply',
        correlation_id: 'c',
        content_type: 'text/plain',
        content_encoding: 'gzip',
        group_id: 'g',
        group_sequence: 4,
        reply_to_group_id: 'r',
        application_properties: { text: 'x', big: types.wrap_long(5), when: new Date(3), nothing: null },
        body: 'x',
        footer: { f: 1 },
      }),
    );
    expect(throughBroker(amqp.encode(sent))).toMatchObject({ ...sent });
  });

  it('writes header and annotations as the broker says', () => {
    const decoded = throughBroker(
      amqp.encode({ body: 'x' }),
      {
        durable: true,
        timeToLiveMs: 5_000,
        deliveryCount: 3,
        sequenceNumber: 2 ** 33 + 1,
        enqueuedSequenceNumber: 7,
        enqueuedAt: 1_700_000_000_000,
        scheduledAt: 1_699_999_999_000,
        partitionKey: 'p',
        deadLetterSource: 'orders',
        state: 'deferred',
      },
      1_700_000_060_000,
    );
    expect(decoded).toMatchObject({ durable: true, ttl: 5_000, delivery_count: 3 });
    expect(decoded['message_annotations']).toEqual({
      'x-opt-sequence-number': 2 ** 33 + 1,
      'x-opt-enqueue-sequence-number': 7,
      'x-opt-enqueued-time': new Date(1_700_000_000_000),
      'x-opt-locked-until': new Date(1_700_000_060_000),
      'x-opt-scheduled-enqueue-time': new Date(1_699_999_999_000),
      'x-opt-partition-key': 'p',
      'x-opt-deadletter-source': 'orders',
      'x-opt-message-state': 1,
    });
  });

  it('leaves an unlimited time-to-live out', () => {
    expect(throughBroker(amqp.encode({ body: 'x' }), { timeToLiveMs: Infinity })['ttl']).toBeUndefined();
  });

  it("keeps annotations that it does not know, and drops a broker's own that a sender copied", () => {
    const annotations = { 'x-mine': 'kept', 'x-opt-sequence-number': 99, 'x-other': types.wrap_long(12) };
    const decoded = throughBroker(amqp.encode({ message_annotations: annotations, body: 'x' }));
    expect(decoded['message_annotations']).toMatchObject({
      'x-mine': 'kept',
      'x-other': 12,
      'x-opt-sequence-number': 1,
    });
  });
});

describe('a batch', () => {
  it('is split into its messages', () => {
    const messages = ['one', 'two', 'three'].map((id) => amqp.encode({ message_id: id, body: id }));
    const batch = amqp.encode({ message_annotations: { a: 'b' }, body: amqp.data_sections(messages) });
    expect(splitBatch(batch)).toEqual(messages);
  });

  it('is refused when its body is no data', () => {
    expect(() => splitBatch(amqp.encode({ body: 'text' }))).toThrow('expected only data sections');
  });
});

describe('properties', () => {
  const content = (message: object): Buffer => splitMessage(amqp.encode({ body: 'body', ...message })).content;

  it("are read by Azure's names", () => {
    const { system } = readProperties(
      content({
        message_id: 'm',
        to: 't',
        subject: 'l',
        reply_to: 'r',
        correlation_id: 'c',
        content_type: 'ct',
        group_id: 's',
        reply_to_group_id: 'rs',
      }),
    );
    expect(system).toEqual({
      MessageId: 'm',
      To: 't',
      Label: 'l',
      ReplyTo: 'r',
      CorrelationId: 'c',
      ContentType: 'ct',
      SessionId: 's',
      ReplyToSessionId: 'rs',
    });
  });

  it('of the application are read in the types of JavaScript', () => {
    const { application } = readProperties(
      content({
        application_properties: {
          text: 'x',
          empty: '',
          long: 'y'.repeat(300),
          int: types.wrap_int(-5),
          large: types.wrap_long(2 ** 40),
          huge: types.wrap_long(Buffer.from('7fffffffffffffff', 'hex')),
          ubyte: types.wrap_ubyte(200),
          double: 1.5,
          float: types.wrap_float(0.5),
          yes: true,
          no: false,
          nothing: null,
          when: new Date(1_700_000_000_000),
          bytes: Buffer.from([1, 2]),
          letter: types.wrap_char(0x1f600),
          __proto__x: 'safe',
        },
      }),
    );
    expect({ ...application }).toEqual({
      text: 'x',
      empty: '',
      long: 'y'.repeat(300),
      int: -5,
      large: 2 ** 40,
      huge: 0x7fff_ffff_ffff_ffffn,
      ubyte: 200,
      double: 1.5,
      float: 0.5,
      yes: true,
      no: false,
      nothing: null,
      when: new Date(1_700_000_000_000),
      bytes: Buffer.from([1, 2]),
      letter: '😀',
      __proto__x: 'safe',
    });
  });

  it('are changed, added and removed, and the rest keeps its bytes', () => {
    const before = content({
      message_id: 'm',
      subject: 'old',
      reply_to: 'gone',
      application_properties: { kept: types.wrap_long(7), changed: 'a', removed: 1 },
      body: amqp.data_sections([Buffer.from('one'), Buffer.from('two')]),
      footer: { f: 1 },
    });
    const after = changeProperties(before, {
      system: { Label: 'new', ReplyTo: null, SessionId: 's' },
      application: { changed: 'b', removed: undefined, added: 3, typed: new Encoded(Buffer.from([0x52, 9])) },
    });
    expect(amqp.decode(after)).toMatchObject({
      message_id: 'm',
      subject: 'new',
      group_id: 's',
      application_properties: { kept: 7, changed: 'b', added: 3, typed: 9 },
      footer: { f: 1 },
    });
    expect(amqp.decode(after)['reply_to']).toBeUndefined();
    expect(amqp.decode(after)['application_properties']).not.toHaveProperty('removed');
    expect(amqp.decode(after)['body']).toEqual(amqp.decode(before)['body']);
    expect(after.includes(Buffer.from([0xa1, 4, ...Buffer.from('kept'), 0x55, 7]))).toBe(true);
  });

  it('can be given to a message that has none', () => {
    const bare = Buffer.from([0x00, 0x53, 0x75, 0xa0, 1, 65]);
    const after = changeProperties(bare, {
      system: { MessageId: 'm' },
      application: { n: 2 ** 40, d: 0.5, b: true, z: null, big: 5n, at: new Date(9) },
    });
    expect(amqp.decode(after)).toMatchObject({
      message_id: 'm',
      application_properties: { n: 2 ** 40, d: 0.5, b: true, z: null, big: 5, at: new Date(9) },
    });
    expect(after.subarray(-bare.length)).toEqual(bare);
  });
});
