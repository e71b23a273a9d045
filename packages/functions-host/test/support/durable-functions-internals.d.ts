/** The factory behind `df.app.orchestration`; the library ships no types for it. */
declare module 'durable-functions/lib/src/util/testingUtils' {
  import type { OrchestrationHandler } from 'durable-functions';
  export function createOrchestrator(
    handler: OrchestrationHandler,
  ): (trigger: unknown, context: unknown) => Promise<unknown>;
}
