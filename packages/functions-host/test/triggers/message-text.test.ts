import {
  decodeMessage,
  encodeMessage,
  toMessageData,
  toMessageFields,
  toMessages,
} from '../../src/triggers/message-text';
import { readQueueOptions } from '../../src/triggers/queue-options';
import { toPoisonQueueName, toQueueName } from '../../src/triggers/queue-names';

describe('a message in a queue', () => {
  it('goes there and back by either encoding', () => {
    expect(encodeMessage(Buffer.from('grüß'), 'base64')).toBe('Z3LDvMOf');
    expect(decodeMessage('Z3LDvMOf', 'base64')?.toString()).toBe('grüß');
    expect(encodeMessage(Buffer.from('grüß'), 'none')).toBe('grüß');
    expect(decodeMessage('grüß', 'none')?.toString()).toBe('grüß');
  });

  it.each(['plain text', 'abc', 'a===', '{"a":1}'])('is not base64: %s', (text) => {
    expect(decodeMessage(text, 'base64')).toBeUndefined();
  });

  it('refuses to send bytes as text', () => {
    expect(() => encodeMessage(Buffer.from([0xff]), 'none')).toThrow('messageEncoding "base64"');
  });

  it('is text for a function unless it is none, or bytes are asked for', () => {
    expect(toMessageData(Buffer.from('a'), false)).toEqual({ string: 'a' });
    expect(toMessageData(Buffer.from('a'), true)).toEqual({ bytes: Buffer.from('a') });
    expect(toMessageData(Buffer.from([0xff]), false)).toEqual({ bytes: Buffer.from([0xff]) });
  });

  it('gives the top-level fields of a JSON object, as texts where they are plain, without arrays and nulls', () => {
    expect(toMessageFields(Buffer.from(' {"a":1,"b":true,"c":{"d":[2]},"e":[1],"f":null,"g":"x"} '))).toEqual({
      ...{ a: '1', b: 'True', g: 'x' },
      c: { d: [2] },
    });
    for (const text of ['[{"a":1}]', '{"a":', 'text', '']) expect(toMessageFields(Buffer.from(text))).toEqual({});
  });
});

describe('the messages of an output', () => {
  it.each([
    [{ string: '["a"]' }, ['["a"]']],
    [{ json: '{"a":1}' }, ['{"a":1}']],
    [{ json: '["a",{"b":2},3,null,[4]]' }, ['a', '{"b":2}', '3', '[4]']],
    [{ json: '"text"' }, ['text']],
    [{ json: 'null' }, []],
    [{ json: '[]' }, []],
    [{ int: 5 }, ['5']],
    [{ bytes: Buffer.from('b') }, ['b']],
  ])('stand for %j as %j', (value, expected) => {
    expect(toMessages(value).map(String)).toEqual(expected);
  });
});

describe('extensions.queues of host.json', () => {
  it('has the defaults of a development environment', () => {
    expect(readQueueOptions({})).toMatchObject({
      batchSize: 16,
      maxPollingMs: 2000,
      visibilityMs: 0,
      maxDequeueCount: 5,
      messageEncoding: 'base64',
    });
  });

  it('is read without regard to case', () => {
    const json = {
      ...{ BatchSize: 4, newBatchThreshold: 0, maxPollingInterval: '00:00:30', visibilityTimeout: '00:01:00' },
      ...{ maxDequeueCount: 2, messageEncoding: 'None' },
    };
    expect(readQueueOptions(json)).toEqual({
      ...{ batchSize: 4, newBatchThreshold: 0, maxPollingMs: 30_000, visibilityMs: 60_000 },
      ...{ maxDequeueCount: 2, messageEncoding: 'none' },
    });
  });

  it.each([
    [{ batchSize: 33 }, 'extensions.queues.batchSize must be a whole number from 1 to 32; got 33.'],
    [{ newBatchThreshold: -1 }, 'extensions.queues.newBatchThreshold must be a whole number of at least 0; got -1.'],
    [{ maxDequeueCount: 'x' }, 'extensions.queues.maxDequeueCount must be a whole number of at least 1; got "x".'],
    [{ maxPollingInterval: '00:00:00.01' }, 'maxPollingInterval must be a time span hh:mm:ss of at least 100 ms'],
    [{ visibilityTimeout: 5 }, 'visibilityTimeout must be a time span hh:mm:ss from 0 ms to 7 days; got 5.'],
    [{ messageEncoding: 'utf8' }, 'messageEncoding must be "base64" or "none"; got "utf8".'],
  ])('refuses %j', (json, message) => {
    expect(() => readQueueOptions(json)).toThrow(message);
  });
});

describe("a queue's name", () => {
  it('is lower-cased and checked', () => {
    expect(toQueueName('Orders-2')).toBe('orders-2');
    for (const name of ['ab', 'a--b', '-ab', 'abc-', 'a_b', 'x'.repeat(64)]) {
      expect(() => toQueueName(name)).toThrow(`'${name}' is no name of a storage queue`);
    }
  });

  it('has a poison queue beside it, unless it is one or has no room for it', () => {
    expect(toPoisonQueueName('orders')).toBe('orders-poison');
    expect(toPoisonQueueName('orders-poison')).toBeUndefined();
    expect(toPoisonQueueName('x'.repeat(60))).toBeUndefined();
  });
});
