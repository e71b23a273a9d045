import type { Destination } from './destination';
import type { KeptMessage } from './kept-message';
import type { DeadLetterReason } from './queue-ends';

/** As many times may a message be forwarded; Azure's limit of entities in a chain. */
const MAX_HOPS = 4;

/** Sends a message on to another entity, or says why it cannot go there. The message must be a copy of its own. */
export type Forward = (message: KeptMessage, target: string) => DeadLetterReason | undefined;

export const createForward =
  (find: (path: string) => Destination | undefined): Forward =>
  (message, target) => {
    if (message.hops >= MAX_HOPS) {
      return {
        reason: 'MaxTransferHopCountExceeded',
        description: `The message was forwarded ${MAX_HOPS} times, which is the most that it may be.`,
      };
    }
    const destination = find(target);
    if (destination === undefined) {
      return { reason: 'MessagingEntityNotFound', description: `There is no queue or topic '${target}'.` };
    }
    const refusal = destination.refusal(message);
    if (refusal !== undefined) {
      return { reason: REASONS[refusal.code] ?? refusal.code, description: refusal.message };
    }
    message.hops++;
    message.deliveryCount = 0;
    destination.take(message);
    return undefined;
  };

const REASONS: Partial<Record<string, string>> = {
  entityDisabled: 'MessagingEntityDisabled',
  quotaExceeded: 'QuotaExceeded',
  invalidOperation: 'Session id is null.',
};
