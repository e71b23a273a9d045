import { toRedriven } from '../domain/dead-letter';
import type { DeadLetterFilter, DeadLetterId, DeadLetterStatus, StoredDeadLetter } from '../domain/dead-letter';
import { contentSize } from '../domain/kept-message';
import { checkBody } from '../domain/message-faults';
import type { Violation } from '../domain/violations';
import type { Clock, DeadLetters, Deed, MessageSender } from '../ports';

/*
 * Sending dead letters to where they came from, one or many.
 *
 * A dead letter is first taken, in the statement that looks whether it may be, then sent, then noted as sent. So two
 * operators never send it at once. Whoever dies after the sending leaves it taken; two minutes later, when no send can be
 * under way any more, it may be taken again, and is sent with the same message id: duplicate detection drops the copy
 * where a queue or topic has it, and consumers know it by `originalMessageId` where it has not.
 *
 * Many are sent one after another, oldest first, in requests that each take a part and say where the next one begins: no
 * request is long, whoever stops asking has stopped the redrive, and what comes back as a dead letter meanwhile is not
 * sent round in circles, since it came after the first request.
 */

/** More than a send can take: it is given up after half a minute. */
const GIVEN_UP_AFTER = 120_000;
/** A request sends for at most this long, so that no gateway on the way loses patience. */
const LONGEST_REQUEST = 20_000;
/** When so many in a row can't be sent it is not they that are at fault. */
const MOST_FAILURES_IN_A_ROW = 3;

interface Deps {
  readonly deadLetters: DeadLetters;
  readonly sender: MessageSender;
  readonly clock: Clock;
  readonly pause: (milliseconds: number) => Promise<unknown>;
}

/** What is or would be sent. */
export interface Redrive {
  readonly id: DeadLetterId;
  readonly address: string;
  readonly messageId: string;
  readonly bytes: number;
  /** What its consumer will refuse it for, as far as its schema tells. */
  readonly violations: readonly Violation[];
}

export type RedriveOutcome =
  | ({ readonly kind: 'redriven' } & Redrive)
  | { readonly kind: 'unknown'; readonly id: DeadLetterId }
  /** Somebody else was faster. */
  | { readonly kind: 'notAllowed'; readonly id: DeadLetterId; readonly status: DeadLetterStatus }
  /** It may have been sent or not, and is open again. */
  | { readonly kind: 'failed'; readonly id: DeadLetterId; readonly reason: string };

export interface ManyRequest {
  readonly filter: Omit<DeadLetterFilter, 'status'>;
  readonly after?: DeadLetterId | undefined;
  readonly limit: number;
  readonly perSecond: number;
}

export interface ManyOutcome {
  /** How many there were for this request and those after it. */
  readonly total: number;
  readonly redriven: readonly Redrive[];
  readonly failed: readonly { readonly id: DeadLetterId; readonly reason: string }[];
  /** Where the next request begins; undefined when none is left. */
  readonly after: DeadLetterId | undefined;
  /** The rest was not tried, since one after another failed. */
  readonly stopped: boolean;
}

export interface Redriver {
  preview(letter: StoredDeadLetter): Redrive;
  redrive(id: DeadLetterId, deed: Deed): Promise<RedriveOutcome>;
  /** What `redriveMany` would send. */
  previewMany(request: Omit<ManyRequest, 'perSecond'>): Promise<ManyOutcome>;
  redriveMany(request: ManyRequest, deed: Deed): Promise<ManyOutcome>;
}

export function createRedriver({ deadLetters, sender, clock, pause }: Deps): Redriver {
  const begunBefore = (): Date => new Date(clock.now().getTime() - GIVEN_UP_AFTER);

  const redrive = async (id: DeadLetterId, deed: Deed): Promise<RedriveOutcome> => {
    const begun = await deadLetters.beginRedrive(id, begunBefore(), deed);
    if (begun.kind !== 'done') return { ...begun, id };
    const { address, message } = toRedriven(begun.letter);
    try {
      await sender.send(address, message);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      await deadLetters.endRedrive(begun.letter, deed, reason);
      return { kind: 'failed', id, reason };
    }
    await deadLetters.endRedrive(begun.letter, { by: deed.by, note: `${message.messageId} to ${address}` });
    return { kind: 'redriven', ...preview(begun.letter) };
  };

  const select = async ({ filter, after, limit }: Omit<ManyRequest, 'perSecond'>) => {
    const page = { after, begunBefore: begunBefore() };
    const [total, ids] = await Promise.all([
      deadLetters.countRedrivable(filter, page),
      deadLetters.listRedrivable(filter, { ...page, limit }),
    ]);
    return { total, ids };
  };

  return {
    preview,
    redrive,

    async previewMany(request) {
      const { total, ids } = await select(request);
      const redriven: Redrive[] = [];
      for (const id of ids) {
        const letter = await deadLetters.find(id);
        if (letter) redriven.push(preview(letter));
      }
      return { total, redriven, failed: [], after: total > ids.length ? ids.at(-1) : undefined, stopped: false };
    },

    async redriveMany(request, deed) {
      const startedAt = clock.now().getTime();
      const { total, ids } = await select(request);
      const redriven: Redrive[] = [];
      const failed: { id: DeadLetterId; reason: string }[] = [];
      let tried = 0;
      let inARow = 0;
      for (const id of ids) {
        const wait = startedAt + (tried * 1_000) / request.perSecond - clock.now().getTime();
        if (tried > 0 && clock.now().getTime() + Math.max(wait, 0) - startedAt > LONGEST_REQUEST) break;
        if (wait > 0) await pause(wait);
        const outcome = await redrive(id, deed);
        tried += 1;
        if (outcome.kind === 'redriven') redriven.push(outcome);
        if (outcome.kind === 'failed') failed.push({ id, reason: outcome.reason });
        inARow = outcome.kind === 'failed' ? inARow + 1 : 0;
        if (inARow === MOST_FAILURES_IN_A_ROW) break;
      }
      const after = total > tried ? ids[tried - 1] : undefined;
      return { total, redriven, failed, after, stopped: inARow === MOST_FAILURES_IN_A_ROW };
    },
  };
}

function preview(letter: StoredDeadLetter): Redrive {
  const { address, message } = toRedriven(letter);
  return {
    id: letter.id,
    address,
    messageId: message.messageId ?? '',
    bytes: contentSize(message.body),
    violations: checkBody(letter.entity, message.body),
  };
}
