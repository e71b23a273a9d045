import { InvocationContext } from '@azure/functions';
import type { EntityHandler, OrchestrationContext, OrchestrationHandler } from 'durable-functions';
import { createEntityFunction, createOrchestrator } from 'durable-functions/lib/src/util/testingUtils';
import type { RegisteredFunction } from '../../src/app/registered-function';
import type { DurableFunctions } from '../../src/durable/ports';
import { toJson } from '../../src/engine/json';

export type ActivityHandler = (
  input: unknown,
  call: { readonly instanceId: string; readonly taskId: number },
) => unknown;

/** What an orchestrator yields comes back untyped, as in the library. */
export type Orchestrator = (context: OrchestrationContext) => Generator<unknown, unknown, never>;

export interface TestApp {
  readonly orchestrators: Readonly<Record<string, Orchestrator>>;
  readonly activities?: Readonly<Record<string, ActivityHandler>>;
  readonly entities?: Readonly<Record<string, EntityHandler<unknown>>>;
  readonly hasHooks?: boolean;
  /** Takes what orchestrators log. */
  readonly log?: (line: string) => void;
}

/** An app of real `durable-functions` orchestrators and plain activities, as the host's join would hand it over. */
export function toDurableFunctions(app: TestApp): DurableFunctions {
  const orchestrators = new Map<string, RegisteredFunction>();
  for (const [name, handler] of Object.entries(app.orchestrators)) {
    const callback = createOrchestrator(handler as OrchestrationHandler) as RegisteredFunction['callback'];
    orchestrators.set(name.toLowerCase(), toFunction(name, 'orchestrationTrigger', callback));
  }
  const activities = new Map<string, RegisteredFunction>();
  for (const name of Object.keys(app.activities ?? {})) {
    activities.set(
      name.toLowerCase(),
      toFunction(name, 'activityTrigger', () => undefined),
    );
  }
  const entities = new Map<string, RegisteredFunction>();
  for (const [name, handler] of Object.entries(app.entities ?? {})) {
    const callback = createEntityFunction(handler) as RegisteredFunction['callback'];
    entities.set(name.toLowerCase(), toFunction(name, 'entityTrigger', callback));
  }
  const names = { orchestrator: orchestrators, activity: activities, entity: entities };
  return {
    orchestrator: (name) => orchestrators.get(name.toLowerCase()),
    activity: (name) => activities.get(name.toLowerCase()),
    entity: (name) => entities.get(name.toLowerCase()),
    names: (kind) => [...names[kind].values()].map(({ name }) => name),
    async runActivity({ name }, { input, instanceId, taskId }) {
      const result: unknown = await app.activities?.[name]?.(JSON.parse(input), { instanceId, taskId });
      return toJson(result);
    },
    async runEntity(fn, { input }) {
      return toJson(await fn.callback(JSON.parse(input), toContext(app, fn)));
    },
    openInvocation: (fn) => {
      const context = toContext(app, fn);
      return {
        invocationId: 'test',
        context,
        callback: fn.callback,
        runHooked: async (trigger) => fn.callback(trigger, context),
      };
    },
    hasInvocationHooks: () => app.hasHooks === true,
  };
}

function toContext(app: TestApp, fn: RegisteredFunction): InvocationContext {
  return new InvocationContext({
    functionName: fn.name,
    invocationId: 'test',
    logHandler: (_level, ...args) => app.log?.(args.map(String).join(' ')),
  });
}

function toFunction(name: string, type: string, callback: RegisteredFunction['callback']): RegisteredFunction {
  const trigger = { type, name: 'context', direction: 'in' } as const;
  return { name, trigger, bindings: { context: trigger }, callback };
}
