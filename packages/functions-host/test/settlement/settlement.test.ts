import { randomUUID } from 'node:crypto';
import { ResourceFactoryResolver } from '@azure/functions-extensions-base';
import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { message as amqpMessage, type Typed, types } from 'rhea';
import type { ModelBindingData } from '../../src/app/typed-data';
import { enterArguments } from '../../src/settlement/settlement-arguments';
import { openSettlementServer, type SettlementServer } from '../../src/settlement/settlement-server';
import { isDeferred, toDeferredInput } from '../../src/triggers/service-bus-deferred';
import {
  createReceivedMessages,
  type HeldMessage,
  type HeldSession,
  type ReceivedMessages,
} from '../../src/triggers/service-bus-received';
import { createCollectedLog } from '../support/collected-log';

// Not by an import: its declarations stand on sources of its own that don't compile here.
jest.requireActual('@azure/functions-extensions-servicebus');

/** What the extension library makes of what the host hands to the function; its own declarations have less. */
interface Handed {
  readonly messages: ServiceBusReceivedMessage;
  readonly actions: Actions;
}

interface Actions {
  complete(message: ServiceBusReceivedMessage): Promise<void>;
  abandon(message: ServiceBusReceivedMessage, properties?: Uint8Array): Promise<void>;
  defer(message: ServiceBusReceivedMessage, properties?: Uint8Array): Promise<void>;
  deadletter(
    message: ServiceBusReceivedMessage,
    properties?: Uint8Array,
    reason?: { value: string },
    description?: { value: string },
  ): Promise<void>;
  renewMessageLock(message: ServiceBusReceivedMessage): Promise<void>;
  setSessionState(sessionId: string, state: Uint8Array): Promise<void>;
  releaseSession(sessionId: string): Promise<void>;
  renewSessionLock(sessionId: string): Promise<{ seconds: string; nanos: number }>;
}

const until = new Date('2026-01-05T20:01:00.250Z');

/** As the client library gives one, with all that it can have. */
function toReceived(lockToken: string): ServiceBusReceivedMessage {
  return {
    body: undefined,
    deliveryCount: 2,
    lockToken,
    state: 'active',
    _rawAmqpMessage: {
      header: { timeToLive: 60_000, durable: true, priority: 4, deliveryCount: 2, firstAcquirer: false },
      properties: {
        messageId: 'm1',
        to: 'somebody',
        subject: 'placed',
        replyTo: 'answers',
        correlationId: 'c1',
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        absoluteExpiryTime: Date.parse('2026-01-06T00:00:00.000Z'),
        creationTime: Date.parse('2026-01-05T00:00:00.000Z'),
        groupId: 's1',
        groupSequence: 7,
        replyToGroupId: 's2',
      },
      applicationProperties: { DeadLetterReason: 'why', count: 3, ratio: 0.5, isBig: false, at: until, none: null },
      messageAnnotations: {
        'x-opt-sequence-number': 12,
        'x-opt-enqueued-time': until,
        'x-opt-deadletter-source': 'orders',
      },
      deliveryAnnotations: { 'x-opt-extra': 'yes' },
      footer: { end: 'of it' },
      bodyType: 'data',
      body: amqpMessage.data_section(Buffer.from('{"id":"o1"}')) as unknown,
    },
  } as unknown as ServiceBusReceivedMessage;
}

/** A message that keeps what was done with it. */
function hold(received: ReceivedMessages, lockToken: string, done: unknown[][]): void {
  let isSettled = false;
  const settle =
    (...how: unknown[]) =>
    (...about: unknown[]): Promise<void> => {
      isSettled = true;
      done.push([...how, ...about]);
      return Promise.resolve();
    };
  const message: HeldMessage = {
    sessionId: undefined,
    get isSettled() {
      return isSettled;
    },
    complete: settle('complete'),
    abandon: settle('abandon'),
    defer: settle('defer'),
    deadLetter: settle('deadLetter'),
    renewLock: () => {
      done.push(['renewLock']);
      return Promise.resolve(until);
    },
  };
  received.addMessage(lockToken, message);
}

