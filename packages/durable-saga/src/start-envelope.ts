/** What the typed client starts a saga with: the author's input, and the version that it was started as. */
export interface StartEnvelope {
  readonly $saga: { readonly version: string };
  readonly input: unknown;
}

/** Version of instances that were started by something that stamps none. */
export const UNVERSIONED = '0';

/** Reads what an instance was started with, by the typed client or by a plain durable client (the bare input). */
export function readStart(
  start: unknown,
  hostVersion: string | undefined,
): { readonly version: string; readonly input: unknown } {
  if (typeof start === 'object' && start !== null && '$saga' in start) {
    const { $saga: stamp, input } = start as { $saga: unknown; input?: unknown };
    if (typeof stamp === 'object' && stamp !== null && 'version' in stamp && typeof stamp.version === 'string') {
      return { version: stamp.version, input };
    }
  }
  return { version: hostVersion ?? UNVERSIONED, input: start };
}
