import type { ReceivedMessage } from '../../src/triggers/service-bus/settlement';

/** A message as a handler gets it; a body that is no text or bytes is sent as JSON. */
export function receivedMessage(body: unknown, about: Partial<ReceivedMessage> = {}): ReceivedMessage {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return {
    id: 'message-1',
    bytes: body instanceof Uint8Array ? body : Buffer.from(text),
    subject: undefined,
    correlationId: undefined,
    sessionId: undefined,
    contentType: 'application/json',
    properties: {},
    deliveryCount: 0,
    enqueuedAt: new Date('2026-01-05T09:00:00.000Z'),
    ...about,
  };
}
