import type { FedEvent, HistoryEvent, HistoryTurn } from './history';

/**
 * A turn is stored as `{"v":1,"at":<time>,"events":[...]}`. Payloads (results, inputs) are JSON already and are set into
 * the text as they are, so that nothing is quoted twice; reading them back parses the whole and writes each payload out
 * again, which gives the same value. The version is checked on reading: an unknown one is an error, never a guess.
 */
const FORMAT = 1;

export function encodeTurn(at: number, events: readonly HistoryEvent[]): string {
  return `{"v":${FORMAT},"at":${at},"events":[${events.map(encodeEvent).join(',')}]}`;
}

function encodeEvent(event: HistoryEvent): string {
  switch (event.kind) {
    case 'activityCompleted':
    case 'childCompleted':
      return `{"kind":"${event.kind}","id":${event.id},"result":${event.result}}`;
    case 'activityScheduled':
      return `{"kind":"activityScheduled","id":${event.id},"name":${JSON.stringify(event.name)},"input":${event.input}${
        event.retry === undefined ? '' : `,"retry":${JSON.stringify(event.retry)}`
      }}`;
    case 'childCreated':
    case 'eventRaised': {
      const { input, ...rest } = event;
      return `${JSON.stringify(rest).slice(0, -1)},"input":${input}}`;
    }
    default:
      return JSON.stringify(event);
  }
}

/** Reads a stored turn back. Throws when the text is damaged or of another format. */
export function decodeTurn(turn: number, text: string): HistoryTurn {
  const { at, events } = parseTurn(turn, text);
  return { turn, at, events: events.map(decodeEvent) };
}

interface StoredTurn {
  readonly v?: unknown;
  readonly at: number;
  readonly events: StoredEvent[];
}

/** As an event is in the stored text: payloads are values there. */
type StoredEvent = { readonly kind: HistoryEvent['kind'] } & Readonly<Record<string, unknown>>;

function parseTurn(turn: number, text: string): StoredTurn {
  let stored: StoredTurn;
  try {
    stored = JSON.parse(text) as StoredTurn;
  } catch (error) {
    throw new Error(`Turn ${turn} can't be read: ${(error as Error).message}`, { cause: error });
  }
  if (stored.v !== FORMAT) {
    throw new Error(`Turn ${turn} has history format ${JSON.stringify(stored.v)}; this host reads format ${FORMAT}.`);
  }
  if (typeof stored.at !== 'number' || !Array.isArray(stored.events)) {
    throw new Error(`Turn ${turn} can't be read: expected a time and a list of events.`);
  }
  return stored;
}

const payloadOf: Partial<Record<HistoryEvent['kind'], 'result' | 'input'>> = {
  activityCompleted: 'result',
  childCompleted: 'result',
  activityScheduled: 'input',
  childCreated: 'input',
  eventRaised: 'input',
};

function decodeEvent(stored: StoredEvent): HistoryEvent {
  const payload = payloadOf[stored.kind];
  if (payload === undefined) return stored as unknown as FedEvent;
  return { ...stored, [payload]: JSON.stringify(stored[payload]) } as unknown as FedEvent;
}
