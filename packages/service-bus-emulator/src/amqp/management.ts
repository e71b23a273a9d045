import { types } from 'rhea';
import type { Delivery } from '../broker/receiver';
import type { Outcome, StoredMessage } from '../broker/message';
import { withoutBody } from '../message/content';
import { joinMessage } from '../message/outgoing';
import type { FrontOptions } from './client';
import { RequestError } from './errors';
import {
  type Body,
  encodedField,
  longArray,
  readBinary,
  readBody,
  readInteger,
  readIntegers,
  readMaps,
  readOptionalText,
  readText,
  readTime,
  readUuids,
  timestamp,
  timestampArray,
  uuidValue,
} from './management-body';
import { toPropertyChanges } from './outcome';
import type { Handler, Response } from './request-link';
import { decodeRule, encodeRule } from './rule-codec';
import { toIncoming } from './send-link';

/** An operation on the entity at `address`. */
type Operation = (options: FrontOptions, address: string, body: Body, bytes: Buffer) => Response;

const NOTHING: Response = { status: 204, description: 'NoContent' };

const renewLock: Operation = ({ broker }, address, body) => ({
  body: { expirations: timestampArray(broker.renewLocks(address, readUuids(body, 'lock-tokens'))) },
});

const scheduleMessage: Operation = ({ broker }, address, body) => {
  const messages = readMaps(body, 'messages').map((entry) => toIncoming(readBinary(entry, 'message')));
  return { body: { 'sequence-numbers': longArray(broker.schedule(address, messages)) } };
};

const cancelScheduledMessage: Operation = ({ broker }, address, body) => {
  broker.cancelScheduled(address, readIntegers(body, 'sequence-numbers'));
  return {};
};

const peekedMessage = (message: StoredMessage): Buffer =>
  joinMessage(message, message.lockedUntil > 0 ? message.lockedUntil : undefined);

const peekMessage: Operation = ({ broker }, address, body) => {
  const from = readInteger(body, 'from-sequence-number');
  const count = readInteger(body, 'message-count');
  const messages = broker.peek(address, from, count, readOptionalText(body, 'session-id'));
  if (messages.length === 0) return NOTHING;
  const whole = messages.map(peekedMessage);
  const shown = body['omit-message-body'] === true ? whole.map(withoutBody) : whole;
  return { body: { messages: shown.map((message) => ({ message })) } };
};

/** Azure's premium tier takes so many at a time (its standard tier 500). */
const MOST_DELETED = 4_000;

const batchDeleteMessages: Operation = ({ broker, clock }, address, body) => {
  const count = readInteger(body, 'message-count');
  if (count < 1 || count > MOST_DELETED) {
    const expected = `expected 1 to ${MOST_DELETED} in "message-count", got ${count}`;
    throw new RequestError('com.microsoft:argument-error', 400, expected);
  }
  const enqueuedBefore = readTime(body, 'enqueued-time-utc', clock.now());
  const session = readOptionalText(body, 'session-id');
  const deleted = broker.deleteMessages(address, { count, enqueuedBefore, session });
  return deleted === 0 ? NOTHING : { body: { 'message-count': types.wrap_int(deleted) } };
};

const receivedMessage = ({ message, lockToken, lockedUntil }: Delivery): Body => ({
  message: joinMessage(message, lockToken === undefined ? undefined : lockedUntil),
  // What is gone already has a token of zeros, which no lock has.
  'lock-token': uuidValue(lockToken ?? '00000000-0000-0000-0000-000000000000'),
});

const receiveBySequenceNumber: Operation = ({ broker }, address, body) => {
  const mode = readInteger(body, 'receiver-settle-mode', 1) === 0 ? 'receiveAndDelete' : 'peekLock';
  const numbers = readIntegers(body, 'sequence-numbers');
  const deliveries = broker.receiveDeferred(address, numbers, mode, readOptionalText(body, 'session-id'));
  return { body: { messages: deliveries.map(receivedMessage) } };
};

function readOutcome(body: Body, bytes: Buffer): Outcome {
  const properties = toPropertyChanges(encodedField(bytes, 'properties-to-modify'));
  const status = readText(body, 'disposition-status');
  switch (status) {
    case 'completed':
      return { kind: 'complete' };
    case 'abandoned':
      return { kind: 'abandon', properties };
    case 'defered':
      return { kind: 'defer', properties };
    case 'suspended':
      return {
        kind: 'deadLetter',
        reason: readOptionalText(body, 'deadletter-reason'),
        description: readOptionalText(body, 'deadletter-description'),
        properties,
      };
    default:
      throw new RequestError(
        'com.microsoft:argument-error',
        400,
        `expected completed, abandoned, defered or suspended in "disposition-status", got "${status}"`,
      );
  }
}

