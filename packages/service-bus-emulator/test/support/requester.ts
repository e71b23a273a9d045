import { randomUUID } from 'node:crypto';
import type rhea from 'rhea';

/** What a request to `$cbs` or `$management` was answered with. */
export interface Answer {
  readonly status: number;
  readonly description: string;
  readonly condition: string | undefined;
  readonly body: unknown;
}

/** Sends requests to `address` over links of their own, for operations that Microsoft's client does not have. */
export function createRequester(connection: rhea.Connection, address: string) {
  const name = randomUUID();
  const answers = connection.open_receiver({ source: address, target: name });
  const requests = connection.open_sender(address);
  const isOpen = new Promise<void>((resolve) => requests.once('sendable', () => resolve()));
  return async (operation: string, body: unknown, properties: Record<string, unknown> = {}): Promise<Answer> => {
    await isOpen;
    const id = randomUUID();
    const answered = new Promise<rhea.Message>((resolve) => {
      const take = ({ message }: rhea.EventContext): void => {
        if (message?.correlation_id !== id) return;
        answers.removeListener('message', take);
        resolve(message);
      };
      answers.on('message', take);
    });
    requests.send({ message_id: id, reply_to: name, application_properties: { ...properties, operation }, body });
    const { application_properties: about = {}, body: content } = await answered;
    return {
      status: about['statusCode'] as number,
      description: about['statusDescription'] as string,
      condition: about['errorCondition'] as string | undefined,
      body: content as unknown,
    };
  };
}
