import path from 'node:path';
import { readConfig } from '../../packages/service-bus-emulator/src/config/config';
import { compileFilter } from '../../packages/service-bus-emulator/src/rules/filter';
import { deadLetterIdSchema, toDeadLetterId, toRedriven } from '../../src/domain/dead-letter';
import { applyEdit, editSchema } from '../../src/domain/dead-letter-edit';
import { LISTED_IN_NOTICE, describeNotice } from '../../src/domain/dead-letter-notice';
import { classify, deadLetterReasons, ownReasons } from '../../src/domain/dead-letter-reason';
import { contentOf, keepBytes, keepValue, readJsonBody, restoreValue } from '../../src/domain/kept-message';
import { checkBody, findFault } from '../../src/domain/message-faults';
import { sampleDeadLetter, sampleMessage } from '../support/sample-dead-letters';

const order = {
  orderId: 'o-1',
  customerId: 'ALFKI',
  lines: [{ sku: 'tea', quantity: 1 }],
  paymentMethod: 'pm_card_visa',
};
const text = (value: unknown) => ({ kind: 'text', text: JSON.stringify(value) }) as const;

describe('the reason of a dead letter', () => {
  it.each([
    ['payment_failed', 'payments'],
    ['PaymentFailed', 'payments'],
    ['timeout', 'database'],
    ['Timeout', 'database'],
    ['database_unavailable', 'database'],
    ['invalid_message', 'senders'],
    ['not_json', 'senders'],
    ['order-conflict', 'senders'],
    ['retries_exhausted', 'onCall'],
  ])('%s is the business of %s', (told, team) => {
    expect(classify(told, undefined).team).toBe(team);
  });

  it.each([
    ['MaxDeliveryCountExceeded', 'delivery_count_exceeded', 'onCall'],
    ['TTLExpiredException', 'expired', 'onCall'],
    ['HeaderSizeExceeded', 'header_too_large', 'senders'],
    ['MaxTransferHopCountExceeded', 'too_many_hops', 'onCall'],
    ['Session ID is null.', 'no_session', 'senders'],
    ['FilterEvaluationException', 'filter_failed', 'onCall'],
    ['the dog ate it', 'unknown', 'onCall'],
    [undefined, 'unknown', 'onCall'],
  ])('told as %s is %s, for %s', (told, reason, team) => {
    expect(classify(told, undefined)).toEqual({ reason, team });
  });

  it('is the body, where it only says that something failed', () => {
    expect(classify('MaxDeliveryCountExceeded', 'not_json')).toEqual({ reason: 'not_json', team: 'senders' });
    expect(classify(undefined, 'invalid_message')).toEqual({ reason: 'invalid_message', team: 'senders' });
    expect(classify('timeout', 'invalid_message')).toEqual({ reason: 'timeout', team: 'database' });
  });

  it('is one that our functions give, or another that is listed', () => {
    for (const reason of ownReasons) expect(classify(reason, undefined).reason).toBe(reason);
    expect(new Set(deadLetterReasons).size).toBe(deadLetterReasons.length);
  });
});

describe('a kept message', () => {
  it('has the bytes that it had, whether they are text or not', () => {
    for (const bytes of [
      Buffer.from('plain'),
      Buffer.from('\ufeffwith a mark, \0 and ü'),
      Buffer.from([0xff, 0, 0xc3]),
    ]) {
      expect(contentOf(keepBytes(bytes))).toEqual(bytes);
    }
    expect(keepBytes(Buffer.from([0xff])).kind).toBe('base64');
  });

  it('has values of AMQP go through JSON', () => {
    const value = { when: new Date(0), bytes: Buffer.from([1, 2]), list: [1.5, null, true], inner: { text: 'x' } };
    const kept = JSON.parse(JSON.stringify(keepValue(value))) as ReturnType<typeof keepValue>;
    expect(restoreValue(kept)).toEqual(value);
  });

  it('is read as JSON from bytes and from values', () => {
    expect(readJsonBody(text({ a: 1 }))).toEqual({ json: { a: 1 } });
    expect(readJsonBody({ kind: 'value', value: '{"a":1}' })).toEqual({ json: { a: 1 } });
    expect(readJsonBody({ kind: 'value', value: { a: 1 } })).toEqual({ json: { a: 1 } });
    expect(readJsonBody({ kind: 'text', text: '{' })).toBeUndefined();
  });
});

describe('the body of a message', () => {
  it('is checked against what its queue or topic takes, with all that is wrong', () => {
    expect(checkBody('orders', text(order))).toEqual([]);
    const wrong = { ...order, customerId: '', lines: [{ sku: 'tea', quantity: 0 }] };
    expect(checkBody('Orders', text(wrong)).map(({ path: at }) => at)).toEqual([
      'body.customerId',
      'body.lines[0].quantity',
    ]);
    expect(checkBody('orders', { kind: 'base64', base64: '/w==' })).toMatchObject([{ path: 'body' }]);
    expect(checkBody('order-events/Subscriptions/e-mail', text({})).length).toBeGreaterThan(0);
    expect(checkBody('something-else', text({}))).toEqual([]);
    expect(findFault('orders', text(order))).toBeUndefined();
    expect(findFault('orders', text(wrong))).toBe('invalid_message');
    expect(findFault('orders', { kind: 'text', text: '{' })).toBe('not_json');
  });
});

