import type { WriteOutput } from '../app/function-runtime';
import type { BindingMetadata } from '../app/registered-function';
import type { Clock } from '../clock';
import { parseTemplate } from './binding-expression';
import { encodeMessage, type MessageEncoding, toMessages } from './message-text';
import { toQueueName } from './queue-names';
import { sendCreating } from './queue-source';
import { type StorageAccounts, toConnectionName } from './storage-account';

export interface QueueWriterOptions {
  readonly accounts: StorageAccounts;
  readonly encoding: MessageEncoding;
  readonly clock: Clock;
  /** Called after messages were sent: a trigger of this host may wait for them. */
  readonly onSent: (connection: string, queueName: string) => void;
}

/** Sends an output to a queue, which is made if it is missing: one message, or one for each element of an array, in order. */
export function toQueueWriter(binding: BindingMetadata, options: QueueWriterOptions): WriteOutput {
  const { accounts, encoding, clock, onSent } = options;
  const { queueName: text } = binding;
  if (typeof text !== 'string' || text === '') throw new Error(`binding '${binding.name}' needs a queueName.`);
  const connection = toConnectionName(binding['connection']);
  accounts.check(connection, 'queue');
  const template = parseTemplate(text, `queueName '${text}'`);
  if (template.isConstant) toQueueName(template.fill({}, clock));
  return async (value, data) => {
    const queueName = toQueueName(template.fill(data, clock));
    const messages = toMessages(value);
    if (messages.length === 0) return;
    const queue = (await accounts.queues(connection)).getQueueClient(queueName);
    for (const message of messages) await sendCreating(queue, encodeMessage(message, encoding));
    onSent(connection, queueName);
  };
}
