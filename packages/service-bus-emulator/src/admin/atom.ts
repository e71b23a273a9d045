/*
 * The administration API's documents: Atom entries and feeds, each entry with one description (QueueDescription,
 * RuleDescription, ...) as its content. Clients differ in which prefix they give the namespace of XMLSchema-instance, so
 * prefixes are dropped on reading: an attribute `p4:type` or `i:type` is `@type`.
 */
import { XMLParser } from 'fast-xml-parser';
import { AdminError } from './admin-error';

/** An element: its text, or its children by name with attributes as `@name` and text as `#text`. Several of a name are a list. */
export type XmlElement = string | XmlChildren;
export interface XmlChildren {
  readonly [name: string]: XmlElement | readonly XmlElement[] | undefined;
}

/** A description: `kind` is the name of its element. */
export interface Description {
  readonly kind: string;
  readonly fields: XmlChildren;
}

/** One entry of an answer. Times are milliseconds since the Unix epoch. */
export interface AtomEntry extends Description {
  /** The address of the entity as a URL without query. */
  readonly url: string;
  readonly title: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const CONNECT = 'http://schemas.microsoft.com/netservices/2010/10/servicebus/connect';
const INSTANCE = 'http://www.w3.org/2001/XMLSchema-instance';
const ATOM = 'http://www.w3.org/2005/Atom';

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  ignoreDeclaration: true,
  htmlEntities: true,
});

/** Reads the entry of a request. @throws AdminError 400 when it is none. */
export function readEntry(body: string): Description {
  const content = childrenOf(childrenOf(parse(body)['entry'])['content']);
  const [kind, ...others] = Object.keys(content).filter((name) => !name.startsWith('@') && name !== '#text');
  if (kind === undefined || others.length > 0) {
    throw new AdminError(
      400,
      `expected <entry><content> with one description in it, got ${kind === undefined ? 'none' : [kind, ...others].join(', ')}`,
    );
  }
  return { kind, fields: childrenOf(content[kind]) };
}

function parse(body: string): XmlChildren {
  if (/<!(?:DOCTYPE|ENTITY)/i.test(body)) throw new AdminError(400, 'a document type is not allowed in the body');
  try {
    return childrenOf(parser.parse(body) as XmlElement);
  } catch (error) {
    throw new AdminError(400, `the body is not XML: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The children of an element that is there once; an element with nothing but text has none. */
export function childrenOf(element: XmlElement | readonly XmlElement[] | undefined): XmlChildren {
  return element === undefined || typeof element === 'string' || isList(element) ? {} : element;
}

/** The text of an element; undefined when it is not there or said to be nil. */
export function textOf(element: XmlElement | readonly XmlElement[] | undefined): string | undefined {
  if (element === undefined || isList(element)) return undefined;
  if (typeof element === 'string') return element;
  if (element['@nil'] === 'true') return undefined;
  const text = element['#text'];
  return typeof text === 'string' ? text : '';
}

/** All elements of a name. */
export function listOf(element: XmlElement | readonly XmlElement[] | undefined): readonly XmlElement[] {
  if (element === undefined) return [];
  return isList(element) ? element : [element];
}

function isList(element: XmlElement | readonly XmlElement[]): element is readonly XmlElement[] {
  return Array.isArray(element);
}

export function writeEntry(entry: AtomEntry, query: string): string {
  return write('entry', { '@xmlns': ATOM, ...toAtom(entry, query) });
}

/** `next` is the URL of the next page, if there is one. Clients ask for both links, since a single one is no list to them. */
export function writeFeed(
  feed: { readonly url: string; readonly title: string; readonly updatedAt: number; readonly next?: string },
  entries: readonly AtomEntry[],
  query: string,
): string {
  return write('feed', {
    '@xmlns': ATOM,
    title: { '@type': 'text', '#text': feed.title },
    id: feed.url + query,
    updated: toTime(feed.updatedAt),
    link: [
      { '@rel': 'self', '@href': feed.url + query },
      ...(feed.next === undefined ? [] : [{ '@rel': 'next', '@href': feed.next }]),
    ],
    entry: entries.map((entry) => toAtom(entry, query)),
  });
}

/** An error as clients read it. */
export function writeError(status: number, detail: string): string {
  return write('Error', { Code: String(status), Detail: detail });
}

export function toTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function toAtom({ kind, fields, url, title, createdAt, updatedAt }: AtomEntry, query: string): XmlChildren {
  return {
    id: url + query,
    title: { '@type': 'text', '#text': title },
    published: toTime(createdAt),
    updated: toTime(updatedAt),
    link: { '@rel': 'self', '@href': url + query },
    content: {
      '@type': 'application/xml',
      [kind]: { '@xmlns': CONNECT, '@xmlns:i': INSTANCE, ...fields },
    },
  };
}

function write(name: string, element: XmlElement | readonly XmlElement[] | undefined): string {
  if (element === undefined) return '';
  if (isList(element)) return element.map((one) => write(name, one)).join('');
  if (typeof element === 'string') return `<${name}>${escape(element)}</${name}>`;
  const entries = Object.entries(element);
  const attributes = entries.filter(([key]) => key.startsWith('@'));
  const children = entries.filter(([key]) => !key.startsWith('@'));
  const start = [name, ...attributes.map(([key, value]) => `${key.slice(1)}="${escape(textOf(value) ?? '')}"`)].join(
    ' ',
  );
  const content = children.map(([key, value]) => (key === '#text' ? escape(textOf(value) ?? '') : write(key, value)));
  return children.length === 0 ? `<${start}/>` : `<${start}>${content.join('')}</${name}>`;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Characters that XML cannot hold at all (most control characters) are written as U+FFFD; a carriage return would be read as a line feed. */
function escape(text: string): string {
  return text
    .replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character)
    .replace(/\r/g, '&#xD;')
    .replace(/[^\t\n\r\u0020-\uFFFD]/g, '\uFFFD');
}
