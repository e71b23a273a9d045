import { messageOf } from '../definition/failure';
import { checkKey, toStored } from './ledger';
import type { DeadMessage, OutboxMessage, OutboxOptions, OutgoingMessage, Published, Publisher } from './outbox';
import type { RelayOptions, RelayRound } from './outbox';
import { nextDelay, planRetries } from '../definition/retry';
import type { RetryPlan } from '../definition/retry';

/** What of a relay's round is the same for every store. */

/** A message that a relay has taken, the first of its ordering key or right behind another that it has taken. */
export interface Taken {
  readonly message: OutgoingMessage;
  /** When it may be tried. */
  readonly nextAt: Date;
}

/** What is to be noted of a message after a round. */
export type Noted =
  | { readonly id: string; readonly state: 'sent' }
  | { readonly id: string; readonly state: 'pending'; readonly error: string; readonly nextAt: Date }
  | { readonly id: string; readonly state: 'dead'; readonly error: string; readonly reason: DeadMessage['reason'] };

export interface CheckedMessage {
  readonly payload: string;
  readonly headers: string;
}

/** Throws for what can't be kept; gives the texts to store. */
export function checkMessage({ id, topic, orderingKey, payload, headers = {} }: OutboxMessage): CheckedMessage {
  checkKey(id, 'message id');
  checkKey(topic, 'topic');
  if (orderingKey !== undefined) checkKey(orderingKey, 'ordering key');
  const text = toStored(payload);
  if (text === undefined) throw new TypeError(`message '${id}': expected a payload that JSON has a text for`);
  return { payload: text, headers: JSON.stringify(headers) };
}

export function planOutboxRetries({ retry }: OutboxOptions): RetryPlan {
  return planRetries('forward', retry ?? {}, 'outbox');
}

export function limitsOf({ limit = 100, within = 10_000 }: RelayOptions): Required<RelayOptions> {
  if (!(limit >= 1)) throw new RangeError(`relay: expected a limit of 1 or more, got ${limit}`);
  return { limit, within };
}

/**
 * Publishes what was taken, in waves: of each ordering key one message, the next one only after that was sent. A
 * message without an ordering key is in the first wave.
 */
export async function publishInWaves(
  publisher: Publisher,
  taken: readonly Taken[],
  { clock, within, retries }: { clock: () => Date; within: number; retries: RetryPlan },
): Promise<Noted[]> {
  const startedAt = clock().getTime();
  const noted: Noted[] = [];
  let lanes = toLanes(taken);
  while (lanes.length > 0) {
    const results = await publish(
      publisher,
      lanes.map(([first]) => first.message),
    );
    const next: Lane[] = [];
    for (const [n, [{ message }, ...behind]] of lanes.entries()) {
      const note = toNote(message, results[n], clock(), retries);
      noted.push(note);
      if (note.state === 'pending' || !isLane(behind)) continue;
      if (behind[0].nextAt <= clock()) next.push(behind);
    }
    if (clock().getTime() - startedAt >= within) break;
    lanes = next;
  }
  return noted;
}

export function countRound(taken: number, noted: readonly Noted[]): RelayRound {
  const count = (state: Noted['state']): number => noted.filter((note) => note.state === state).length;
  return { taken, sent: count('sent'), failed: count('pending'), dead: count('dead') };
}

type Lane = readonly [Taken, ...Taken[]];

function isLane(messages: readonly Taken[]): messages is Lane {
  return messages.length > 0;
}

function toLanes(taken: readonly Taken[]): Lane[] {
  const lanes = new Map<string | symbol, Taken[]>();
  for (const one of taken) {
    const lane = one.message.orderingKey ?? Symbol(one.message.id);
    const behind = lanes.get(lane);
    if (behind === undefined) lanes.set(lane, [one]);
    else behind.push(one);
  }
  return [...lanes.values()].flatMap((messages) => (isLane(messages) ? [messages] : []));
}

async function publish(publisher: Publisher, messages: readonly OutgoingMessage[]): Promise<readonly Published[]> {
  const all = (error: string): Published[] => messages.map(() => ({ ok: false, error }));
  try {
    const results = await publisher.publish(messages);
    if (results.length === messages.length) return results;
    return all(`expected ${messages.length} results of the publisher, got ${results.length}`);
  } catch (error) {
    return all(messageOf(error));
  }
}

function toNote(message: OutgoingMessage, result: Published | undefined, now: Date, retries: RetryPlan): Noted {
  const { id, attempt, putAt } = message;
  if (result === undefined) throw new Error(`no result for message '${id}'`);
  if (result.ok) return { id, state: 'sent' };
  const { error, refused = false } = result;
  if (refused) return { id, state: 'dead', error, reason: 'refused' };
  const delay = nextDelay(retries, {
    key: id,
    attempt,
    elapsed: now.getTime() - putAt.getTime(),
    failure: { kind: 'error', code: 'notPublished', message: error, retriable: true, effect: 'unknown' },
  });
  if (delay === undefined) return { id, state: 'dead', error, reason: 'exhausted' };
  return { id, state: 'pending', error, nextAt: new Date(now.getTime() + delay) };
}
