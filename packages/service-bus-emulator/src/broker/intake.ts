import type { BrokerContext } from './context';
import { DuplicateHistory } from './duplicates';
import type { EntityStatus } from './entities';
import { BrokerError } from './errors';
import type { KeptMessage } from './kept-message';

interface IntakeOptions {
  readonly status: EntityStatus;
  readonly requiresDuplicateDetection: boolean;
  readonly duplicateDetectionWindowMs: number;
}

/** The gate of a queue or topic: who may send, and what came already. */
export class Intake {
  readonly path: string;
  readonly history = new DuplicateHistory();
  readonly #context: BrokerContext;
  readonly #maxBytes: number;

  constructor(path: string, context: BrokerContext, maxBytes: number) {
    this.path = path;
    this.#context = context;
    this.#maxBytes = maxBytes;
  }

  /** Why nobody may send here now. */
  closed({ status }: IntakeOptions): BrokerError | undefined {
    if (status !== 'Disabled' && status !== 'SendDisabled') return undefined;
    return new BrokerError('entityDisabled', `'${this.path}' takes no messages: its status is ${status}.`);
  }

  /** Why so many bytes more do not go in. */
  full(held: { readonly sizeInBytes: number }, more: number): BrokerError | undefined {
    // Adding up a topic takes time: only where it matters.
    if (this.#maxBytes === Infinity) return undefined;
    const bytes = held.sizeInBytes;
    if (bytes + more <= this.#maxBytes) return undefined;
    return new BrokerError(
      'quotaExceeded',
      `'${this.path}' is full: it holds ${bytes} bytes of at most ${this.#maxBytes}, and ${more} were to be added.`,
    );
  }

  /** Whether the message came already; if not, it has now. */
  isDuplicate({ messageId }: KeptMessage, options: IntakeOptions): boolean {
    if (!options.requiresDuplicateDetection || messageId === undefined) return false;
    const now = this.#context.clock.now();
    if (this.history.has(messageId, now, options.duplicateDetectionWindowMs)) return true;
    this.history.add(messageId, now);
    this.#context.turn.record({ type: 'remembered', path: this.path, messageId, at: now });
    return false;
  }
}
