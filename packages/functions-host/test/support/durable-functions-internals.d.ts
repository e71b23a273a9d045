/** The factories behind `df.app.orchestration` and `df.app.entity`; the library ships no types for them. */
declare module 'durable-functions/lib/src/util/testingUtils' {
  import type { EntityHandler, OrchestrationHandler } from 'durable-functions';
  export function createOrchestrator(
    handler: OrchestrationHandler,
  ): (trigger: unknown, context: unknown) => Promise<unknown>;
  export function createEntityFunction(
    handler: EntityHandler<unknown>,
  ): (trigger: unknown, context: unknown) => Promise<unknown>;
}
