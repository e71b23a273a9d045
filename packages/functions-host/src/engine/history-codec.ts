import { crc32 } from 'node:zlib';
import type { FedEvent, HistoryEvent, HistoryTurn } from './history';

/**
 * A turn is stored as `{"v":2,"crc":<checksum>,"at":<time>,"events":[...]}`. Payloads (results, inputs) are JSON already
 * and are set into the text as they are, so that nothing is quoted twice; reading them back parses the whole and writes
 * each payload out again, which gives the same value.
 *
 * The checksum is the CRC-32 of the turn's number and all that follows the checksum, and costs a fraction of a
 * microsecond. A text that does not fit it, a format or a kind of event that this host doesn't know are errors, never a
 * guess. Format 1 is the same without a checksum.
 */
const FORMAT = 2;
const FORMAT_WITHOUT_CHECKSUM = 1;

export function encodeTurn({ turn, at, events }: HistoryTurn): string {
  const rest = `"at":${at},"events":[${events.map(encodeEvent).join(',')}]}`;
  return `{"v":${FORMAT},"crc":${checksum(turn, rest)},${rest}`;
}

function checksum(turn: number, rest: string): number {
  return crc32(rest, turn);
}

function encodeEvent(event: HistoryEvent): string {
  switch (event.kind) {
    case 'activityCompleted':
    case 'childCompleted':
      return `{"kind":"${event.kind}","id":${event.id},"result":${event.result}}`;
    case 'activityScheduled':
      return `{"kind":"activityScheduled","id":${event.id},"name":${JSON.stringify(event.name)},"input":${event.input}${
        event.retry === undefined ? '' : `,"retry":${JSON.stringify(event.retry)}`
      }${event.after === undefined ? '' : `,"after":${event.after}`}}`;
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
  return { turn, at, events: events.map((event) => decodeEvent(turn, event)) };
}

interface StoredTurn {
  readonly v?: unknown;
  readonly crc?: unknown;
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
  if (stored.v === FORMAT) {
    requireChecksum(turn, text, stored.crc);
  } else if (stored.v !== FORMAT_WITHOUT_CHECKSUM) {
    throw new Error(
      `Turn ${turn} has history format ${JSON.stringify(stored.v)}; this host reads formats up to ${FORMAT}.`,
    );
  }
  if (typeof stored.at !== 'number' || !Array.isArray(stored.events)) {
    throw new Error(`Turn ${turn} can't be read: expected a time and a list of events.`);
  }
  return stored;
}

function requireChecksum(turn: number, text: string, stored: unknown): void {
  const found = checksum(turn, text.slice(text.indexOf(',"at":') + 1));
  if (stored === found) return;
  throw new Error(
    `Turn ${turn} is damaged: its text has checksum ${found}, and ${JSON.stringify(stored)} was stored with it.`,
  );
}

/** Every kind of event, with the property that holds JSON. */
const payloadOf: Record<HistoryEvent['kind'], 'result' | 'input' | undefined> = {
  executionStarted: undefined,
  activityScheduled: 'input',
  activityCompleted: 'result',
  activityFailed: undefined,
  timerCreated: undefined,
  timerFired: undefined,
  timerCancelled: undefined,
  entityCalled: undefined,
  entityAnswered: undefined,
  entitySignalled: undefined,
  entitiesLocked: undefined,
  lockGranted: undefined,
  entitiesReleased: undefined,
  childCreated: 'input',
  childCompleted: 'result',
  childFailed: undefined,
  eventRaised: 'input',
  suspended: undefined,
  resumed: undefined,
  terminated: undefined,
  completed: undefined,
  failed: undefined,
  rewound: undefined,
  lockRegained: undefined,
};

function decodeEvent(turn: number, stored: StoredEvent): HistoryEvent {
  if (!Object.hasOwn(payloadOf, stored.kind)) {
    throw new Error(`Turn ${turn} has an event of kind ${JSON.stringify(stored.kind)}, which this host doesn't know.`);
  }
  const payload = payloadOf[stored.kind];
  if (payload === undefined) return stored as unknown as FedEvent;
  return { ...stored, [payload]: JSON.stringify(stored[payload]) } as unknown as FedEvent;
}
