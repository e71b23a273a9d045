/** Nobody means to send more than this to the app in one piece. */
export const MAX_BODY_BYTES = 1_000_000;

export type DecodedJson =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string };

/** Bytes that should be JSON in UTF-8; `message` says what they are instead. */
export function decodeJson(bytes: Uint8Array): DecodedJson {
  const text = decodeText(bytes);
  if (text === undefined) return { ok: false, message: 'expected JSON in UTF-8, got other bytes' };
  if (text.trim() === '') return { ok: false, message: 'expected a JSON body, got nothing' };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, message: `expected JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** Nothing but white space. */
export function isBlank(bytes: Uint8Array): boolean {
  return decodeText(bytes)?.trim() === '';
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
