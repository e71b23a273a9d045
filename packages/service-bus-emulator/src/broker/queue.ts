import type { BrokerContext } from './context';
import type { Destination } from './destination';
import type { QueueOptions } from './entities';
import { BrokerError } from './errors';
import type { Forward } from './forwarding';
import { Intake } from './intake';
import type { KeptMessage } from './kept-message';
import type { IncomingMessage } from './message';
import { ReceivingEntity } from './receiving-entity';

/** A queue: what is sent to it is received from it. */
export class Queue extends ReceivingEntity<QueueOptions> implements Destination {
  readonly intake: Intake;

  constructor(name: string, options: QueueOptions, context: BrokerContext, forward: Forward, maxBytes: number) {
    super(name, options, context, forward);
    this.intake = new Intake(name, context, maxBytes);
  }

  get closed(): BrokerError | undefined {
    return this.intake.closed(this.options);
  }

  refusal({ sessionId, content }: Pick<IncomingMessage, 'sessionId' | 'content'>, before = 0): BrokerError | undefined {
    if (this.options.requiresSession && sessionId === undefined) {
      return new BrokerError(
        'invalidOperation',
        `'${this.path}' takes messages with a session id only: expected one, got none.`,
      );
    }
    return this.closed ?? this.intake.full(this, before + content.length);
  }

  take(message: KeptMessage): number {
    return this.intake.isDuplicate(message, this.options) ? 0 : this.admit(message);
  }
}
