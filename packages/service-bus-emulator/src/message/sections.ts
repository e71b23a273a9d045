import { MessageFormatError, skipValue } from './decode';

/** The sections of an AMQP message by the code of their descriptor, in the order in which they stand. */
export const SECTION = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const;

/** A time-to-live that does not fit the header is told there as this, and as expiry and creation in the properties. */
export const LONGEST_TTL = 0xffff_ffff;

/** The sections by name, for senders that write the symbolic descriptor. */
const BY_SYMBOL = new Map<string, number>([
  ['amqp:header:list', SECTION.header],
  ['amqp:delivery-annotations:map', SECTION.deliveryAnnotations],
  ['amqp:message-annotations:map', SECTION.messageAnnotations],
  ['amqp:properties:list', SECTION.properties],
  ['amqp:application-properties:map', SECTION.applicationProperties],
  ['amqp:data:binary', SECTION.data],
  ['amqp:amqp-sequence:list', SECTION.sequence],
  ['amqp:value:*', SECTION.value],
  ['amqp:footer:map', SECTION.footer],
]);

function descriptor(bytes: Buffer, at: number): number | undefined {
  switch (bytes[at]) {
    case 0x53:
      return bytes[at + 1];
    case 0x80:
      return at + 9 <= bytes.length && bytes.readUInt32BE(at + 1) === 0 ? bytes.readUInt32BE(at + 5) : undefined;
    case 0xa3:
      return BY_SYMBOL.get(bytes.toString('latin1', at + 2, skipValue(bytes, at)));
    default:
      return undefined;
  }
}

/** One section: its code, where its value begins (behind the descriptor), where it ends. Reused from call to call. */
export interface Section {
  code: number;
  valueAt: number;
  end: number;
}

/** Reads which section begins at `at` into `section`. */
export function readSection(bytes: Buffer, at: number, section: Section): void {
  if (bytes[at] !== 0x00) {
    throw new MessageFormatError(
      `malformed AMQP message: expected a section at byte ${at}, got 0x${(bytes[at] ?? 0).toString(16).padStart(2, '0')}`,
    );
  }
  const code = descriptor(bytes, at + 1);
  if (code === undefined || code < SECTION.header || code > SECTION.footer) {
    throw new MessageFormatError(
      `malformed AMQP message: expected a section from header (0x70) to footer (0x78) at byte ${at}, got ${code === undefined ? 'another descriptor' : `0x${code.toString(16)}`}`,
    );
  }
  section.code = code;
  section.valueAt = skipValue(bytes, at + 1);
  section.end = skipValue(bytes, section.valueAt);
}
