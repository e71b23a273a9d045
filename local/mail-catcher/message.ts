import PostalMime from 'postal-mime';

/** A mail as it is kept: what it is found by, and its bytes. */
export interface StoredMessage {
  readonly id: number;
  /** ISO 8601. */
  readonly receivedAt: string;
  /** Addresses of the SMTP envelope: who it really came from and went to. */
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  /** The header as it came, with its angle brackets; empty when there was none. */
  readonly messageId: string;
  /** The bytes of the mail, each one a character. */
  readonly raw: string;
}

/** A mail as the reading API shows it. */
export interface ReadableMessage extends Omit<StoredMessage, 'raw'> {
  readonly text: string;
  readonly html?: string;
  /** By lower-case name; of a name that comes twice, the last. */
  readonly headers: Readonly<Record<string, string>>;
  /** Another mail with the same Message-ID came before. */
  readonly isDuplicate: boolean;
}

export interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
}

/** Reads subject and Message-ID out of a mail's bytes. */
export async function toIncoming(bytes: Buffer, envelope: Envelope): Promise<Omit<StoredMessage, 'id' | 'receivedAt'>> {
  const { subject = '', messageId = '' } = await PostalMime.parse(bytes);
  return { ...envelope, subject, messageId, raw: bytes.toString('latin1') };
}

export async function toReadable({ raw, ...message }: StoredMessage, isDuplicate: boolean): Promise<ReadableMessage> {
  const { text = '', html, headers } = await PostalMime.parse(Buffer.from(raw, 'latin1'));
  return {
    ...message,
    text: text.replace(/\n+$/, ''),
    ...(html === undefined ? {} : { html }),
    headers: Object.fromEntries(headers.map(({ key, value }) => [key, value])),
    isDuplicate,
  };
}