const updateDisposition: Operation = ({ broker }, address, body, bytes) => {
  const outcome = readOutcome(body, bytes);
  for (const lockToken of readUuids(body, 'lock-tokens')) broker.settle(address, lockToken, outcome);
  return {};
};

const renewSessionLock: Operation = ({ broker }, address, body) => ({
  body: { expiration: timestamp(broker.renewSessionLock(address, readText(body, 'session-id'))) },
});

const getSessionState: Operation = ({ broker }, address, body) => ({
  body: { 'session-state': broker.getSessionState(address, readText(body, 'session-id')) ?? null },
});

const setSessionState: Operation = ({ broker }, address, body) => {
  const state = body['session-state'];
  const bytes = state === null || state === undefined ? undefined : Buffer.from(readBinary(body, 'session-state'));
  broker.setSessionState(address, readText(body, 'session-id'), bytes);
  return {};
};

/** A time beyond the last that .NET knows asks for sessions with messages instead of those with a newer state. */
const LAST_DATE = Date.UTC(9999, 0, 1);

const getMessageSessions: Operation = ({ broker }, address, body) => {
  const since = body['last-updated-time'];
  const skip = readInteger(body, 'skip', 0);
  const top = readInteger(body, 'top', 100);
  const updated = since instanceof Date && since.getTime() < LAST_DATE ? { updatedSince: since.getTime() } : {};
  const sessions = broker.listSessions(address, { skip, top, ...updated });
  return sessions.length === 0 ? NOTHING : { body: { skip: skip + sessions.length, 'sessions-ids': sessions } };
};

function subscriptionAt(address: string): readonly [topic: string, subscription: string] {
  const [, topic, subscription] = /^(.+)\/subscriptions\/([^/]+)$/i.exec(address) ?? [];
  if (topic === undefined || subscription === undefined) {
    throw new RequestError('amqp:not-allowed', 400, `rules belong to a subscription, and "${address}" is none`);
  }
  return [topic, subscription];
}

const addRule: Operation = ({ broker }, address, body) => {
  const description = readBody(body['rule-description']);
  broker.createRule(...subscriptionAt(address), decodeRule(readText(body, 'rule-name'), description));
  return {};
};

const removeRule: Operation = ({ broker }, address, body) => {
  broker.deleteRule(...subscriptionAt(address), readText(body, 'rule-name'));
  return {};
};

const enumerateRules: Operation = ({ broker }, address, body) => {
  const [topic, name] = subscriptionAt(address);
  const subscription = broker.getSubscription(topic, name);
  if (subscription === undefined)
    throw new RequestError('amqp:not-found', 404, `there is no subscription "${address}"`);
  const skip = readInteger(body, 'skip', 0);
  const rules = subscription.rules.slice(skip, skip + readInteger(body, 'top', 100));
  return rules.length === 0
    ? NOTHING
    : { body: { rules: rules.map((rule) => ({ 'rule-description': encodeRule(rule) })) } };
};

const OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ['renew-lock', renewLock],
  ['schedule-message', scheduleMessage],
  ['cancel-scheduled-message', cancelScheduledMessage],
  ['peek-message', peekMessage],
  ['batch-delete-messages', batchDeleteMessages],
  ['receive-by-sequence-number', receiveBySequenceNumber],
  ['update-disposition', updateDisposition],
  ['renew-session-lock', renewSessionLock],
  ['get-session-state', getSessionState],
  ['set-session-state', setSessionState],
  ['get-message-sessions', getMessageSessions],
  ['add-rule', addRule],
  ['remove-rule', removeRule],
  ['enumerate-rules', enumerateRules],
]);

/** `<entity>/$management`: what a client asks of one entity beside its messages' way over links. */
export function managementHandler(options: FrontOptions, address: string): Handler {
  return (request) => {
    const operation = OPERATIONS.get(request.operation);
    if (operation === undefined) {
      throw new RequestError(
        'amqp:not-implemented',
        501,
        `there is no operation "${request.operation}" on $management, only ${[...OPERATIONS.keys()].join(', ')}`,
      );
    }
    return operation(options, address, readBody(request.body), request.bytes);
  };
}
