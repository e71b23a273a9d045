import { ORIGINAL_MESSAGE_ID } from './message-properties';

/** Which copy of a message this is, from 1; the message itself has none. */
export const ATTEMPT = 'attempt';

/** When the message itself was put into its queue, ISO 8601. */
export const FIRST_ENQUEUED_AT = 'firstEnqueuedAt';

const FIRST_DELAY = 5_000;
const LONGEST_DELAY = 300_000;
/** With these delays that is an hour and a quarter: outages that last longer are somebody's business. */
const MOST_COPIES = 20;

/** A copy of a message that is to be handled again later. */
export interface MessageCopy {
  /** `<original>/<attempt>`: duplicate detection lets it through, but not twice. */
  readonly messageId: string;
  readonly attempt: number;
  /** Milliseconds from now. */
  readonly delay: number;
  /** What it carries beside the message's own properties. */
  readonly properties: Readonly<Record<string, string | number>>;
}

interface Handled {
  readonly id: string;
  readonly enqueuedAt: Date | undefined;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** The copy that takes a message's place, each later than the one before; `undefined` when there have been enough. */
export function nextCopy(message: Handled, now: Date): MessageCopy | undefined {
  const attempt = attemptsOf(message) + 1;
  if (attempt > MOST_COPIES) return undefined;
  const original = originalId(message);
  return {
    messageId: `${original}/${attempt}`,
    attempt,
    delay: Math.min(FIRST_DELAY * 2 ** (attempt - 1), LONGEST_DELAY),
    properties: {
      [ATTEMPT]: attempt,
      [ORIGINAL_MESSAGE_ID]: original,
      [FIRST_ENQUEUED_AT]: firstEnqueuedAt(message) ?? now.toISOString(),
    },
  };
}

/** How many copies of the message came before, this one among them. */
export function attemptsOf({ properties }: Handled): number {
  const attempt = properties[ATTEMPT];
  return typeof attempt === 'number' && Number.isSafeInteger(attempt) && attempt > 0 ? attempt : 0;
}

/** The id that the sender gave, whichever copy this is. */
export function originalId({ id, properties }: Pick<Handled, 'id' | 'properties'>): string {
  const original = properties[ORIGINAL_MESSAGE_ID];
  return typeof original === 'string' && original !== '' ? original : id;
}

/** ISO 8601; `undefined` when nobody knows. */
export function firstEnqueuedAt({ properties, enqueuedAt }: Handled): string | undefined {
  const first = properties[FIRST_ENQUEUED_AT];
  return typeof first === 'string' ? first : enqueuedAt?.toISOString();
}
