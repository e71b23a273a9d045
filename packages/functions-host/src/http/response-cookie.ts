import type { HttpCookieData } from '../app/typed-data';

const sameSiteNames = { lax: 'lax', strict: 'strict', explicitNone: 'none' } as const;

/** One `Set-Cookie` value, as ASP.NET writes it: name and value percent-encoded, path `/` unless another is given. */
export function toSetCookie(cookie: HttpCookieData): string {
  const parts = [`${encodeURIComponent(cookie.name)}=${encodeURIComponent(cookie.value)}`];
  const expires = cookie.expires?.value;
  if (expires !== undefined) parts.push(`expires=${new Date(expires.seconds * 1000).toUTCString()}`);
  if (cookie.maxAge?.value !== undefined) parts.push(`max-age=${Math.trunc(cookie.maxAge.value)}`);
  if (cookie.domain?.value) parts.push(`domain=${cookie.domain.value}`);
  parts.push(`path=${cookie.path?.value ?? '/'}`);
  if (cookie.secure?.value === true) parts.push('secure');
  if (cookie.sameSite !== undefined && cookie.sameSite !== 'none') {
    parts.push(`samesite=${sameSiteNames[cookie.sameSite]}`);
  }
  if (cookie.httpOnly?.value === true) parts.push('httponly');
  return parts.join('; ');
}
