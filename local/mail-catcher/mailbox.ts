import { openJournal, type Position } from '../stand-in/journal';
import type { StoredMessage } from './message';

/** All mails that were received. Memory holds what they are found by; the mails themselves are read from the file. */
export interface Mailbox {
  /** Keeps a mail; when this returns it survives the end of the process. */
  add(message: Omit<StoredMessage, 'id'>): StoredMessage;
  find(id: number): KeptMessage | undefined;
  /** By id from `after` on, oldest first. */
  list(query: MailQuery): readonly KeptMessage[];
  summarise(filter: MailFilter): MailSummary;
  clear(): void;
  close(): void;
}

export interface KeptMessage {
  readonly message: StoredMessage;
  readonly isDuplicate: boolean;
}

interface MailFilter {
  /** One of the recipients, whatever its case. */
  readonly to: string | undefined;
  readonly messageId: string | undefined;
}

interface MailQuery extends MailFilter {
  readonly after: number;
  readonly limit: number;
}

export interface MailSummary {
  readonly messages: number;
  /** Mails without a Message-ID count as one each. */
  readonly distinctMessageIds: number;
}

interface Entry {
  readonly id: number;
  readonly to: readonly string[];
  readonly messageId: string;
  readonly isDuplicate: boolean;
  readonly position: Position;
}

/** Opens the mailbox's file, or makes it. Throws when it can't be read. */
export function openMailbox(file: string): Mailbox {
  let entries: Entry[] = [];
  let seen = new Set<string>();
  const take = ({ id, to, messageId }: StoredMessage, position: Position): void => {
    const addresses = to.map((address) => address.toLowerCase());
    entries.push({ id, to: addresses, messageId, isDuplicate: seen.has(messageId), position });
    if (messageId !== '') seen.add(messageId);
  };
  const journal = openJournal<StoredMessage>({ file, format: 'mail-catcher/1', replay: take });
  const toKept = ({ position, isDuplicate }: Entry): KeptMessage => ({ message: journal.read(position), isDuplicate });
  return {
    add(incoming) {
      const message: StoredMessage = { id: (entries.at(-1)?.id ?? 0) + 1, ...incoming };
      take(message, journal.append(message));
      return message;
    },
    find(id) {
      const entry = entries[id - 1];
      return entry === undefined ? undefined : toKept(entry);
    },
    list({ after, limit, ...filter }) {
      const found: KeptMessage[] = [];
      const matches = toMatcher(filter);
      for (let index = after; index < entries.length && found.length < limit; index += 1) {
        const entry = entries[index]!;
        if (matches(entry)) found.push(toKept(entry));
      }
      return found;
    },
    summarise(filter) {
      const matching = entries.filter(toMatcher(filter));
      const named = matching.filter(({ messageId }) => messageId !== '').map(({ messageId }) => messageId);
      return {
        messages: matching.length,
        distinctMessageIds: new Set(named).size + matching.length - named.length,
      };
    },
    clear() {
      journal.clear();
      entries = [];
      seen = new Set();
    },
    close: () => journal.close(),
  };
}

function toMatcher({ to, messageId }: MailFilter): (entry: Entry) => boolean {
  const address = to?.toLowerCase();
  return (entry) =>
    (address === undefined || entry.to.includes(address)) && (messageId === undefined || entry.messageId === messageId);
}
