import { type AmqpValue, asText, eachItem, readValue } from './decode';
import { AmqpWriter, type EncodableValue } from './encode';
import { readSection, type Section, SECTION } from './sections';

/** Properties of the content by the names that Azure's documentation gives them. Ids that are numbers or uuids come as text. */
export interface ContentSystemProperties {
  MessageId?: string;
  To?: string;
  Label?: string;
  ReplyTo?: string;
  CorrelationId?: string;
  ContentType?: string;
  SessionId?: string;
  ReplyToSessionId?: string;
}

/** The place of each property in the AMQP properties list. */
const FIELD = {
  MessageId: 0,
  To: 2,
  Label: 3,
  ReplyTo: 4,
  CorrelationId: 5,
  ContentType: 6,
  SessionId: 10,
  ReplyToSessionId: 12,
} as const satisfies Record<keyof ContentSystemProperties, number>;
const FIELDS = Object.entries(FIELD) as [keyof ContentSystemProperties, number][];
const FIELD_COUNT = 13;

/** Where the properties, the application properties and what follows them stand in a content; -1: not there. */
function findSections(content: Buffer): { properties: number; application: number; rest: number } {
  const found = { properties: -1, application: -1, rest: content.length };
  const section: Section = { code: 0, valueAt: 0, end: 0 };
  for (let at = 0; at < content.length; at = section.end) {
    readSection(content, at, section);
    if (section.code === SECTION.properties) found.properties = section.valueAt;
    else if (section.code === SECTION.applicationProperties) found.application = section.valueAt;
    else {
      found.rest = at;
      break;
    }
  }
  return found;
}

/** What {@link readProperties} gives: each side is decoded when it is first asked for. */
export class ContentProperties {
  readonly #content: Buffer;
  readonly #at: { properties: number; application: number };
  #system: ContentSystemProperties | undefined;
  #application: Record<string, AmqpValue> | undefined;

  constructor(content: Buffer) {
    this.#content = content;
    this.#at = findSections(content);
  }

  get system(): ContentSystemProperties {
    return (this.#system ??= this.#readSystem());
  }

  #readSystem(): ContentSystemProperties {
    const system: ContentSystemProperties = {};
    if (this.#at.properties < 0) return system;
    eachItem(this.#content, this.#at.properties, 'a list for the properties', (index, from) => {
      const field = FIELDS.find(([, place]) => place === index);
      const value = field === undefined ? undefined : asText(readValue(this.#content, from));
      if (field !== undefined && value !== undefined) system[field[0]] = value;
    });
    return system;
  }

  /** By name as the sender wrote it; an object without prototype. */
  get application(): Record<string, AmqpValue> {
    return (this.#application ??= this.#readApplication());
  }

  #readApplication(): Record<string, AmqpValue> {
    const application = Object.create(null) as Record<string, AmqpValue>;
    if (this.#at.application < 0) return application;
    let key = '';
    eachItem(this.#content, this.#at.application, 'a map for the application properties', (index, from) => {
      const value = readValue(this.#content, from);
      if (index % 2 === 0) key = asText(value) ?? '';
      else application[key] = value;
    });
    return application;
  }
}

/** System and application properties of a message's content. Throws {@link MessageFormatError}. */
export const readProperties = (content: Buffer): ContentProperties => new ContentProperties(content);

/** What {@link changeProperties} writes into a content. */
export interface PropertyChanges {
  /** Null removes; names that are no properties of the content (PartitionKey, TimeToLive, …) are the broker's and are left out. */
  readonly system?: Readonly<Partial<Record<keyof ContentSystemProperties, string | null>>>;
  /** Undefined removes. */
  readonly application?: Readonly<Record<string, EncodableValue | undefined>>;
}

function writeProperties(writer: AmqpWriter, content: Buffer, at: number, changes: PropertyChanges['system']): void {
  const fields: (Buffer | undefined)[] = new Array<undefined>(FIELD_COUNT).fill(undefined);
  if (at >= 0) {
    eachItem(content, at, 'a list for the properties', (index, from, to) => {
      if (index < FIELD_COUNT) fields[index] = content.subarray(from, to);
    });
  }
  const mark = writer.open(SECTION.properties, 'list');
  for (let index = 0; index < FIELD_COUNT; index++) {
    const changed = FIELDS.find(([name, place]) => place === index && changes?.[name] !== undefined);
    const value = changed === undefined ? undefined : changes?.[changed[0]];
    const kept = fields[index];
    if (typeof value === 'string') {
      if (index === FIELD.ContentType) writer.symbol(value);
      else writer.string(value);
    } else if (value === undefined && kept !== undefined) writer.raw(kept);
    else writer.byte(0x40);
  }
  writer.close(mark, FIELD_COUNT);
}

function writeApplication(
  writer: AmqpWriter,
  content: Buffer,
  at: number,
  changes: Record<string, EncodableValue | undefined>,
): void {
  const mark = writer.open(SECTION.applicationProperties, 'map');
  let count = 0;
  let name = '';
  let keyAt = 0;
  if (at >= 0) {
    eachItem(content, at, 'a map for the application properties', (index, from, to) => {
      if (index % 2 === 0) {
        name = asText(readValue(content, from)) ?? '';
        keyAt = from;
      } else if (!Object.hasOwn(changes, name)) {
        writer.raw(content.subarray(keyAt, to));
        count += 2;
      }
    });
  }
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) continue;
    writer.string(key);
    writer.value(value);
    count += 2;
  }
  writer.close(mark, count);
}

/** A copy of `content` with other properties; what is not named keeps its bytes. Throws {@link MessageFormatError}. */
export function changeProperties(content: Buffer, changes: PropertyChanges): Buffer {
  const at = findSections(content);
  const writer = new AmqpWriter(content.length + 256);
  writeProperties(writer, content, at.properties, changes.system);
  writeApplication(writer, content, at.application, changes.application ?? {});
  writer.raw(content.subarray(at.rest));
  return Buffer.from(writer.take());
}
