import type { HttpHandler } from '@azure/functions';
import { answering } from './problem';

/**
 * `GET /api/version`: which build answers, and the version with which each saga is started. A deployment knows by it that
 * the new version answers, and not the old one for a little longer.
 */
export function showVersion(deps: {
  readonly build: () => Promise<string>;
  readonly sagas: readonly { readonly name: string; readonly version: string }[];
}): HttpHandler {
  const sagas = Object.fromEntries(deps.sagas.map(({ name, version }) => [name, version]));
  return answering(async () => ({ jsonBody: { build: await deps.build(), sagas } }));
}
