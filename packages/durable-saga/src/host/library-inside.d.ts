/** Parts of durable-functions that it has no types for; `library-executor.ts` says what they are. */
declare module 'durable-functions/lib/src/orchestrations/TaskOrchestrationExecutor' {
  export const TaskOrchestrationExecutor: unknown;
}
declare module 'durable-functions/lib/src/orchestrations/DurableOrchestrationContext' {
  export const DurableOrchestrationContext: unknown;
}
declare module 'durable-functions/lib/src/orchestrations/Orchestrator' {
  export const Orchestrator: unknown;
}
