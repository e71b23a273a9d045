import type { WriteOutput } from '../app/function-runtime';
import type { BindingMetadata } from '../app/registered-function';
import type { TypedData } from '../app/typed-data';
import { typedDataToBytes } from '../app/typed-data';
import type { Clock } from '../clock';
import { messageOf } from '../supervisor/failures';
import { parseTemplate } from './binding-expression';
import { toMessages } from './message-text';
import type { ServiceBusClients } from './service-bus-client';
import { toServiceBusConnectionName } from './service-bus-connection';
import { readTarget } from './service-bus-entity';
import type { MessageTarget, OutgoingMessage } from './service-bus-source';

/**
 * Sends an output to a queue or topic: one message, or one for each element of an array, in order. As on Azure it is the
 * body alone that a function written in JavaScript can set, with a content type by its kind; who needs ids, properties or
 * sessions sends with the client library.
 */
export function toServiceBusWriter(binding: BindingMetadata, clients: ServiceBusClients, clock: Clock): WriteOutput {
  const { name: text, kind } = readTarget(binding);
  const connection = toServiceBusConnectionName(binding['connection']);
  const template = parseTemplate(text, `${kind}Name '${text}'`);
  clients.check(connection, template.isConstant ? text : undefined);
  const targets = new Map<string, MessageTarget>();
  return async (value, data) => {
    const messages = toOutgoing(value);
    if (messages.length === 0) return;
    const name = template.fill(data, clock);
    const target = targets.get(name) ?? clients.target(connection, name);
    targets.set(name, target);
    try {
      await target.send(messages);
    } catch (error) {
      throw new Error(`Output '${binding.name}' could not be sent to ${kind} '${name}': ${explain(error)}`, {
        cause: error,
      });
    }
  };
}

function toOutgoing(value: TypedData): OutgoingMessage[] {
  if (value.bytes !== undefined) {
    return [{ body: typedDataToBytes(value), contentType: 'application/octet-stream' }];
  }
  return toMessages(value).map((body) => ({ body, contentType: 'text/plain' }));
}

function explain(error: unknown): string {
  const message = messageOf(error);
  if (!/session ?id/i.test(message)) return message;
  return `${message} (An output binding can't set a session id: send with @azure/service-bus instead.)`;
}
