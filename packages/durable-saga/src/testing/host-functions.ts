import type { ActivityHandler } from '../host/durable-functions';
import type { Orchestrator } from '../host/durable-functions';
import { handlerOf } from '../host/library-executor';
import type { OrchestratorHandler } from '../host/library-executor';
import type { Registration } from '../host/register';
import { functionsOf } from '../host/register';

/** What a simulated host runs, by name. */
export interface HostFunctions {
  /** Throws for a name that is not there. */
  orchestrator(name: string): HostedOrchestrator;
  /** Throws for a name that is not there. */
  activity(name: string): ActivityHandler;
}

export interface HostedOrchestrator {
  /** The library's own entry point. */
  readonly handler: OrchestratorHandler;
  /** What is behind it, where that is known: it takes less to begin with. */
  readonly orchestrator?: Orchestrator;
}

export function hosted(orchestrator: Orchestrator): HostedOrchestrator {
  return { handler: handlerOf(orchestrator), orchestrator };
}

/** The functions of a registration. Throws as `registerSagas` does. */
export function hostFunctionsOf<Ports>(registration: Registration<Ports>): HostFunctions {
  const { orchestrators, activities } = functionsOf(registration);
  const handlers = new Map([...orchestrators].map(([name, orchestrator]) => [name, hosted(orchestrator)]));
  const runs = new Map(activities.map(({ name, handler }) => [name, handler]));
  return {
    orchestrator: (name) => found(handlers, name),
    activity: (name) => found(runs, name),
  };
}

export function found<T>(functions: ReadonlyMap<string, T>, name: string): T {
  const one = functions.get(name);
  if (one === undefined) throw new Error(`no function '${name}' is registered`);
  return one;
}
