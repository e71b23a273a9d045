/*
 * A shared access signature says: whoever holds the key `skn` lets its bearer use the resource `sr` until `se`. It is the
 * HMAC-SHA256 under that key of the text `<sr as it stands in the token>\n<se>`, in base64. Clients differ in how they
 * write `sr` (which case, which scheme, with a query or not), so it is signed as it came and only then read.
 *
 * A token for a resource is good for all that lies below it: one for the namespace opens every queue. The host's name
 * is not compared, since one emulator answers to several (localhost, 127.0.0.1, with and without a port).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from './clock';

/** A shared access key of the namespace. It grants everything: send, listen and manage. */
export interface SasKey {
  readonly name: string;
  readonly key: string;
}

/** `expiresAt` is in milliseconds since the Unix epoch. `reason` says what was wrong, and never holds the token. */
export type TokenDecision =
  { readonly ok: true; readonly expiresAt: number } | { readonly ok: false; readonly reason: string };

/**
 * Does a token open a resource? `token` is a whole `SharedAccessSignature sr=...&sig=...&se=...&skn=...`, `resource` an
 * entity's address or a URL of the namespace (`orders`, `sb://localhost:5672/orders`).
 */
export type TokenCheck = (token: string, resource: string) => TokenDecision;

const SCHEME = 'SharedAccessSignature ';

/** Checks signature, expiry and audience against the keys. Without keys every token opens everything, even an empty one. */
export function createTokenCheck(keys: readonly SasKey[] | undefined, clock: Clock): TokenCheck {
  if (keys === undefined) return () => ({ ok: true, expiresAt: Infinity });
  const byName = new Map(keys.map(({ name, key }) => [name.toLowerCase(), key]));
  return (token, resource) => {
    const fields = readFields(token);
    if (fields === undefined) return refuse('expected "SharedAccessSignature sr=...&sig=...&se=...&skn=..."');
    const key = byName.get(fields.keyName.toLowerCase());
    if (key === undefined) return refuse(`there is no key named ${JSON.stringify(fields.keyName)}`);
    if (!isSignedWith(key, fields)) return refuse(`the signature is not one of key ${JSON.stringify(fields.keyName)}`);
    const expiresAt = Number(fields.expiry) * 1000;
    if (!(expiresAt > clock.now())) return refuse(`the token expired at ${describeTime(expiresAt)}`);
    if (!covers(fields.audience, resource)) {
      return refuse(`the token is for "${toPath(decode(fields.audience))}", not for "${toPath(resource)}"`);
    }
    return { ok: true, expiresAt };
  };
}

interface TokenFields {
  /** As it stands in the token, still encoded: that is what was signed. */
  readonly audience: string;
  readonly signature: string;
  /** Seconds since the Unix epoch. */
  readonly expiry: string;
  readonly keyName: string;
}

function readFields(token: string): TokenFields | undefined {
  if (!token.startsWith(SCHEME)) return undefined;
  const fields = new Map<string, string>();
  for (const part of token.slice(SCHEME.length).split('&')) {
    const at = part.indexOf('=');
    if (at > 0) fields.set(part.slice(0, at), part.slice(at + 1));
  }
  const [audience, signature, expiry, keyName] = ['sr', 'sig', 'se', 'skn'].map((name) => fields.get(name));
  if (!audience || !signature || !expiry || !keyName) return undefined;
  return { audience, signature: decode(signature), expiry, keyName: decode(keyName) };
}

function isSignedWith(key: string, { audience, expiry, signature }: TokenFields): boolean {
  const expected = createHmac('sha256', key).update(`${audience}\n${expiry}`).digest();
  const given = Buffer.from(signature, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function covers(audience: string, resource: string): boolean {
  const granted = toPath(decode(audience));
  return granted === '' || `${toPath(resource)}/`.startsWith(`${granted}/`);
}

/** `sb://localhost:5672/Orders/?api-version=1` -> `orders`; an address without a scheme is a path already. */
function toPath(resource: string): string {
  const [address = ''] = resource.toLowerCase().split('?');
  const withoutHost = /^[a-z]+:\/\//.test(address) ? address.replace(/^[a-z]+:\/\/[^/]*/, '') : address;
  return withoutHost.replace(/^\/+|\/+$/g, '');
}

/** A text that is not properly encoded stays as it is; it then fails to match, which is the answer that it deserves. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function describeTime(milliseconds: number): string {
  return Number.isFinite(milliseconds) && Math.abs(milliseconds) <= 8.64e15
    ? new Date(milliseconds).toISOString()
    : 'a time that is none';
}

function refuse(reason: string): TokenDecision {
  return { ok: false, reason };
}