describe('a dead letter', () => {
  it('has one id however often it is read, and another when it comes back', () => {
    const found = sampleDeadLetter('a');
    expect(deadLetterIdSchema.safeParse(found.id).success).toBe(true);
    expect(toDeadLetterId({ ...found, entity: 'ORDERS' })).toBe(found.id);
    for (const other of [
      { sequenceNumber: '99' },
      { entity: 'others' },
      { enqueuedAt: undefined },
      { message: sampleMessage('b') },
    ]) {
      expect(toDeadLetterId({ ...found, ...other })).not.toBe(found.id);
    }
  });

  it('of a queue is redriven under a new id, with the original one, and without what dead-lettering left', () => {
    const message = sampleMessage('m-1', '{}', {
      sessionId: 's',
      timeToLiveMs: 60_000,
      applicationProperties: {
        DeadLetterReason: 'x',
        DeadLetterErrorDescription: 'y',
        attempt: 3,
        firstEnqueuedAt: 'z',
        mine: 1,
      },
    });
    const letter = { ...sampleDeadLetter('m-1', { message }), edits: 0 };
    expect(toRedriven(letter)).toEqual({
      address: 'orders',
      message: {
        ...message,
        messageId: `${letter.id}/0`,
        applicationProperties: { mine: 1, originalMessageId: 'm-1', redriveOf: letter.id },
      },
    });
  });

  it('of a subscription is redriven to its topic, for that subscription alone', () => {
    const message = sampleMessage('e-1/2', '{}', {
      applicationProperties: { originalMessageId: 'e-1', redriveTo: 'inventory', redriveOf: 'dl-before' },
    });
    const letter = { ...sampleDeadLetter('e', { entity: 'order-events/Subscriptions/e-mail', message }), edits: 2 };
    const edited = { ...message, applicationProperties: { added: true }, body: text({ mended: true }) };
    expect(toRedriven({ ...letter, edited })).toMatchObject({
      address: 'order-events',
      message: {
        messageId: `${letter.id}/2`,
        body: edited.body,
        applicationProperties: { added: true, originalMessageId: 'e-1', redriveTo: 'e-mail', redriveOf: letter.id },
      },
    });
  });
});

describe('an edit', () => {
  const message = sampleMessage('a', '{}', {
    sessionId: 's',
    subject: 'old',
    applicationProperties: { keep: 1, drop: 2, change: null },
  });

  it('changes what it names, takes away what it has as null, and leaves the rest', () => {
    const edit = editSchema.parse({
      body: { json: { a: 1 } },
      sessionId: null,
      subject: 'new',
      properties: { drop: null, change: 'text', added: true },
    });
    const { message: edited, changed } = applyEdit(message, edit);
    expect(edited).toEqual({
      messageId: 'a',
      contentType: 'application/json',
      subject: 'new',
      applicationProperties: { keep: 1, change: 'text', added: true },
      body: { kind: 'text', text: '{"a":1}' },
    });
    expect(changed).toEqual([
      'body',
      'subject',
      'sessionId',
      'properties.drop',
      'properties.change',
      'properties.added',
    ]);
    expect(applyEdit(message, editSchema.parse({}))).toEqual({ message, changed: [] });
  });

  it('takes bodies as text, JSON or bytes, and nothing else', () => {
    expect(applyEdit(message, { body: { text: 'ü' } }).message.body).toEqual({ kind: 'text', text: 'ü' });
    expect(applyEdit(message, { body: { base64: '/wA=' } }).message.body).toEqual({ kind: 'base64', base64: '/wA=' });
    expect(editSchema.safeParse({ body: { xml: '' } }).error?.issues[0]?.message).toContain('expected one of { "text"');
    expect(editSchema.safeParse({ properties: { a: {} } }).error?.issues[0]?.message).toContain(
      'expected a text, a number',
    );
  });
});

describe('a mail about dead letters', () => {
  it('names what, where, and how to see and redrive them, not what they say', () => {
    const letters = Array.from({ length: LISTED_IN_NOTICE }, (_, n) => ({
      ...sampleDeadLetter(`a${n}`, { description: n === 0 ? `first\nline ${'x'.repeat(300)}` : undefined }),
      storedAt: new Date(0),
    }));
    const notice = {
      key: 'k',
      team: 'senders' as const,
      reason: 'invalid_message' as const,
      count: 1_000,
      entities: [
        { entity: 'orders', count: 999 },
        { entity: 'order-events/Subscriptions/e-mail', count: 1 },
      ],
      letters,
    };
    const { subject, text: body } = describeNotice(notice);
    expect(subject).toBe('1000 dead letters: invalid_message (orders, order-events/Subscriptions/e-mail)');
    expect(body).toContain('orders: 999');
    expect(body).toContain(`${letters[0]!.id}  1970-01-01T00:00:00.000Z  orders: first line xxx`);
    expect(body).toContain('... and 980 more');
    expect(body).toContain('npm run dead-letters -- list --reason invalid_message --status open');
    expect(body).toContain('npm run dead-letters -- redrive --reason invalid_message --dry-run');
    expect(describeNotice({ ...notice, count: 1, letters: letters.slice(0, 1) }).subject).toMatch(/^1 dead letter:/);
  });
});

describe('the topics of local/service-bus/Config.json', () => {
  it('bring what is redriven to one subscription to that one, by one rule, whatever it says', async () => {
    const { topics } = await readConfig(path.join(__dirname, '../../local/service-bus/Config.json'));
    expect(topics.length).toBeGreaterThan(1);
    for (const { name: topic, subscriptions } of topics) {
      for (const { name: redriveTo } of subscriptions) {
        for (const Label of [undefined, 'order.completed', 'order.compensated', 'anything']) {
          const message = { system: { Label }, application: { redriveTo } };
          const takers = subscriptions.flatMap(({ name, rules }) =>
            (rules ?? []).filter(({ filter }) => compileFilter(filter)(message)).map(() => name),
          );
          expect([topic, takers]).toEqual([topic, [redriveTo]]);
        }
      }
    }
  });
});
