import type { TimerHandler } from '@azure/functions';

interface Deps {
  /** Publishes what is due; tells how much there was, and how much of it is to be tried again. */
  readonly relay: {
    relay(): Promise<{ readonly sent: number; readonly failed: number; readonly dead: number }>;
  };
}

/** Each minute: publishes the events that the relay after a commit left behind, since it failed or its host died. */
export function relayEvents({ relay }: Deps): TimerHandler {
  return async (_timer, context) => {
    const { sent, failed, dead } = await relay.relay();
    if (sent + failed + dead > 0) context.info(`published ${sent} events, ${failed} failed, ${dead} were given up`);
  };
}
