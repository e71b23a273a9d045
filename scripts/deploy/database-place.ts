import type { DatabasePlace } from '../../src/adapters/postgres-sign-in';

/** Which database it is, without who signs in. */
export function describePlace({ url }: DatabasePlace): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || '5432'}${pathname}`;
}

/** Why a database could not be used, in a line. */
export function describeFailure(error: unknown): string {
  const [first = error] = (error as { readonly errors?: readonly unknown[] }).errors ?? [];
  const { message } = first as { readonly message?: string };
  return message ?? String(first);
}
