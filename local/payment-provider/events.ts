/**
 * What the provider tells after its answer, in the form of Stripe's events: that a bank takes its time, and what it decided.
 *
 * An event is in the journal with the change that it tells of, and is sent until it is taken, after a restart too. That it was
 * taken is noted after that, so a process that dies in between sends it again, under the same id: at least once, as Stripe does.
 */
import type { Alarms } from '../stand-in/alarms';
import type { Intent } from './intent';
import { toPaymentIntent } from './stripe-objects';

/** What the journal keeps of an event; the rest of it is the intent as the change left it. */
export interface EventNote {
  readonly id: string;
  readonly type: string;
  /** Seconds since the Unix epoch. */
  readonly created: number;
}

/** An event as it is sent. */
export interface ProviderEvent extends EventNote {
  readonly object: 'event';
  readonly livemode: false;
  readonly data: { readonly object: Readonly<Record<string, unknown>> };
}

/** Resolves when whoever brings events on has taken it. */
export type Publish = (event: ProviderEvent, orderId: string | undefined) => Promise<void>;

/** The event about a change of the intent; undefined if it is none that is told: the bank has not begun or ended its thinking. */
export function toNote(before: Intent | undefined, after: Intent, created: number): EventNote | undefined {
  if (before?.isUndecided === after.isUndecided) return undefined;
  const number = before === undefined ? 1 : 2;
  return { id: `evt_${after.id.slice('pi_'.length)}_${number}`, type: toType(after), created };
}

function toType({ status }: Intent): string {
  switch (status) {
    case 'processing':
      return 'payment_intent.processing';
    case 'requires_capture':
      return 'payment_intent.amount_capturable_updated';
    case 'requires_payment_method':
      return 'payment_intent.payment_failed';
    case 'succeeded':
      return 'payment_intent.succeeded';
    case 'canceled':
      return 'payment_intent.canceled';
  }
}

/** An event as people and tests read it. */
interface NumberedEvent extends ProviderEvent {
  readonly number: number;
  readonly orderId: string | undefined;
  readonly isTold: boolean;
}

export interface Events {
  /** Sends it until it is taken. */
  add(note: EventNote, intent: Intent): void;
  /** Keeps it from being sent: it was taken. */
  markTold(id: string): void;
  /** Sends it once more. False when there is no such event. */
  resend(id: string): boolean;
  /** Oldest first, by number from `after` on. */
  list(after: number, limit: number, orderId: string | undefined): readonly NumberedEvent[];
}

interface Deps {
  readonly publish: Publish;
  readonly alarms: Alarms;
  /** Called when an event was taken, to be kept. */
  readonly onTold: (id: string) => void;
}

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;

export function createEvents({ publish, alarms, onTold }: Deps): Events {
  const events: { readonly event: ProviderEvent; readonly orderId: string | undefined }[] = [];
  const numbers = new Map<string, number>();
  const told = new Set<string>();

  const tell = (id: string, pause = FIRST_WAIT_MS): void => {
    const { event, orderId } = events[numbers.get(id)!]!;
    publish(event, orderId).then(
      () => {
        if (!told.has(id)) onTold(id);
      },
      (error: unknown) => {
        console.warn(`payment provider: event ${id} could not be sent and is sent again:`, error);
        alarms.set(id, pause, () => tell(id, Math.min(2 * pause, LONGEST_WAIT_MS)));
      },
    );
  };
  return {
    add(note, intent) {
      const event = { ...note, object: 'event', livemode: false, data: { object: toPaymentIntent(intent) } } as const;
      numbers.set(note.id, events.length);
      events.push({ event, orderId: intent.metadata['orderId'] });
      // Not at once: the journal that is being read may say that it was taken.
      alarms.set(note.id, 0, () => tell(note.id));
    },
    markTold(id) {
      told.add(id);
      alarms.cancel(id);
    },
    resend(id) {
      if (!numbers.has(id)) return false;
      tell(id);
      return true;
    },
    list(after, limit, orderId) {
      const all = events.map(({ event, orderId: of }, index) => ({
        ...event,
        number: index + 1,
        orderId: of,
        isTold: told.has(event.id),
      }));
      return all
        .slice(after)
        .filter((event) => orderId === undefined || event.orderId === orderId)
        .slice(0, limit);
    },
  };
}