function encodeMap(map: object): Uint8Array {
  const { Writer } = types as unknown as { Writer: new () => { write(value: Typed): void; toBuffer(): Buffer } };
  const writer = new Writer();
  writer.write(types.wrap_map(map));
  return writer.toBuffer();
}

function make(data: ModelBindingData): Handed {
  return ResourceFactoryResolver.getInstance().createClient(data.source, data) as Handed;
}

describe("the extension library with the host's settlement service", () => {
  const received = createReceivedMessages();
  const log = createCollectedLog();
  let server: SettlementServer;
  let putBack: () => void;
  let done: unknown[][];
  beforeAll(async () => {
    server = await openSettlementServer(received, log);
    putBack = enterArguments(server.port);
    // The library tells its own console of each call that fails.
    jest.spyOn(console, 'error').mockImplementation(() => undefined);
  });
  afterAll(() => {
    putBack();
    server.close();
    jest.restoreAllMocks();
  });

  const hand = (): Handed => {
    const lockToken = randomUUID();
    done = [];
    hold(received, lockToken, done);
    const { modelBindingData } = toDeferredInput([toReceived(lockToken)], false);
    if (modelBindingData === undefined) throw new Error('One message is one piece of data.');
    const handed = make(modelBindingData);
    expect(handed.messages.lockToken).toBe(lockToken);
    return handed;
  };

  it('reads every section of a message', () => {
    const { messages: message } = hand();
    expect(message).toMatchObject({
      body: { id: 'o1' },
      messageId: 'm1',
      correlationId: 'c1',
      contentType: 'application/json',
      subject: 'placed',
      to: 'somebody',
      replyTo: 'answers',
      replyToSessionId: 's2',
      sessionId: 's1',
      timeToLive: 86_400_000,
      deliveryCount: 3,
      deadLetterReason: 'why',
      applicationProperties: { count: 3, ratio: 0.5, isBig: false, at: until, none: null },
    });
    expect(message.sequenceNumber?.toNumber()).toBe(12);
    expect(message._rawAmqpMessage).toMatchObject({
      header: { durable: true, priority: 4, deliveryCount: 3 },
      properties: { contentEncoding: 'utf-8', groupSequence: 7, creationTime: Date.parse('2026-01-05T00:00:00.000Z') },
      messageAnnotations: { 'x-opt-enqueued-time': until, 'x-opt-deadletter-source': 'orders' },
      deliveryAnnotations: { 'x-opt-extra': 'yes' },
      footer: { end: 'of it' },
    });
  });

  it('gets a batch as a list, one message of it too', () => {
    const tokens = [randomUUID(), randomUUID()];
    const { collectionModelBindingData } = toDeferredInput(tokens.map(toReceived), true);
    const data = collectionModelBindingData?.modelBindingData ?? [];
    const { messages } = ResourceFactoryResolver.getInstance().createClient('AzureServiceBusReceivedMessage', data) as {
      messages: ServiceBusReceivedMessage[];
    };
    expect(messages.map(({ lockToken }) => lockToken)).toEqual(tokens);
    expect(toDeferredInput([toReceived(randomUUID())], true).collectionModelBindingData?.modelBindingData).toHaveLength(
      1,
    );
  });

  it('completes, abandons and defers, with properties or without', async () => {
    const completed = hand();
    await completed.actions.complete(completed.messages);
    expect(done).toEqual([['complete']]);

    const abandoned = hand();
    const at = new Date('2026-01-05T20:00:00.000Z');
    const changed = { attempt: 2, why: 'later', ratio: 0.5, isLast: false, at, gone: null };
    await abandoned.actions.abandon(abandoned.messages, encodeMap(changed));
    expect(done).toEqual([['abandon', changed]]);

    const deferred = hand();
    await deferred.actions.defer(deferred.messages);
    expect(done).toEqual([['defer', undefined]]);
  });

  it('dead-letters with a reason, a description and properties, or with none of them', async () => {
    const full = hand();
    await full.actions.deadletter(full.messages, encodeMap({ team: 'payments' }), { value: 'bad' }, { value: 'no id' });
    expect(done).toEqual([['deadLetter', { reason: 'bad', description: 'no id' }, { team: 'payments' }]]);
    const bare = hand();
    await bare.actions.deadletter(bare.messages);
    expect(done).toEqual([['deadLetter', { reason: undefined, description: undefined }, undefined]]);
  });

  it('renews a lock', async () => {
    const { actions, messages } = hand();
    await actions.renewMessageLock(messages);
    expect(done).toEqual([['renewLock']]);
  });

  it('keeps the state of a session, renews and releases it', async () => {
    const calls: unknown[][] = [];
    const session: HeldSession = {
      getState: () => Promise.resolve(undefined),
      setState: (state) => {
        calls.push(['setState', state.toString()]);
        return Promise.resolve();
      },
      renewLock: () => Promise.resolve(until),
      release: () => calls.push(['release']),
    };
    const takeAway = received.addSession('s1', session);
    const { actions } = hand();
    await actions.setSessionState('s1', Buffer.from('half done'));
    await actions.releaseSession('s1');
    expect(calls).toEqual([['setState', 'half done'], ['release']]);
    const lockedUntil = await actions.renewSessionLock('s1');
    expect(Number(lockedUntil.seconds) * 1000 + lockedUntil.nanos / 1e6).toBe(until.getTime());
    takeAway();
    await expect(actions.releaseSession('s1')).rejects.toMatchObject({
      code: 9,
      details: 'SessionId "s1" not found: no function that is running was handed a message of it.',
    });
  });

  it('says what is wrong with a call', async () => {
    const { actions, messages } = hand();
    await expect(actions.abandon(messages, Buffer.from('no map'))).rejects.toMatchObject({
      code: 3,
      details: expect.stringMatching(/^propertiesToModify: expected one map in AMQP encoding, got 6 bytes/) as string,
    });
    await expect(actions.abandon(messages, encodeMap({ list: [1] }))).rejects.toMatchObject({
      details: expect.stringMatching(/^propertiesToModify\.list: expected a text, number/) as string,
    });
    await actions.complete(messages);
    await expect(actions.deadletter(messages)).rejects.toMatchObject({
      code: 9,
      details: expect.stringContaining('is settled already') as string,
    });
    const unknown = toReceived('00000000-0000-4000-8000-000000000000');
    await expect(actions.complete(unknown)).rejects.toMatchObject({
      code: 9,
      details: expect.stringContaining('LockToken "00000000-0000-4000-8000-000000000000" not found') as string,
    });
    const lost = randomUUID();
    const gone = (): Promise<never> => Promise.reject(new Error('The lock supplied is invalid.'));
    received.addMessage(lost, {
      ...{ sessionId: undefined, isSettled: false, complete: gone, abandon: gone, defer: gone, deadLetter: gone },
      renewLock: gone,
    });
    await expect(actions.complete(toReceived(lost))).rejects.toMatchObject({
      code: 2,
      details: 'The lock supplied is invalid.',
    });
    expect(log.messages()).toContain('Complete failed: The lock supplied is invalid.');
  });
});

describe('enterArguments', () => {
  it("puts the service's place into the process's arguments, and what was there back", () => {
    const before = process.argv;
    const undo = enterArguments(1234);
    expect(process.argv.slice(2).join(' ')).toBe(
      '--host 127.0.0.1 --port 1234 --functions-grpc-max-message-length 2147483647',
    );
    undo();
    expect(process.argv).toBe(before);
  });
});

describe('isDeferred', () => {
  it('goes by what the library says of a binding', () => {
    const binding = { type: 'serviceBusTrigger', name: 'x', direction: 'in' } as const;
    expect(isDeferred({ ...binding, properties: { supportsDeferredBinding: 'true' } })).toBe(true);
    expect(isDeferred({ ...binding, properties: { supportsDeferredBinding: 'false' } })).toBe(false);
    expect(isDeferred(binding)).toBe(false);
  });
});
