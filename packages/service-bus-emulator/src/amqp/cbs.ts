import { RequestError } from './errors';
import type { Client } from './client';
import type { Handler } from './request-link';

const textOf = (body: unknown): string => {
  const content = typeof body === 'object' && body !== null && 'content' in body ? body.content : body;
  return Buffer.isBuffer(content) ? content.toString('utf8') : typeof content === 'string' ? content : '';
};

/** `$cbs`: a client shows a token for what it is about to use, and again before it expires. */
export function cbsHandler(client: Client): Handler {
  return ({ operation, properties, body }) => {
    if (operation === 'delete-token') return { status: 202, description: 'Accepted' };
    if (operation !== 'put-token') {
      throw new RequestError('amqp:not-implemented', 501, `expected operation put-token, got "${operation}"`);
    }
    const name = properties['name'];
    if (typeof name !== 'string') {
      throw new RequestError('amqp:invalid-field', 400, 'expected the audience of the token in the property "name"');
    }
    client.putToken(name, textOf(body));
    return { status: 202, description: 'Accepted' };
  };
}
