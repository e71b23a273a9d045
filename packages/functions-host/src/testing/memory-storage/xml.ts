/** A text as it stands between tags. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (found) => `&${entities[found] ?? ''};`);
}

const entities: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot' };

/** `<tag>text</tag>`; nothing at all without a text. */
export function element(tag: string, text: string | number | undefined): string {
  return text === undefined ? '' : `<${tag}>${escapeXml(String(text))}</${tag}>`;
}

/** A whole document. */
export function xmlDocument(content: string): string {
  return `<?xml version="1.0" encoding="utf-8"?>${content}`;
}

/** Texts of all elements with one of these names, in order; for the few flat documents that clients send. */
export function readElements(
  xml: string,
  names: readonly string[],
): { readonly name: string; readonly text: string }[] {
  const pattern = new RegExp(`<(${names.join('|')})(?:\\s[^>]*)?(?:/>|>([\\s\\S]*?)</\\1>)`, 'g');
  return [...xml.matchAll(pattern)].map(([, name = '', text = '']) => ({ name, text: unescapeXml(text) }));
}

function unescapeXml(text: string): string {
  const cdata = /^\s*<!\[CDATA\[([\s\S]*)\]\]>\s*$/.exec(text);
  if (cdata !== null) return cdata[1] ?? '';
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (found, decimal?: string, hex?: string, name?: string) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
    return characters[name ?? ''] ?? found;
  });
}

const characters: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
