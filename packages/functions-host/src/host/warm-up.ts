import type { FunctionRuntime } from '../app/function-runtime';
import type { Invoker } from '../app/invocation';

/**
 * Runs the app's warmup functions, once, before the host takes its first request. One that fails is in the log and keeps
 * nobody from starting.
 */
export async function warmUp(runtimes: readonly FunctionRuntime[], invoker: Invoker): Promise<void> {
  const warming = runtimes.filter(({ fn }) => fn.trigger.type === 'warmupTrigger');
  await Promise.allSettled(
    warming.map((runtime) => invoker.invoke(runtime, { reason: 'Host is warming up.', trigger: { json: '{}' } })),
  );
}
